// SPDX-License-Identifier: MIT
#pragma once

#include "domain/ids.hpp"
#include "store/store.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

/// What every store does alike: checks of arguments, sorting, and the rules of a change.
namespace order_server {

/// Returns `order` with a PENDING log, which it may lack. Throws std::invalid_argument for an order
/// that is not new: version 1, PENDING, no log but a PENDING one.
[[nodiscard]] inline Order complete_new_order(Order order) {
  const bool is_new =
      order.version == 1 && order.status == OrderStatus::pending && order.status_logs.size() <= 1 &&
      (order.status_logs.empty() || order.status_logs.front().status == OrderStatus::pending);
  if (!is_new) throw std::invalid_argument("create_order takes a new order only");
  if (order.status_logs.empty()) {
    order.status_logs.push_back(
        {random_uuid(), OrderStatus::pending, std::string(), order.created_at_ms});
  }
  return order;
}

/// Throws std::invalid_argument for more ids than `current_versions` takes.
inline void require_few(const std::vector<std::string>& ids) {
  if (ids.size() <= max_versions_at_once) return;
  throw std::invalid_argument("current_versions takes at most " +
                              std::to_string(max_versions_at_once) + " ids");
}

/// The column that a list is sorted by; its name is the same in every store.
[[nodiscard]] inline std::string_view column_of(OrderSort sort) noexcept {
  switch (sort) {
    case OrderSort::created_at:
      return "orders.created_at";
    case OrderSort::updated_at:
      return "orders.updated_at";
    case OrderSort::total:
      return "orders.total_minor";
    case OrderSort::number:
      return "orders.number_in_organization";
  }
  return "orders.created_at";
}

/// What an order has in that column.
[[nodiscard]] inline std::int64_t value_of(OrderSort sort, const Order& order) noexcept {
  switch (sort) {
    case OrderSort::created_at:
      return order.created_at_ms;
    case OrderSort::updated_at:
      return order.updated_at_ms;
    case OrderSort::total:
      return order.total_minor;
    case OrderSort::number:
      return order.number;
  }
  return order.created_at_ms;
}

/// The answer where `decision` changes nothing.
[[nodiscard]] inline ChangeResult unchanged(Order order, const Decision& decision) {
  ChangeResult result;
  result.order = std::move(order);
  if (const auto* rejection = std::get_if<Rejection>(&decision)) result.rejection = *rejection;
  return result;
}

/// What a change of an order writes, in one transaction.
struct PlannedChange {
  Order next;                  ///< The order's new version.
  StatusLog log;               ///< For the order's logs if `Change::write_log`, and its history.
  bool moves = false;          ///< The status changes, so devices get a push.
  bool begins_refund = false;  ///< The money is to be given back.
  bool ends_refund = false;    ///< The money has been given back.
};

[[nodiscard]] inline PlannedChange plan_change(Order order, const Change& change,
                                               std::int64_t now_ms) {
  PlannedChange plan;
  const OrderStatus before = order.status;
  const bool was_back = order.refund_status == RefundStatus::done;
  plan.next = apply_change(std::move(order), change, now_ms);
  const Order& next = plan.next;
  plan.log = change.write_log ? next.status_logs.back()
                              : StatusLog{random_uuid(), next.status, change.log_note,
                                          next.updated_at_ms, change.actor};
  plan.moves = next.status != before;
  plan.begins_refund = !change.refund_payment_id.empty();
  plan.ends_refund = next.refund_status == RefundStatus::done && !was_back;
  return plan;
}

/// The number in the id of a dead letter, like 5 in "push:5". For "" it is 0, which stands for all
/// entries. Nullopt for an id of another kind.
[[nodiscard]] inline std::optional<std::int64_t> dead_letter_number(std::string_view id,
                                                                    std::string_view kind) {
  if (id.empty()) return 0;
  if (id.substr(0, kind.size()) != kind) return std::nullopt;
  const std::string_view digits = id.substr(kind.size());
  std::int64_t number = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc{} || stop != end || number < 1) return std::nullopt;
  return number;
}

}  // namespace order_server
