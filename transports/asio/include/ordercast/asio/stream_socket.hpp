// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/discard_input.hpp>
#include <ordercast/net/secure.hpp>

#include <asio/buffer.hpp>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

/// A connected socket, plain or with TLS; above this layer the difference does not show. No call
/// blocks. One thread. The destructor closes the socket.
namespace ordercast::asio {

class StreamSocket {
 public:
  /// How many slices one write with TLS gathers at most. A write that the socket did not take is
  /// repeated from as many slices, so that it starts with the same bytes.
  static constexpr std::size_t max_secure_slices = 64;

  StreamSocket() = default;
  explicit StreamSocket(int fd) noexcept : fd_(fd) {}
  StreamSocket(const StreamSocket&) = delete;
  StreamSocket& operator=(const StreamSocket&) = delete;
  StreamSocket(StreamSocket&& other) noexcept { *this = std::move(other); }
  StreamSocket& operator=(StreamSocket&& other) noexcept {
    if (this == &other) return *this;
    close();
    session_ = std::move(other.session_);
    fd_ = std::exchange(other.fd_, -1);
    discarded_ = std::exchange(other.discarded_, 0U);
    return *this;
  }
  ~StreamSocket() { close(); }

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

  /// From now on the stream is encrypted, starting with `handshake`. Returns false without memory.
  [[nodiscard]] bool secure(net::SecureContext& context) noexcept {
    session_ = context.accept(fd_);
    return session_ != nullptr;
  }
  [[nodiscard]] net::SecureStatus handshake() noexcept { return session_->handshake(); }

  /// Returns the number of bytes read, at most `plain_size` from a plain stream; 0 at the end of
  /// the stream, or a negated errno. With TLS, `size` must hold a whole record: the kernel does not
  /// report decrypted bytes that were not read.
  [[nodiscard]] ssize_t read(char* into, std::size_t size, std::size_t plain_size) noexcept {
    if (session_) {
      const auto result = session_->read_some(into, size);
      if (result.status == net::SecureStatus::closed) return 0;
      return as_count(result, net::SecureStatus::want_read);
    }
    const auto count = ::recv(fd_, into, plain_size, MSG_DONTWAIT);
    return count < 0 ? -errno : count;
  }

  /// Returns the number of bytes written, at least one, or a negated errno.
  [[nodiscard]] ssize_t write(const iovec* slices, std::size_t count) noexcept {
    return session_ ? write_secure(slices, count) : write_plain(fd_, slices, count);
  }

  /// The same for a plain socket.
  [[nodiscard]] static ssize_t write_plain(int fd, const iovec* slices,
                                           std::size_t count) noexcept {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(slices);
    message.msg_iovlen = count;
    for (;;) {
      const auto written = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (written >= 0) return written;
      if (errno != EINTR) return -errno;
    }
  }

  /// Sends the alert that ends a TLS stream (RFC 8446 section 6.1), if the socket takes it at once.
  /// Call it before `end_output` or `close`.
  void notify_close() noexcept {
    if (session_) session_->close_notify();
  }
  /// Ends our half of the stream; what the kernel holds still goes out. Returns false on failure.
  [[nodiscard]] bool end_output() noexcept { return ::shutdown(fd_, SHUT_WR) == 0; }

  /// Reads the input that has come and drops it, up to a limit for the whole life of the stream.
  [[nodiscard]] net::Discarded discard() noexcept { return net::discard_input(fd_, discarded_); }

  void close() noexcept {
    session_.reset();
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  /// A session wants the other direction only if its peer sends key updates and does not read.
  /// epoll would report it ready again and again, so the connection ends.
  [[nodiscard]] static ssize_t as_count(net::SecureResult result,
                                        net::SecureStatus try_again) noexcept {
    if (result.status == net::SecureStatus::done) return static_cast<ssize_t>(result.bytes);
    return result.status == try_again ? -EAGAIN : -ECONNRESET;
  }

  [[nodiscard]] ssize_t write_secure(const iovec* slices, std::size_t count) noexcept {
    ssize_t total = 0;
    std::size_t skip = 0;  // Of the first slice.
    while (count > 0) {
      std::array<::asio::const_buffer, max_secure_slices> buffers;
      const auto used = (std::min)(count, buffers.size());
      for (std::size_t i = 0; i < used; ++i) buffers[i] = {slices[i].iov_base, slices[i].iov_len};
      buffers[0] += skip;
      const auto written =
          as_count(net::write_gathered(*session_, buffers.begin(), buffers.begin() + used),
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

  std::unique_ptr<net::SecureSession> session_;  // Null: plain.
  int fd_ = -1;
  std::uint32_t discarded_ = 0;  // Bytes.
};

}  // namespace ordercast::asio
