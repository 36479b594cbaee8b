// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Money as whole hundredths of the currency unit: never a floating-point number. Any thread.
namespace order_server {

/// The currency of every sum here, as the payment provider names it.
inline constexpr std::string_view currency_code = "INR";

/// "123.00" for 12300; any value has a text.
[[nodiscard]] std::string format_minor(std::int64_t minor);

/// 1250 for "12.50", "12.5" and 1200 for "12": digits, and at most two more behind a point; nothing
/// for any other text, or if it does not fit.
[[nodiscard]] std::optional<std::int64_t> parse_minor(std::string_view text) noexcept;

/// The highest price of a product: a hundred thousand of it still have a sum.
inline constexpr std::int64_t max_price_minor = 1'000'000'000'000;

/// Price times quantity; nothing if either is negative or the product does not fit.
[[nodiscard]] std::optional<std::int64_t> line_total(std::int64_t unit_price_minor,
                                                     std::int64_t quantity) noexcept;

/// The sum of all lines; nothing if a line has no total or the sum does not fit.
[[nodiscard]] std::optional<std::int64_t> order_total(const std::vector<OrderItem>& items) noexcept;

}  // namespace order_server
