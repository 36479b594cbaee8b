// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"
#include "store/rows.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The statements about orders; see `Store` for what each means. What writes must be called within
/// a transaction, which the caller commits. All throw StoreError.
namespace order_server::postgres {

using rows::known;
using rows::NumberedOrder;

/// Ends where FROM orders begins; `read_whole_order` reads it.
[[nodiscard]] const std::string& whole_order();
[[nodiscard]] NumberedOrder read_whole_order(const Row& row);

[[nodiscard]] std::optional<Order> find_order(Connection& connection, std::string_view id,
                                              const OrderScope& scope);
[[nodiscard]] std::vector<OrderVersion> current_versions(Connection& connection,
                                                         const std::vector<std::string>& ids);

/// With its items and logs, but no outbox entry. Sets its number within its organization, customer
/// and store.
void insert_order(Connection& connection, Order& order);
/// With its outbox entry as well. The order has its PENDING log.
void create_order(Connection& connection, Order& order);
/// The same, once: false, and nothing is written, where the request's key is known.
bool create_order_once(Connection& connection, Order& order, const RequestKey& request);
[[nodiscard]] std::optional<EarlierAnswer> find_answer(Connection& connection,
                                                       std::string_view user_id,
                                                       std::string_view key, std::int64_t now_ms);

using Decide = std::function<Decision(const Order&)>;

/// One order by its id, if it is in the scope, with its row held until the transaction ends.
[[nodiscard]] std::optional<NumberedOrder> load_order_locked(Connection& connection,
                                                             std::string_view id,
                                                             const OrderScope& scope);
/// Asks `decide` and writes what it wants, all within the caller's transaction.
ChangeResult apply_decision(Connection& connection, NumberedOrder found, const Decide& decide,
                            std::int64_t now_ms);

/// Holds the order's row from before it is read until the transaction ends, so that what `decide`
/// sees stays true.
ChangeResult change_order(Connection& connection, std::string_view id, const OrderScope& scope,
                          const Decide& decide, std::int64_t now_ms);
EventResult apply_payment_event(Connection& connection, const PaymentEventKey& event,
                                std::string_view razorpay_order_id, const Decide& decide,
                                std::int64_t now_ms);

}  // namespace order_server::postgres
