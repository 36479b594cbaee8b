// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// TCP for tests. Every call blocks in poll(2) for at most its timeout, so a test never sleeps and
/// never hangs. Nothing throws: a failure is an empty answer. One object belongs to one thread at a
/// time.
namespace ordercast::test {

using Timeout = std::chrono::milliseconds;

/// Long enough for a sanitizer build on a busy machine; only a failing test ever waits for it.
inline constexpr Timeout default_timeout{10'000};

/// One TCP connection with a read buffer.
class RawSocket {
 public:
  /// What stands between the bytes and the socket (TLS, see tls_client.hpp). Its calls are send(2)
  /// and recv(2) on a non-blocking socket.
  class Layer {
   public:
    virtual ~Layer() = default;
    virtual ssize_t send(const char* from, std::size_t size) = 0;
    virtual ssize_t receive(char* into, std::size_t size) = 0;
  };
  /// Makes the layer of a connected socket; null when the two sides don't come together.
  using MakeLayer = std::function<std::unique_ptr<Layer>(int fd)>;

  RawSocket() = default;
  explicit RawSocket(MakeLayer make_layer) : make_layer_(std::move(make_layer)) {}
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;
  RawSocket(RawSocket&& other) noexcept
      : make_layer_(std::move(other.make_layer_)),
        layer_(std::move(other.layer_)),
        fd_(std::exchange(other.fd_, -1)),
        eof_(other.eof_),
        reset_(other.reset_),
        buffer_(std::move(other.buffer_)) {}
  RawSocket& operator=(RawSocket&& other) noexcept {
    if (this != &other) {
      close();
      make_layer_ = std::move(other.make_layer_);
      layer_ = std::move(other.layer_);
      fd_ = std::exchange(other.fd_, -1);
      eof_ = other.eof_;
      reset_ = other.reset_;
      buffer_ = std::move(other.buffer_);
    }
    return *this;
  }
  ~RawSocket() { close(); }

  /// Opens the connection. `receive_buffer_bytes` over 0 keeps the kernel's buffer small, so that a
  /// client which does not read soon pushes back on the server.
  bool connect(const std::string& host, std::uint16_t port, Timeout timeout = default_timeout,
               int receive_buffer_bytes = 0) {
    close();
    eof_ = reset_ = false;
    buffer_.clear();
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
      return false;
    }
    for (auto* at = found; at != nullptr && fd_ < 0; at = at->ai_next) {
      fd_ = ::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (fd_ < 0) continue;
      if (receive_buffer_bytes > 0) set_option(SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
      set_option(IPPROTO_TCP, TCP_NODELAY, 1);
      const bool started = ::connect(fd_, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS;
      if (!started || !wait(POLLOUT, deadline(timeout)) || socket_error() != 0) close();
    }
    ::freeaddrinfo(found);
    if (fd_ >= 0 && make_layer_) {
      layer_ = make_layer_(fd_);
      if (!layer_) close();
    }
    return fd_ >= 0;
  }

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// True once the peer has ended the stream (and everything before that has been read).
  [[nodiscard]] bool eof() const noexcept { return eof_ && buffer_.empty(); }
  /// True when the stream ended with a reset instead of an orderly end.
  [[nodiscard]] bool was_reset() const noexcept { return reset_; }

  /// Writes all of it, or answers false (peer gone, or the time is up).
  bool send_bytes(std::string_view bytes, Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    while (!bytes.empty()) {
      const auto n = fd_ < 0  ? -1
                     : layer_ ? layer_->send(bytes.data(), bytes.size())
                              : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      } else if (fd_ < 0 || (errno != EAGAIN && errno != EINTR) || !wait(POLLOUT, until)) {
        return false;
      }
    }
    return true;
  }

  /// Exactly `count` bytes; nothing at the end of the stream or of the time.
  std::optional<std::string> read_exact(std::size_t count, Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    while (buffer_.size() < count) {
      if (!fill(until)) return std::nullopt;
    }
    return take(count);
  }

  /// Everything up to and including `delimiter`.
  std::optional<std::string> read_until(std::string_view delimiter,
                                        Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    std::size_t at = 0;
    while ((at = buffer_.find(delimiter)) == std::string::npos) {
      if (!fill(until)) return std::nullopt;
    }
    return take(at + delimiter.size());
  }

  /// Everything until the peer ends the stream (or the time is up: see `eof`).
  std::string read_to_end(Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    while (fill(until)) {
    }
    return take(buffer_.size());
  }

  /// True when the peer ends the stream within the time; what still arrives is thrown away.
  bool wait_for_end(Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    while (fill(until)) buffer_.clear();
    buffer_.clear();
    return eof_;
  }

  /// Ends our half of the stream.
  void shutdown_send() noexcept {
    if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
  }

  void close() noexcept {
    layer_.reset();
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  /// Closes with a TCP reset, as a client does whose process or network dies badly.
  void reset() noexcept {
    const linger now{1, 0};
    if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  static Deadline deadline(Timeout timeout) { return std::chrono::steady_clock::now() + timeout; }

  void set_option(int level, int name, int value) noexcept {
    ::setsockopt(fd_, level, name, &value, sizeof value);
  }

  int socket_error() noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
  }

  bool wait(short events, Deadline until) noexcept {
    for (;;) {
      const auto left = std::chrono::ceil<Timeout>(until - std::chrono::steady_clock::now());
      if (left.count() < 0) return false;
      pollfd one{fd_, events, 0};
      const int ready = ::poll(&one, 1, static_cast<int>(left.count()));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

  bool fill(Deadline until) {
    char chunk[16 * 1024];
    while (fd_ >= 0 && !eof_) {
      const auto n =
          layer_ ? layer_->receive(chunk, sizeof chunk) : ::recv(fd_, chunk, sizeof chunk, 0);
      if (n > 0) {
        buffer_.append(chunk, static_cast<std::size_t>(n));
        return true;
      }
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) {
        if (!wait(POLLIN, until)) return false;
        continue;
      }
      eof_ = true;
      reset_ = n < 0;
    }
    return false;
  }

  std::string take(std::size_t count) {
    std::string out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return out;
  }

  MakeLayer make_layer_;
  std::unique_ptr<Layer> layer_;
  int fd_ = -1;
  bool eof_ = false;
  bool reset_ = false;
  std::string buffer_;
};

}  // namespace ordercast::test
