// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.hpp"
#include "store/store.hpp"
#include "workers/worker_pool.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Looks orders up for I/O threads, which must never wait for a database.
namespace order_server {

/// Asks the store on a worker pool and calls back on one of its threads.
///
/// A database that fails is no reason to tell a client that it may not watch its own order: a
/// failed look-up is tried again after each of `delays`, without holding a worker meanwhile. Only
/// then, or when the pool's queue is full, it is given up, logged and counted, and answered like an
/// order that does not exist: the client is refused rather than let in unchecked, and asks again
/// when it reconnects.
///
/// Any thread. Store, pool and metrics must outlive the last callback; `WorkerPool::stop` runs
/// every look-up that waits.
class OrderLookup {
 public:
  using Found = std::function<void(std::optional<Order>)>;
  using Delays = std::vector<std::chrono::milliseconds>;

  OrderLookup(Store& store, WorkerPool& pool, Metrics& metrics,
              Delays delays = {std::chrono::milliseconds(50), std::chrono::milliseconds(200),
                               std::chrono::milliseconds(800)})
      : store_(store), pool_(pool), metrics_(metrics), delays_(std::move(delays)) {}

  /// Calls `found` exactly once: on a worker, or at once on this thread when the queue is full.
  void find(std::string order_id, const Found& found) { attempt(std::move(order_id), found, 0); }

 private:
  void attempt(std::string order_id, const Found& found, std::size_t number);
  void give_up(const char* reason, const Found& found);

  Store& store_;
  WorkerPool& pool_;
  Metrics& metrics_;
  const Delays delays_;
};

}  // namespace order_server
