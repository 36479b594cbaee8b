// SPDX-License-Identifier: MIT
#pragma once

#include "store/sqlite/connection.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace order_server::sqlite {

/// The reading connections of a store, for any number of threads. `Lease` gives one back at the end
/// of its scope. Any thread; must outlive every lease.
class ReaderPool {
 public:
  /// `before_lease` is called before each lease.
  explicit ReaderPool(
      std::chrono::milliseconds patience, std::function<void()> before_lease = [] {})
      : patience_(patience), before_lease_(std::move(before_lease)) {}

  /// Holds up new leases and waits a moment for the current ones.
  class Pause {
   public:
    explicit Pause(ReaderPool& pool);
    Pause(const Pause&) = delete;
    Pause(Pause&&) = delete;
    Pause& operator=(const Pause&) = delete;
    Pause& operator=(Pause&&) = delete;
    ~Pause();

   private:
    ReaderPool& pool_;
  };

  /// Waits for a connection; throws StoreError if none is free within the pool's patience.
  class Lease {
   public:
    explicit Lease(ReaderPool& pool);
    Lease(const Lease&) = delete;
    Lease(Lease&&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Connection& operator*() const noexcept { return *connection_; }
    Connection* operator->() const noexcept { return connection_.get(); }

   private:
    ReaderPool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  /// Call it before the first lease.
  void add(std::unique_ptr<Connection> connection);

 private:
  const std::chrono::milliseconds patience_;
  const std::function<void()> before_lease_;
  std::mutex mutex_;
  std::condition_variable returned_;
  // Guarded by mutex_, all of the following.
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t all_ = 0;
  bool paused_ = false;
};

}  // namespace order_server::sqlite
