// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Makes any id a legal token of a NATS subject.
namespace ordercast::nats {

/// Letters, digits, '-' and '_' stay; every other byte becomes =XX; an empty text becomes "=".
/// Different ids give different tokens. O(size).
[[nodiscard]] inline std::string subject_token(std::string_view id) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  if (id.empty()) return "=";
  std::string token;
  token.reserve(id.size());
  for (const char c : id) {
    const bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    if (stays) {
      token.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      token.push_back('=');
      token.push_back(digits[byte >> 4U]);
      token.push_back(digits[byte & 15U]);
    }
  }
  return token;
}

/// PREFIX.order.ORGANIZATION.ORDER. A server accepts control lines of up to 4 KiB, so a long
/// organization is cut. The subject only filters; the message itself says whose it is.
[[nodiscard]] inline std::string order_subject(std::string_view prefix,
                                               std::string_view organization_id,
                                               std::string_view order_id) {
  constexpr std::size_t most = 256;
  return std::string(prefix) + ".order." + subject_token(organization_id.substr(0, most)) + "." +
         subject_token(order_id);
}

/// PREFIX.notice.KIND
[[nodiscard]] inline std::string notice_subject(std::string_view prefix, std::string_view kind) {
  return std::string(prefix) + ".notice." + subject_token(kind);
}

}  // namespace ordercast::nats
