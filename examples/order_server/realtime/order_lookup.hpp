// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order_json.hpp"
#include "metrics.hpp"
#include "store/store.hpp"
#include "workers/worker_pool.hpp"

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// Looks orders up for I/O threads, which must never wait for a database.
namespace order_server {

/// An order as it was read. One thread.
class FoundOrder {
 public:
  explicit FoundOrder(Order order) : order_(std::move(order)) {}

  [[nodiscard]] const Order& order() const noexcept { return order_; }
  /// As it goes over the wire; encoded once, however many want it.
  [[nodiscard]] const std::string& json() const {
    if (json_.empty()) json_ = order_json(order_);
    return json_;
  }

 private:
  Order order_;
  mutable std::string json_;
};

/// Asks the store on a worker pool and calls back on one of its threads.
///
/// A database that fails is no reason to tell a client that it may not watch its own order: a
/// failed look-up is tried again after each of `delays`, without holding a worker meanwhile. Only
/// then, or when the pool's queue is full, it is given up, logged and counted, and answered like an
/// order that does not exist: the client is refused rather than let in unchecked, and asks again
/// when it reconnects.
///
/// Look-ups of an order that come while one of it waits for a worker join that one: when all
/// clients come back at once, an order is read once for all of its watchers. They never join a read
/// that has begun, whose answer may be older than what they were registered for.
///
/// Any thread. Store, pool and metrics must outlive the last callback; `WorkerPool::stop` runs
/// every look-up that waits.
class OrderLookup {
 public:
  /// The order, or nothing. All who share a read are given the same object.
  using Found = std::function<void(const FoundOrder*)>;
  using Delays = std::vector<std::chrono::milliseconds>;

  OrderLookup(Store& store, WorkerPool& pool, Metrics& metrics,
              Delays delays = {std::chrono::milliseconds(50), std::chrono::milliseconds(200),
                               std::chrono::milliseconds(800)})
      : store_(store), pool_(pool), metrics_(metrics), delays_(std::move(delays)) {}

  /// Calls `found` exactly once: on a worker, or at once on this thread when the queue is full.
  void find(const std::string& order_id, Found found);

 private:
  using Waiting = std::vector<Found>;

  [[nodiscard]] Waiting take(const std::string& order_id);
  /// Reads on a worker thread; `number` counts the attempts that have failed.
  void read(const std::string& order_id, const Waiting& waiting, std::size_t number);
  void give_up(const char* reason, const Waiting& waiting);

  Store& store_;
  WorkerPool& pool_;
  Metrics& metrics_;
  const Delays delays_;
  std::mutex mutex_;
  std::unordered_map<std::string, Waiting> waiting_;  // under mutex_: for a read that has not begun
};

}  // namespace order_server
