// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

namespace ordercast::net {

/// The longest reason that fits into a close frame behind its code (RFC 6455 section 5.5).
inline constexpr std::size_t max_close_reason_bytes = 123;

/// Returns as much of a reason as fits, cut between characters; `reason` is UTF-8. O(1).
[[nodiscard]] inline std::string_view cut_close_reason(std::string_view reason) noexcept {
  if (reason.size() <= max_close_reason_bytes) return reason;
  auto size = max_close_reason_bytes;
  while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80U) --size;
  return reason.substr(0, size);
}

}  // namespace ordercast::net
