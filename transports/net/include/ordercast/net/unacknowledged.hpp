// SPDX-License-Identifier: MIT
#pragma once

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cstddef>

/// How far a peer is behind, as TCP knows it. Linux.
namespace ordercast::net {

/// Bytes that the kernel has taken for this socket and the peer has not acknowledged, those that
/// were not sent yet included (tcp(7), SIOCOUTQ); 0 where that can't be told. One system call.
[[nodiscard]] inline std::size_t unacknowledged_bytes(int fd) noexcept {
  int bytes = 0;
  return fd >= 0 && ::ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0
             ? static_cast<std::size_t>(bytes)
             : 0;
}

}  // namespace ordercast::net
