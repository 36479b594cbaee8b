// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/detail/socket_writer.hpp>
#include <ordercast/net/secure.hpp>

#include <asio/buffer.hpp>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

/// Reading and gathered writing through TLS, with the results of recv(2) and `write_now`. One
/// thread for each session.
namespace ordercast::asio::detail {

/// The slices that one record is gathered from, at most. A write that the socket did not take is
/// repeated from as many, so that the same bytes come first again.
inline constexpr std::size_t secure_slices = 64;

/// A session that wants the other direction is one whose peer plays with key updates while it does
/// not read; epoll would report it ready without end, so it is at its end.
inline ssize_t as_count(net::SecureResult result, net::SecureStatus try_again) noexcept {
  if (result.status == net::SecureStatus::done) return static_cast<ssize_t>(result.bytes);
  return result.status == try_again ? -EAGAIN : -ECONNRESET;
}

/// Bytes read, 0 at the end of the stream, or a negated errno.
inline ssize_t read_secure(net::SecureSession& session, char* into, std::size_t size) noexcept {
  const auto result = session.read_some(into, size);
  if (result.status == net::SecureStatus::closed) return 0;
  return as_count(result, net::SecureStatus::want_read);
}

/// All of the slices, or as much as the socket takes.
inline ssize_t write_secure(net::SecureSession& session, const iovec* slices,
                            std::size_t count) noexcept {
  ssize_t total = 0;
  std::size_t skip = 0;  // Of the first slice.
  while (count > 0) {
    std::array<::asio::const_buffer, secure_slices> buffers;
    const auto used = (std::min)(count, buffers.size());
    for (std::size_t i = 0; i < used; ++i) buffers[i] = {slices[i].iov_base, slices[i].iov_len};
    buffers[0] += skip;
    const auto written =
        as_count(net::write_gathered(session, buffers.begin(), buffers.begin() + used),
                 net::SecureStatus::want_write);
    if (written < 0) return total > 0 && written == -EAGAIN ? total : written;
    total += written;
    skip += static_cast<std::size_t>(written);
    while (count > 0 && skip >= slices->iov_len) {
      skip -= slices->iov_len;
      ++slices;
      --count;
    }
  }
  return total;
}

}  // namespace ordercast::asio::detail
