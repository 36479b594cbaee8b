// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

/// The POSIX calls that the example needs: descriptors that close themselves, and waits with
/// deadlines.
namespace embed {

using ordercast::TimePoint;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "open a descriptor");
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Wakes another thread's `poll`.
class Signal {
 public:
  /// Any thread; also from a signal handler.
  void set() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
  }
  void clear() const noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(event_.get(), &count, sizeof count);
  }
  [[nodiscard]] int get() const noexcept { return event_.get(); }

 private:
  Descriptor event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

[[nodiscard]] inline TimePoint now() noexcept {
  return std::chrono::steady_clock::now();
}

/// Waits for one of `events` on a socket, or for a signal, until the deadline. Returns false on
/// timeout or if `stop` is set.
[[nodiscard]] inline bool wait(pollfd& socket, const Signal& stop, TimePoint deadline,
                               const Signal* wake = nullptr) {
  using std::chrono::milliseconds;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>((std::clamp)(
        deadline - now(), TimePoint::duration{}, TimePoint::duration{milliseconds(60'000)}));
    pollfd all[] = {socket,  // NOLINT(modernize-avoid-c-arrays): what poll takes.
                    {stop.get(), POLLIN, 0},
                    {wake == nullptr ? -1 : wake->get(), POLLIN, 0}};
    const int ready = ::poll(all, 3, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "poll");
    socket.revents = ready > 0 ? all[0].revents : short{0};
    if (ready > 0 && all[1].revents != 0) return false;
    if (ready > 0) {
      if (all[2].revents != 0) wake->clear();
      return true;
    }
    if (now() >= deadline) return false;
  }
}

/// Waits for bytes. Returns 0 if the connection ended or on timeout.
[[nodiscard]] inline std::size_t read_some(const Descriptor& socket, char* buffer, std::size_t size,
                                           const Signal& stop, TimePoint deadline) {
  pollfd readable{socket.get(), POLLIN, 0};
  if (!wait(readable, stop, deadline)) return 0;
  const auto count = ::recv(socket.get(), buffer, size, MSG_DONTWAIT);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

/// Writes all of it. Returns false if the connection ended or on timeout.
[[nodiscard]] inline bool write_all(const Descriptor& socket, std::string_view bytes,
                                    const Signal& stop, TimePoint deadline) {
  while (!bytes.empty()) {
    pollfd writable{socket.get(), POLLOUT, 0};
    if (!wait(writable, stop, deadline)) return false;
    const auto count =
        ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return false;
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// Shuts the sending side down and waits for the peer to close: closing a socket with unread input
/// would discard the last bytes sent.
inline void linger(const Descriptor& socket, const Signal& stop, TimePoint deadline) {
  ::shutdown(socket.get(), SHUT_WR);
  char discarded[1024];  // NOLINT(modernize-avoid-c-arrays): what recv takes.
  while (read_some(socket, discarded, sizeof discarded, stop, deadline) > 0) continue;
}

/// Returns a socket that listens on loopback; port 0 picks a free one.
[[nodiscard]] inline Descriptor listen_on(std::uint16_t port) {
  Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            "listen on 127.0.0.1:" + std::to_string(port));
  }
  return listener;
}

[[nodiscard]] inline std::uint16_t port_of(const Descriptor& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace embed
