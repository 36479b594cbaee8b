// SPDX-License-Identifier: MIT
#pragma once

#include "store/rows.hpp"
#include "store/sqlite/connection.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The rows of one order: its own, its items, its logs. Call these within a transaction, so that
/// all are of one moment. All throw StoreError.
namespace order_server::sqlite {

using rows::known;
using rows::NumberedOrder;

/// The tables that `read_order_row` reads, customer and store by their primary keys; ends where the
/// condition begins.
inline constexpr std::string_view order_columns =
    "SELECT orders.number, orders.id, orders.user_id, orders.store_id, orders.organization_id, "
    "orders.status, payment_status, payment_method, fulfillment_type, total_minor, "
    "delivery_address, razorpay_order_id, razorpay_payment_id, note, version, created_at, "
    "updated_at, number_in_organization, refund_status, estimated_ready_at, users.name, "
    "users.email, users.phone, shops.name, shops.phone FROM orders "
    "LEFT JOIN users ON users.id = orders.user_id LEFT JOIN shops ON shops.id = orders.store_id";

[[nodiscard]] NumberedOrder read_order_row(const Query& row);
void read_items_and_logs(Connection& connection, NumberedOrder& target);

/// The order of a query for `order_columns`, whole.
template <class... Keys>
std::optional<NumberedOrder> load_order(Connection& connection, const std::string& sql,
                                        const Keys&... keys) {
  std::optional<NumberedOrder> result;
  {
    Query query = connection.query(sql, keys...);
    if (query.next()) result = read_order_row(query);
  }
  if (result) read_items_and_logs(connection, *result);
  return result;
}

/// One order by its id, if it is in the scope.
[[nodiscard]] std::optional<NumberedOrder> load_order(Connection& connection, std::string_view id,
                                                      const OrderScope& scope);

/// With its items and logs, but no outbox entry. Sets its number within its organization, customer
/// and store.
void insert_order(Connection& connection, Order& order);

/// What a change has made of an order that is stored, but no outbox entry.
void update_order(Connection& connection, std::int64_t number, const Order& order);

/// What was changed, by whom and when: with `is_shown` as one of the order's logs, else for its
/// history alone.
void insert_log(Connection& connection, std::int64_t order_number, const Order& order,
                const StatusLog& log, bool is_shown);

/// The entry that drives broadcast and push of the order as it is now. `notify`: devices hear of
/// it.
void insert_outbox(Connection& connection, const Order& order, bool notify);

}  // namespace order_server::sqlite
