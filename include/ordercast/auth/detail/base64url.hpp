// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Base64url as in JWS (RFC 7515 section 2): the URL-safe alphabet without padding. Pure;
/// thread-safe; O(length).
namespace ordercast::detail::jose {

inline constexpr std::uint8_t not_base64url = 0xFF;

[[nodiscard]] constexpr std::array<std::uint8_t, 256> make_base64url_values() noexcept {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = not_base64url;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

/// Returns the bytes that `text` encodes; nullopt if it is not their canonical encoding: an invalid
/// character, padding, an impossible length, or trailing bits that are not zero. So two different
/// texts never decode to the same bytes.
[[nodiscard]] inline std::optional<std::string> base64url_decode(std::string_view text) {
  static constexpr auto values = make_base64url_values();
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (const char c : text) {
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == not_base64url) return std::nullopt;
    pending = (pending << 6U) | value;
    pending_bits += 6;
    if (pending_bits >= 8) {
      pending_bits -= 8;
      out.push_back(static_cast<char>(static_cast<unsigned char>(pending >> pending_bits)));
      pending &= (1U << pending_bits) - 1U;
    }
  }
  if (pending != 0) return std::nullopt;
  return out;
}

}  // namespace ordercast::detail::jose
