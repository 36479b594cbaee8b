// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// The header of a server's WebSocket frame (RFC 6455 section 5.2): final, not masked, plain or
/// compressed.
///
/// A plain value; any thread; O(1).
///
///     const FrameHead head(Opcode::text, text.size());
///     const auto wire = std::string(head.bytes()) + text;
namespace ordercast::net {

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

/// How a message is coded; `deflated` sets RSV1 (RFC 7692 section 6).
enum class Coding : std::uint8_t { plain, deflated };

class FrameHead {
 public:
  FrameHead(Opcode opcode, std::size_t payload_bytes, Coding coding = Coding::plain) noexcept {
    const unsigned rsv1 = coding == Coding::deflated ? 0x40U : 0U;
    bytes_[0] = static_cast<char>(0x80U | rsv1 | static_cast<unsigned>(opcode));
    std::size_t extended = 0;  // Bytes of the length that don't fit into the second byte.
    if (payload_bytes < 126) {
      bytes_[1] = static_cast<char>(payload_bytes);
    } else {
      extended = payload_bytes <= 0xFFFF ? 2 : 8;
      bytes_[1] = static_cast<char>(extended == 2 ? 126 : 127);
    }
    for (std::size_t i = 0; i < extended; ++i) {
      bytes_[2 + i] = static_cast<char>((payload_bytes >> (8 * (extended - 1 - i))) & 0xFFU);
    }
    size_ = 2 + extended;
  }

  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 10> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace ordercast::net
