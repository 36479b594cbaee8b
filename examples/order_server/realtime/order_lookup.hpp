// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order_json.hpp"
#include "metrics.hpp"
#include "realtime/shared_reads.hpp"
#include "store/store.hpp"
#include "workers/worker_pool.hpp"

#include <string>
#include <string_view>
#include <utility>

/// Looks up orders for I/O threads, which must never wait for a database.
namespace order_server {

/// An order as read from the store. One thread.
class FoundOrder {
 public:
  explicit FoundOrder(Order order) : order_(std::move(order)) {}

  [[nodiscard]] const Order& order() const noexcept { return order_; }
  /// The order's JSON for clients; encoded once, however many want it.
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
/// If the store is locked, busy or broken, the answer is neither "no such order" nor "not allowed"
/// but "not available": the connection manager keeps the subscription and asks again.
///
/// The check of who may watch an order reads no items and logs, so another user's order costs just
/// one row more than an id that does not exist.
///
/// Any thread. Store, pool and metrics must outlive the last callback.
class OrderLookup {
 public:
  using Owners = SharedReads<OrderOwner>;
  using Orders = SharedReads<FoundOrder>;

  OrderLookup(Store& store, WorkerPool& pool, Metrics& metrics)
      : owners_(pool, metrics, [&store](const std::string& id) { return store.find_owner(id); }),
        orders_(pool, metrics, [&store](const std::string& id) { return read(store, id); }) {}

  /// Calls `found` exactly once: on a worker, or at once on this thread when the queue is full. It
  /// takes a turn of the user `user_id`, because one user may ask for any number of orders.
  void find_owner(std::string_view user_id, const std::string& order_id, Owners::Callback found) {
    owners_.find("user " + std::string(user_id), order_id, std::move(found));
  }
  /// The same for the whole order, in a turn of the server: a connection reads few orders at once
  /// (`Limits::max_concurrent_fetches`).
  void find(const std::string& order_id, Orders::Callback found) {
    orders_.find({}, order_id, std::move(found));
  }

 private:
  static std::optional<FoundOrder> read(Store& store, const std::string& id) {
    auto order = store.find_order(id);
    if (!order) return std::nullopt;
    return FoundOrder(std::move(*order));
  }

  Owners owners_;
  Orders orders_;
};

}  // namespace order_server
