// SPDX-License-Identifier: MIT
#pragma once

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cstddef>

/// How many bytes a peer has not acknowledged. Linux.
namespace ordercast::net {

/// Returns the bytes that the kernel has accepted for this socket and the peer has not
/// acknowledged, including unsent ones (tcp(7), SIOCOUTQ); 0 if that is unknown. One system call.
[[nodiscard]] inline std::size_t unacknowledged_bytes(int fd) noexcept {
  int bytes = 0;
  return fd >= 0 && ::ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0
             ? static_cast<std::size_t>(bytes)
             : 0;
}

}  // namespace ordercast::net
