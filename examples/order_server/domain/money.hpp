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

/// Returns "123.00" for 12300. Works for any value.
[[nodiscard]] std::string format_minor(std::int64_t minor);

/// Returns 1250 for "12.50" and "12.5", 1200 for "12". Takes digits with at most two decimals;
/// returns nullopt for any other text, or if the value does not fit.
[[nodiscard]] std::optional<std::int64_t> parse_minor(std::string_view text) noexcept;

/// The highest price of a product. The sum of a hundred thousand still fits.
inline constexpr std::int64_t max_price_minor = 1'000'000'000'000;

/// Returns price times quantity; nullopt if either is negative or the result does not fit.
[[nodiscard]] std::optional<std::int64_t> line_total(std::int64_t unit_price_minor,
                                                     std::int64_t quantity) noexcept;

/// Returns the sum of all lines; nullopt if a line has no total or the sum does not fit.
[[nodiscard]] std::optional<std::int64_t> order_total(const std::vector<OrderItem>& items) noexcept;

}  // namespace order_server
