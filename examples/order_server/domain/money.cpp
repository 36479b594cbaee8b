// SPDX-License-Identifier: MIT
#include "domain/money.hpp"

#include <limits>

namespace order_server {

std::string format_minor(std::int64_t minor) {
  // The lowest int64 has no positive counterpart, so take the digits from an unsigned magnitude.
  const auto bits = static_cast<std::uint64_t>(minor);
  const std::uint64_t magnitude = minor < 0 ? 0 - bits : bits;
  std::string text = minor < 0 ? "-" : "";
  text += std::to_string(magnitude / 100);
  text += '.';
  text += static_cast<char>('0' + magnitude / 10 % 10);
  text += static_cast<char>('0' + magnitude % 10);
  return text;
}

std::optional<std::int64_t> parse_minor(std::string_view text) noexcept {
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  auto rest = point == std::string_view::npos ? std::string_view("00") : text.substr(point + 1);
  if (whole.empty() || whole.size() > 16 || rest.empty() || rest.size() > 2) return std::nullopt;
  std::int64_t minor = 0;
  for (const auto part : {whole, rest}) {
    for (const char digit : part) {
      if (digit < '0' || digit > '9') return std::nullopt;
      minor = minor * 10 + (digit - '0');
    }
  }
  return rest.size() == 1 ? minor * 10 : minor;
}

std::optional<std::int64_t> line_total(std::int64_t unit_price_minor,
                                       std::int64_t quantity) noexcept {
  if (unit_price_minor < 0 || quantity < 0) return std::nullopt;
  if (quantity != 0 && unit_price_minor > std::numeric_limits<std::int64_t>::max() / quantity) {
    return std::nullopt;
  }
  return unit_price_minor * quantity;
}

std::optional<std::int64_t> order_total(const std::vector<OrderItem>& items) noexcept {
  std::int64_t sum = 0;
  for (const OrderItem& item : items) {
    const auto line = line_total(item.unit_price_minor, item.quantity);
    if (!line || *line > std::numeric_limits<std::int64_t>::max() - sum) return std::nullopt;
    sum += *line;
  }
  return sum;
}

}  // namespace order_server
