// SPDX-License-Identifier: MIT
#pragma once

#include "../../tests/support/ws_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// One TCP connection of an attacker: it sends what no client would, and never waits unless told.
namespace ordercast::bench {

using test::Opcode;

/// A masked frame, as clients send it.
inline std::string frame(Opcode opcode, std::string_view payload, bool fin = true) {
  return test::ws_frame_bytes(opcode, fin, true, payload);
}
inline std::string text_frame(std::string_view payload) {
  return frame(Opcode::text, payload);
}

class Wire {
 public:
  /// `source` is bound before connecting, as a number (0x7F000005 is 127.0.0.5); 0: any.
  /// `receive_buffer_bytes` over 0 makes the window small.
  explicit Wire(std::uint16_t port, std::uint32_t source = 0, int receive_buffer_bytes = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    // Left with a reset, so that no port waits for two minutes.
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    const timeval patience{2, 0};  // also of connect(2)
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const auto* plain = reinterpret_cast<const sockaddr*>(&address);
    if (source != 0) {
      ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      address.sin_addr.s_addr = htonl(source);
      if (::bind(fd_, plain, sizeof address) != 0) {
        close();
        return;
      }
    }
    address.sin_port = htons(port);
    const bool is_loopback = source == 0 || source >> 24U == 127;
    address.sin_addr.s_addr = htonl(is_loopback ? INADDR_LOOPBACK : source);
    if (::connect(fd_, plain, sizeof address) != 0) close();
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  Wire(Wire&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        ended_(other.ended_),
        unsent_(std::move(other.unsent_)) {}
  Wire& operator=(Wire&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(ended_, other.ended_);
    std::swap(unsent_, other.unsent_);
    return *this;
  }
  ~Wire() { close(); }

  /// False once the server has ended it, as far as `send` and `read` have seen.
  [[nodiscard]] bool open() const noexcept { return fd_ >= 0 && !ended_; }

  /// Sends what the kernel takes now and keeps the rest for the next call. True if nothing is left.
  bool send(std::string_view bytes = {}) {
    unsent_.append(bytes);
    while (open() && !unsent_.empty()) {
      const auto n = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) {
        unsent_.erase(0, static_cast<std::size_t>(n));
      } else if (errno != EINTR) {
        if (errno != EAGAIN) ended_ = true;
        return false;
      }
    }
    return open();
  }
  [[nodiscard]] bool all_sent() const noexcept { return unsent_.empty(); }

  /// Reads what is there, `most` bytes of it.
  std::string read(std::size_t most = 65'536) {
    std::string bytes(most, '\0');
    const auto n = open() ? ::recv(fd_, bytes.data(), most, MSG_DONTWAIT) : 0;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) ended_ = true;
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }

  /// Reads all that is there and drops it; says how much it was.
  std::size_t drop_input() {
    static std::array<char, 65'536> buffer;
    std::size_t bytes = 0;
    while (open()) {
      const auto n = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n > 0) {
        bytes += static_cast<std::size_t>(n);
        continue;
      }
      if (n == 0 || (errno != EAGAIN && errno != EINTR)) ended_ = true;
      break;
    }
    return bytes;
  }

  /// Waits for input, at most so long.
  bool wait(int milliseconds) const {
    pollfd one{fd_, POLLIN, 0};
    return fd_ >= 0 && ::poll(&one, 1, milliseconds) > 0;
  }

  /// The request of a WebSocket handshake.
  [[nodiscard]] static std::string handshake(std::string_view token, std::string_view more = {}) {
    return "GET /ws?token=" + std::string(token) +
           " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
           std::string(more) + "\r\n";
  }

  /// Makes it a WebSocket; false when the server refuses or takes longer than two seconds.
  bool upgrade(std::string_view token) {
    if (!send(handshake(token)) || !wait(2'000)) return false;
    return read(4'096).rfind("HTTP/1.1 101", 0) == 0;
  }

  /// Ends our half of the stream.
  void shut() const { ::shutdown(fd_, SHUT_WR); }

  /// With a reset.
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
  bool ended_ = false;
  std::string unsent_;
};

/// Removes those that the server has ended; says how many.
inline std::size_t drop_ended(std::vector<Wire>& wires) {
  std::size_t kept = 0;
  for (auto& wire : wires) {
    if (wire.open()) std::swap(wires[kept++], wire);
  }
  const auto ended = wires.size() - kept;
  wires.erase(wires.begin() + static_cast<std::ptrdiff_t>(kept), wires.end());
  return ended;
}

}  // namespace ordercast::bench
