// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"
#include "store/refund_store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The statements about refunds; see `RefundStore` for what each means. What writes must be called
/// within a transaction, which the caller commits. All throw StoreError.
namespace order_server::postgres {

/// Taken by moving their time: what a node that has died had taken comes again after a minute.
[[nodiscard]] std::vector<RefundJob> take_due_refunds(Connection& connection, std::size_t limit,
                                                      std::int64_t now_ms);
[[nodiscard]] std::optional<std::int64_t> next_refund_at(Connection& connection,
                                                         std::int64_t now_ms);
void postpone_refund(Connection& connection, std::int64_t id, std::int64_t due_at_ms,
                     const std::string& error);
RefundResult report_refund(Connection& connection, const RefundReport& report,
                           std::int64_t look_at_ms, std::int64_t now_ms);
[[nodiscard]] RefundStats refund_stats(Connection& connection, std::int64_t now_ms);

}  // namespace order_server::postgres
