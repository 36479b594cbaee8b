// SPDX-License-Identifier: MIT
#include "order.hpp"

#include <ordercast/detail/utf8.hpp>
#include <ordercast/types.hpp>

#include <nlohmann/json.hpp>

namespace order_watch {

std::optional<Order> parse_order(std::string_view json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  const auto text = [&](const char* name) {
    const auto found = parsed.find(name);
    return found != parsed.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  const auto version = parsed.find("version");
  Order order{text("id"),
              text("status"),
              text("paymentStatus"),
              text("fulfillmentType"),
              text("totalAmount"),
              text("updatedAt"),
              0,
              parsed.dump()};
  if (order.id.empty() || order.id.size() > ordercast::max_order_id_bytes ||
      version == parsed.end() || !version->is_number_unsigned()) {
    return std::nullopt;
  }
  order.version = version->get<std::uint64_t>();
  if (order.version > ordercast::max_version) return std::nullopt;
  return order;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto length = ordercast::detail::utf8_sequence(text);
    const auto first = static_cast<unsigned char>(text.front());
    const auto second = static_cast<unsigned char>(length > 1 ? text[1] : 0);
    const bool is_control = first < 0x20 || first == 0x7F || (first == 0xC2 && second < 0xA0);
    if (length == 0 || is_control) {
      out.push_back('?');
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace order_watch
