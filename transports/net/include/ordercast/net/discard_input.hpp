// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace ordercast::net {

/// How much unread input a peer may still send; more closes the connection.
inline constexpr std::size_t max_discarded_bytes = 1024 * 1024;

enum class Discarded : std::uint8_t {
  all,    ///< The socket is empty; wait until it is readable.
  ended,  ///< The peer has ended its stream.
  gone,   ///< The connection is broken, or the peer has sent more than it may. Close the socket.
};

/// Reads and drops a socket's input: closing a socket with unread input would reset the connection,
/// and the peer would lose our last bytes (RFC 9112 section 9.6). `so_far` counts the bytes of one
/// connection. Doesn't wait; O(bytes).
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
