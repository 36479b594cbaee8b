// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order_json.hpp"
#include "metrics.hpp"
#include "realtime/shared_reads.hpp"
#include "store/store.hpp"
#include "workers/worker_pool.hpp"
#include <ordercast/types.hpp>

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
/// one row more than an id that does not exist. It reads the version as well, so that a client that
/// comes back with it is spared the order.
///
/// Any thread. Store, pool and metrics must outlive the last callback.
class OrderLookup {
 public:
  using Versions = SharedReads<OrderVersion>;
  using Orders = SharedReads<FoundOrder>;

  OrderLookup(Store& store, WorkerPool& pool, Metrics& metrics)
      : versions_(pool, metrics, {ordercast::max_batch},
                  [&store](const Versions::Keys& ids) { return read_versions(store, ids); }),
        orders_(pool, metrics, {},
                [&store](const Orders::Keys& ids) { return read(store, ids.front()); }) {}

  /// Calls `found` exactly once: on a worker, or at once on this thread when the queue is full. It
  /// takes a turn of the user `user_id`, because one user may ask for any number of orders.
  void find_version(std::string_view user_id, const std::string& order_id,
                    Versions::Callback found) {
    versions_.find("user " + std::string(user_id), order_id, std::move(found));
  }
  /// The same for the whole order, in a turn of the server: a connection reads few orders at once
  /// (`Limits::max_concurrent_fetches`).
  void find(const std::string& order_id, Orders::Callback found) {
    orders_.find({}, order_id, std::move(found));
  }

 private:
  static Versions::Values read_versions(Store& store, const Versions::Keys& ids) {
    Versions::Values found;
    for (OrderVersion& one : store.current_versions(ids)) {
      std::string id = one.order_id;
      found.emplace(std::move(id), std::move(one));
    }
    return found;
  }
  static Orders::Values read(Store& store, const std::string& id) {
    Orders::Values found;
    if (auto order = store.find_order(id)) found.emplace(id, FoundOrder(std::move(*order)));
    return found;
  }

  Versions versions_;
  Orders orders_;
};

}  // namespace order_server
