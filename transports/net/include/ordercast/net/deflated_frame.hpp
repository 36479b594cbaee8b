// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/deflate_terms.hpp>
#include <ordercast/net/deflater.hpp>
#include <ordercast/net/frame.hpp>
#include <ordercast/net/frame_head.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/// The compressed form of a server's messages (RFC 7692 section 6.1).
namespace ordercast::net {

/// Returns the frame of a compressed message; an empty one if the message should stay as it is.
[[nodiscard]] inline Frame make_deflated_frame(Opcode opcode, std::string_view message) noexcept {
  try {
    std::string compressed;
    if (!Deflater::of_this_thread().deflate(message, compressed)) return {};
    return Frame::of(FrameHead(opcode, compressed.size(), Coding::deflated).bytes(), compressed);
  } catch (...) {  // Out of memory: the message goes as it is.
    return {};
  }
}

/// Returns what a client that has agreed on permessage-deflate gets for a frame: its message
/// compressed, or the frame itself. A message is compressed once, by the first that needs it, on
/// whatever thread; a thread that needs it at the same time waits for it. O(1) from then on.
[[nodiscard]] inline Frame deflated(const Frame& frame) noexcept {
  if (frame.message().size() < Deflater::least_bytes) return frame;
  auto compressed = frame.twin([&] {
    const auto opcode = static_cast<Opcode>(frame.bytes().front() & 0x0F);
    return make_deflated_frame(opcode, frame.message());
  });
  return compressed.size() == 0 ? frame : compressed;
}

/// Whether a client's window is large enough for all that a `Deflater` makes.
[[nodiscard]] inline bool fits_all(const DeflateTerms& terms) noexcept {
  return terms.window_bits >= Deflater::window_bits;
}

/// The same for one message: whatever it refers back to is in the message.
[[nodiscard]] inline bool fits(const DeflateTerms& terms, std::size_t message_bytes) noexcept {
  return fits_all(terms) || message_bytes <= std::size_t{1} << terms.window_bits;
}

}  // namespace ordercast::net
