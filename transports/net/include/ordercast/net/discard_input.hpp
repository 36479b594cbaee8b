// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace ordercast::net {

/// What a peer may still send that nobody reads; one that sends more is cut off.
inline constexpr std::size_t max_discarded_bytes = 1024 * 1024;

enum class Discarded : std::uint8_t {
  all,    ///< Nothing more is there; wait until the socket is readable.
  ended,  ///< The peer has ended its stream.
  gone,   ///< The connection is broken, or the peer has sent more than it may. Close the socket.
};

/// Reads and drops what a socket holds: closing it with unread input would reset the connection,
/// and the peer would lose our last bytes (RFC 9112 section 9.6). `so_far` counts the bytes of one
/// connection. Doesn't wait; linear in the bytes.
template <class Count>
[[nodiscard]] Discarded discard_input(int fd, Count& so_far) noexcept {
  std::array<char, 4096> nowhere;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  for (;;) {
    const auto count = ::recv(fd, nowhere.data(), nowhere.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Discarded::all;
    if (count == 0) return Discarded::ended;
    if (count < 0) return Discarded::gone;
    so_far += static_cast<Count>(count);
    if (so_far > max_discarded_bytes) return Discarded::gone;
  }
}

}  // namespace ordercast::net
