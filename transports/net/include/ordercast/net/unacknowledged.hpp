// SPDX-License-Identifier: MIT
#pragma once

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <optional>

/// How many bytes a peer has acknowledged, and how many it has not. Linux.
namespace ordercast::net {

/// Returns the bytes that the kernel has accepted for this socket and the peer has not
/// acknowledged, including unsent ones (tcp(7), SIOCOUTQ); 0 if that is unknown. One system call.
[[nodiscard]] inline std::size_t unacknowledged_bytes(int fd) noexcept {
  int bytes = 0;
  return fd >= 0 && ::ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0
             ? static_cast<std::size_t>(bytes)
             : 0;
}

/// Returns how many bytes the peer has acknowledged in all (tcp(7), TCP_INFO); nullopt if that is
/// unknown: no TCP socket, or a kernel older than 4.1. One system call.
[[nodiscard]] inline std::optional<std::uint64_t> acknowledged_bytes(int fd) noexcept {
  // The kernel's tcp_info as far as it is needed: the C library's lacks this field.
  struct {
    unsigned char before[120];  // NOLINT(modernize-avoid-c-arrays): the kernel's layout.
    std::uint64_t bytes_acked;
  } info{};
  socklen_t size = sizeof info;
  if (fd < 0 || ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < sizeof info) {
    return std::nullopt;
  }
  return info.bytes_acked;
}

}  // namespace ordercast::net
