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
  /// The most connections at once; they are opened as they are needed. 0 is taken as 1.
  std::size_t connections = 8;
  /// How long a call waits for a connection that others use.
  std::chrono::milliseconds turn_timeout{5'000};
  /// How long a new connection may take.
  std::chrono::milliseconds connect_timeout{5'000};
  /// How long no connection is tried after one that failed: jittered, doubled with each failure in
  /// a row. Calls that come meanwhile fail at once, or wait for a connection that there is.
  BackoffRange backoff{std::chrono::milliseconds(50), std::chrono::milliseconds(2'000)};
};

/// The connections of a store, for any number of threads. While the server is away one call after
/// another tries it, no two at once, so that a server that comes back meets no crowd.
class Pool {
 public:
  /// Runs on each new connection before its first use; may throw.
  using Prepare = std::function<void(Connection&)>;

  Pool(Address address, std::string name, PoolOptions options, Prepare prepare);

  /// The right to use one connection until the end of its scope; then a connection that is still
  /// good goes back.
  class Lease {
   public:
    /// Everything must be answered until `deadline`. Throws Error if no connection can be had.
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
  // All below under mutex_.
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t open_ = 0;  // Idle ones and those in use.
  std::size_t connecting_ = 0;
  std::int64_t failures_ = 0;  // Of connecting, in a row.
  std::string last_failure_;
  TimePoint next_attempt_{};
  Backoff backoff_;
};

}  // namespace order_server::postgres
