// SPDX-License-Identifier: MIT
#pragma once

#include "store/account_store.hpp"
#include "store/push_store.hpp"
#include "store/refund_store.hpp"
#include "store/session_store.hpp"
#include "store/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What the rows of either database mean. The statements of both name their columns in the order in
/// which they are read here. A `Row` has `text(column)` ("" for NULL), `integer(column)` (0 for
/// NULL) and `is_null(column)`. All throw StoreError.
namespace order_server::rows {

/// A name that the table's CHECK lets in but this program does not know is a later program's.
template <class Enum>
Enum known(std::optional<Enum> value, const char* column) {
  if (!value) throw StoreError(std::string("unknown value in the database's column ") + column);
  return *value;
}

/// An order and the number that its rows in other tables carry, which also is the sequence of
/// creation in the database.
struct NumberedOrder {
  std::int64_t number = 0;
  Order order;
};

/// How many columns `order` reads.
inline constexpr int order_columns = 20;

/// An order's own row, without items, logs, customer and shop.
template <class Row>
NumberedOrder order(const Row& row) {
  NumberedOrder result;
  result.number = row.integer(0);
  Order& order = result.order;
  order.id = row.text(1);
  order.user_id = row.text(2);
  order.store_id = row.text(3);
  order.organization_id = row.text(4);
  order.status = known(order_status_from_string(row.text(5)), "orders.status");
  order.payment_status = known(payment_status_from_string(row.text(6)), "orders.payment_status");
  order.payment_method = known(payment_method_from_string(row.text(7)), "orders.payment_method");
  order.fulfillment_type =
      known(fulfillment_type_from_string(row.text(8)), "orders.fulfillment_type");
  order.total_minor = row.integer(9);
  order.delivery_address = row.text(10);
  order.razorpay_order_id = row.text(11);
  order.razorpay_payment_id = row.text(12);
  order.note = row.text(13);
  order.version = static_cast<std::uint64_t>(row.integer(14));
  order.created_at_ms = row.integer(15);
  order.updated_at_ms = row.integer(16);
  order.number = row.integer(17);
  if (!row.is_null(18)) {
    order.refund_status = known(refund_status_from_string(row.text(18)), "orders.refund_status");
  }
  if (!row.is_null(19)) order.estimated_ready_at_ms = row.integer(19);
  return result;
}

template <class Row>
OrderVersion order_version(const Row& row) {
  return {row.text(0), static_cast<std::uint64_t>(row.integer(1)), row.text(2), row.text(3),
          row.text(4)};
}

template <class Row>
HistoryEntry history_entry(const Row& row) {
  HistoryEntry entry;
  entry.version = static_cast<std::uint64_t>(row.integer(0));
  entry.status = known(order_status_from_string(row.text(1)), "status_logs.status");
  if (!row.is_null(2)) {
    entry.payment_status =
        known(payment_status_from_string(row.text(2)), "status_logs.payment_status");
  }
  entry.note = row.text(3);
  entry.actor = {row.text(4), row.text(5)};
  entry.actor_name = row.text(6);
  entry.created_at_ms = row.integer(7);
  return entry;
}

/// One status and how many orders have it.
template <class Row>
void add_count(const Row& row, OrderCounts& counts) {
  const auto status = known(order_status_from_string(row.text(0)), "orders.status");
  counts.by_status[static_cast<std::size_t>(status)] = row.integer(1);
  counts.total += row.integer(1);
}

template <class Row>
User user(const Row& row) {
  return {row.text(0),
          row.text(1),
          row.text(2),
          row.text(3),
          known(role_from_string(row.text(4)), "users.role"),
          row.text(5),
          row.integer(6) != 0,
          row.text(7)};
}

template <class Row>
EndedSession ended_session(const Row& row) {
  return {row.text(0), row.text(1), row.integer(2)};
}

template <class Row>
AccountChange account_change(const Row& row) {
  return {row.integer(0), row.text(1)};
}

template <class Row>
Shop shop(const Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3)};
}

template <class Row>
Product product(const Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.integer(3)};
}

template <class Row>
OutboxEntry outbox_entry(const Row& row) {
  OutboxEntry entry;
  entry.sequence = row.integer(0);
  entry.order_id = row.text(1);
  entry.owner_id = row.text(2);
  entry.organization_id = row.text(3);
  entry.status = row.text(4);
  entry.version = static_cast<std::uint64_t>(row.integer(5));
  entry.order_json = row.text(6);
  entry.created_at_ms = row.integer(7);
  entry.attempts = row.integer(8);
  entry.superseded = row.integer(9) != 0;
  return entry;
}

template <class Row>
PushJob push_job(const Row& row) {
  return {row.integer(0),
          row.text(1),
          row.text(2),
          row.text(3),
          row.text(4),
          row.text(5),
          static_cast<std::uint64_t>(row.integer(6)),
          row.integer(7),
          row.integer(8),
          row.integer(9),
          row.integer(10),
          row.integer(11)};
}

template <class Row>
RefundJob refund_job(const Row& row) {
  return {row.integer(0), row.text(1),    row.text(2),   row.integer(3),
          row.text(4),    row.integer(5), row.integer(6)};
}

/// What an id of a dead letter begins with.
inline constexpr std::string_view broadcast_kind = "broadcast:";
inline constexpr std::string_view push_kind = "push:";
inline constexpr std::string_view refund_kind = "refund:";

/// A push's row has the device's token behind the columns of the others.
template <class Row>
DeadLetter dead_letter(const Row& row, std::string_view kind) {
  DeadLetter letter;
  letter.id = std::string(kind) + std::to_string(row.integer(0));
  letter.order_id = row.text(1);
  letter.version = static_cast<std::uint64_t>(row.integer(2));
  letter.status = row.text(3);
  letter.attempts = row.integer(4);
  letter.dead_at_ms = row.integer(5);
  letter.error = row.text(6);
  if (kind == push_kind) letter.device = abbreviated(row.text(7));
  return letter;
}

}  // namespace order_server::rows
