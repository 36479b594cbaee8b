// SPDX-License-Identifier: MIT
#pragma once

#include "store/sqlite/order_rows.hpp"

#include <functional>

namespace order_server::sqlite {

/// Asks `decide` and writes what it wants, all within the caller's transaction: the order's row,
/// what happened, the outbox entry, and the refund of a payment that has to go back.
[[nodiscard]] ChangeResult apply_decision(Connection& connection, NumberedOrder found,
                                          const std::function<Decision(const Order&)>& decide,
                                          std::int64_t now_ms);

}  // namespace order_server::sqlite
