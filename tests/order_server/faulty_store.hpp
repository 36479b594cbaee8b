// SPDX-License-Identifier: MIT
#pragma once

#include "store/store.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace order_server {

/// An in-memory store that fails on demand. Implements the outbox and the look-ups of orders that
/// the real-time side uses. Any thread.
class FaultyStore final : public Store {
 public:
  std::atomic<int> failures{0};        ///< How many calls fail before one works.
  std::atomic<int> mark_failures{0};   ///< The same for mark_broadcast alone.
  std::atomic<int> check_failures{0};  ///< The same for check alone.
  std::atomic<int> reads{0};
  std::atomic<std::size_t> pruned{0};  ///< How many marked entries were pruned.

  void add_entry(const std::string& order_id, std::uint64_t version) {
    const std::lock_guard lock(mutex_);
    OutboxEntry entry;
    entry.sequence = ++sequence_;
    entry.order_id = order_id;
    entry.owner_id = "owner";
    entry.organization_id = "org-1";
    entry.status = "CONFIRMED";
    entry.version = version;
    entry.order_json = "{\"version\":" + std::to_string(version) + "}";
    entry.created_at_ms = 1000;
    newest_[order_id] = std::max(newest_[order_id], version);
    pending_.push_back(std::move(entry));
  }
  /// How many failures of an entry were recorded, and whether it was given up.
  [[nodiscard]] std::pair<std::int64_t, bool> failures_of(std::int64_t sequence) const {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : failed_) {
      if (entry.sequence == sequence) return {entry.attempts, dead_.count(sequence) != 0};
    }
    return {0, false};
  }
  void put_order(const Order& order) {
    const std::lock_guard lock(mutex_);
    orders_[order.id] = order;
  }
  [[nodiscard]] std::set<std::int64_t> marked() const {
    const std::lock_guard lock(mutex_);
    return marked_;
  }

  std::vector<OutboxEntry> pending_broadcasts(std::size_t limit) override {
    fail_if_told(failures);
    const std::lock_guard lock(mutex_);
    const auto count = std::min(limit, pending_.size());
    return {pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count)};
  }
  /// Has no delays: a failed entry is due at once.
  std::vector<OutboxEntry> failed_broadcasts(std::size_t limit, std::int64_t) override {
    const std::lock_guard lock(mutex_);
    std::vector<OutboxEntry> due;
    for (auto entry : failed_) {
      if (due.size() == limit || dead_.count(entry.sequence) != 0) continue;
      entry.superseded = newest_[entry.order_id] > entry.version;
      due.push_back(std::move(entry));
    }
    return due;
  }
  void mark_broadcast(const std::vector<std::int64_t>& sequences) override {
    fail_if_told(mark_failures);
    const std::lock_guard lock(mutex_);
    marked_.insert(sequences.begin(), sequences.end());
    for (auto* entries : {&pending_, &failed_}) {
      entries->erase(
          std::remove_if(entries->begin(), entries->end(),
                         [&](const auto& entry) { return marked_.count(entry.sequence); }),
          entries->end());
    }
  }
  void fail_broadcasts(const std::vector<BroadcastFailure>& failed, std::int64_t) override {
    const std::lock_guard lock(mutex_);
    for (const auto& failure : failed) {
      const auto is_it = [&](const auto& entry) { return entry.sequence == failure.sequence; };
      const auto fresh = std::find_if(pending_.begin(), pending_.end(), is_it);
      if (fresh != pending_.end()) {
        failed_.push_back(*fresh);
        pending_.erase(fresh);
      }
      ++std::find_if(failed_.begin(), failed_.end(), is_it)->attempts;
      if (!failure.retry_at_ms) dead_.insert(failure.sequence);
    }
  }
  std::size_t prune_outbox(std::int64_t, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    const auto count = std::min(limit, marked_.size() - pruned);
    pruned += count;
    return count;
  }
  using Store::find_order;
  std::optional<Order> find_order(std::string_view id, const OrderScope&) override {
    ++reads;
    fail_if_told(failures);
    const std::lock_guard lock(mutex_);
    const auto found = orders_.find(std::string(id));
    if (found == orders_.end()) return std::nullopt;
    return found->second;
  }

  bool empty() override { return false; }
  bool fill(const DemoData&) override { return false; }
  bool is_demo() override { return false; }
  std::string epoch() override { return "epoch"; }
  void add_user(const User&) override {}
  void add_shop(const Shop&) override {}
  void add_product(const Product&) override {}
  std::optional<User> find_user(std::string_view) override { return {}; }
  std::optional<User> find_user_by_email(std::string_view) override { return {}; }
  std::vector<Shop> list_shops() override { return {}; }
  std::optional<Shop> find_shop(std::string_view) override { return {}; }
  std::vector<Product> list_products(std::string_view) override { return {}; }
  OrderPage list_orders(const OrderFilter&) override { return {}; }
  std::vector<OrderVersion> current_versions(const std::vector<std::string>& ids) override {
    ++reads;
    fail_if_told(failures);
    const std::lock_guard lock(mutex_);
    std::vector<OrderVersion> versions;
    for (const auto& id : ids) {
      const auto found = orders_.find(id);
      if (found == orders_.end()) continue;
      const auto& order = found->second;
      versions.push_back({id, order.version, order.user_id, order.organization_id,
                          std::string(to_string(order.status))});
    }
    return versions;
  }
  OrderCounts count_orders(const OrderFilter&) override { return {}; }
  std::optional<std::vector<HistoryEntry>> order_history(std::string_view,
                                                         const OrderScope&) override {
    return {};
  }
  Order create_order(const Order& order) override { return order; }
  CreateResult create_order_once(const Order& order, const RequestKey&) override {
    return {order, {}};
  }
  std::optional<EarlierAnswer> find_answer(std::string_view, std::string_view,
                                           std::int64_t) override {
    return {};
  }
  using Store::change_order;
  ChangeResult change_order(std::string_view, const OrderScope&,
                            const std::function<Decision(const Order&)>&, std::int64_t) override {
    return {};
  }
  EventResult apply_payment_event(const PaymentEventKey&, std::string_view,
                                  const std::function<Decision(const Order&)>&,
                                  std::int64_t) override {
    return {};
  }
  OutboxStats outbox_stats(std::int64_t) override { return {}; }
  std::optional<std::string> add_device(std::string_view, std::string_view, std::string_view,
                                        std::int64_t) override {
    return {};
  }
  void remove_device(std::string_view, std::string_view) override {}
  void check() override { fail_if_told(check_failures); }
  std::int64_t log_bytes() const noexcept override { return 0; }

 private:
  static void fail_if_told(std::atomic<int>& left) {
    if (left > 0) {
      --left;
      throw StoreError("the test's disk is full");
    }
  }

  mutable std::mutex mutex_;
  std::int64_t sequence_ = 0;
  std::vector<OutboxEntry> pending_;
  std::vector<OutboxEntry> failed_;
  std::set<std::int64_t> dead_;
  std::map<std::string, std::uint64_t> newest_;
  std::set<std::int64_t> marked_;
  std::map<std::string, Order> orders_;
};

}  // namespace order_server
