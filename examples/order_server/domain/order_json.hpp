// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>

/// The JSON of an order: one form for the API, for broadcasts and for the outbox. Any thread.
namespace order_server {

/// "2024-05-01T12:34:56.789Z" for a Unix time in milliseconds (ISO 8601, UTC).
[[nodiscard]] std::string iso8601(std::int64_t unix_ms);

/// The full order, fields in the contract's sequence. Throws std::overflow_error if a line's total
/// does not fit, which `order_total` would have refused when the order was placed.
[[nodiscard]] nlohmann::ordered_json order_to_json(const Order& order);

/// The same as text, compact. Bytes that are not UTF-8 come out as U+FFFD.
[[nodiscard]] std::string order_json(const Order& order);

}  // namespace order_server
