// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"
#include "workers/backoff.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace order_server::postgres {

struct PoolOptions {
  /// How many connections at once; they are opened as needed. 0 counts as 1.
  std::size_t connections = 8;
  /// How long a call waits for a connection that others use.
  std::chrono::milliseconds turn_timeout{5'000};
  /// How long a new connection may take.
  std::chrono::milliseconds connect_timeout{5'000};
  /// How long to wait after a failed connect: with jitter, doubled with each failure in a row.
  /// Meanwhile calls fail at once, or wait for an open connection.
  BackoffRange backoff{std::chrono::milliseconds(50), std::chrono::milliseconds(2'000)};
};

/// The connections of a store, for any number of threads. While the server is down, one call after
/// another tries to connect, never two at once, so that a server that comes back is not flooded.
class Pool {
 public:
  /// Runs on each new connection before its first use; may throw.
  using Prepare = std::function<void(Connection&)>;

  Pool(Address address, std::string name, PoolOptions options, Prepare prepare);

  /// The right to use one connection until the end of its scope; then a connection that is still
  /// good is returned.
  class Lease {
   public:
    /// Everything must be answered by `deadline`. Throws Error if no connection is available.
    Lease(Pool& pool, TimePoint deadline);
    Lease(const Lease&) = delete;
    Lease(Lease&&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Connection& operator*() const noexcept { return *connection_; }
    Connection* operator->() const noexcept { return connection_.get(); }

   private:
    Pool& pool_;
    std::unique_ptr<Connection> connection_;
  };

 private:
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] std::unique_ptr<Connection> take(TimePoint deadline);
  [[nodiscard]] std::unique_ptr<Connection> take_idle(Lock& lock);
  [[nodiscard]] bool may_connect() const;
  /// Null if it failed.
  [[nodiscard]] std::unique_ptr<Connection> connect(Lock& lock, TimePoint deadline);
  void give_back(std::unique_ptr<Connection> connection) noexcept;

  const Address address_;
  const std::string name_;
  const PoolOptions options_;
  const Prepare prepare_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_, all of the following.
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t open_ = 0;  // Idle connections and those in use.
  std::size_t connecting_ = 0;
  std::int64_t failures_ = 0;  // Failed connects in a row.
  std::string last_failure_;
  TimePoint next_attempt_{};
  Backoff backoff_;
};

}  // namespace order_server::postgres
