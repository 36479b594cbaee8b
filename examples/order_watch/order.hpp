// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace order_watch {

/// The fields of an order that are shown, and all of it as JSON.
struct Order {
  std::string id;
  std::string status;
  std::string payment;
  std::string fulfillment;
  std::string total;
  std::string updated_at;
  std::uint64_t version = 0;
  std::string json;  ///< On one line.
};

/// Reads an order; nullopt if it has no id or no version. Other fields may be missing.
[[nodiscard]] std::optional<Order> parse_order(std::string_view json);

/// Makes text safe for a terminal: text from a server must not move the cursor. Bytes that are not
/// printable UTF-8 become question marks.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace order_watch
