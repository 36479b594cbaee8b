// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"
#include "store/store.hpp"

#include <optional>
#include <string_view>
#include <vector>

/// The statements that read many orders, or much of one; see `Store` for what each means. Call them
/// within a transaction that reads one snapshot. All throw StoreError.
namespace order_server::postgres {

[[nodiscard]] OrderPage list_orders(Connection& connection, const OrderFilter& filter);
[[nodiscard]] OrderCounts count_orders(Connection& connection, const OrderFilter& filter);
[[nodiscard]] std::optional<std::vector<HistoryEntry>> order_history(Connection& connection,
                                                                     std::string_view id,
                                                                     const OrderScope& scope);

}  // namespace order_server::postgres
