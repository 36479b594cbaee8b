// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The statements about orders; see `Store` for what each means. What writes must be called within
/// a transaction, which the caller commits. All throw StoreError.
namespace order_server::postgres {

[[nodiscard]] std::optional<Order> find_order(Connection& connection, std::string_view id,
                                              const OrderScope& scope);
[[nodiscard]] std::optional<OrderOwner> find_owner(Connection& connection, std::string_view id);
/// Within a transaction that reads one snapshot.
[[nodiscard]] OrderPage list_orders(Connection& connection, const OrderFilter& filter);
[[nodiscard]] std::vector<OrderVersion> current_versions(Connection& connection,
                                                         const std::vector<std::string>& ids);

/// With its items and logs, but no outbox entry.
void insert_order(Connection& connection, const Order& order);
/// With its outbox entry as well. The order has its PENDING log.
void create_order(Connection& connection, const Order& order);

using Decide = std::function<Decision(const Order&)>;

/// Holds the order's row from before it is read until the transaction ends, so that what `decide`
/// sees stays true.
ChangeResult change_order(Connection& connection, std::string_view id, const OrderScope& scope,
                          const Decide& decide, std::int64_t now_ms);
EventResult apply_payment_event(Connection& connection, const PaymentEventKey& event,
                                std::string_view razorpay_order_id, const Decide& decide,
                                std::int64_t now_ms);

}  // namespace order_server::postgres
