// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>

/// Writes an order as JSON: the same for the API, broadcasts and the outbox. Any thread.
namespace order_server {

/// "2024-05-01T12:34:56.789Z" for a Unix time in milliseconds (ISO 8601, UTC).
[[nodiscard]] std::string iso8601(std::int64_t unix_ms);

/// The full order, with its fields in the order of the contract. Throws std::overflow_error if a
/// line's total does not fit; `order_total` refuses such an order when it is placed.
[[nodiscard]] nlohmann::ordered_json order_to_json(const Order& order);

/// The same as compact text. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string order_json(const Order& order);

}  // namespace order_server
