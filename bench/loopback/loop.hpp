// SPDX-License-Identifier: MIT
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <system_error>

/// The load generator's event loop: one thread, one epoll(7).
namespace ordercast::bench {

using Clock = std::chrono::steady_clock;

/// The owner of a descriptor.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  virtual void on_readable() = 0;
};

class Loop {
 public:
  /// A longer wait is a fault of the server and ends the case.
  static constexpr std::chrono::seconds patience{120};

  Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() { ::close(epoll_); }

  /// Adds an edge-triggered descriptor: `on_readable` must read until nothing is left. Closing the
  /// descriptor removes it.
  void add(int fd, Source& source) const {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &source;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
  }

  /// Serves the descriptors until `done()`.
  template <class Done>
  void run_until(Done&& done, const char* what) {
    const auto deadline = Clock::now() + patience;
    while (!done()) {
      const int ready =
          ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 1000);
      for (int i = 0; i < ready; ++i) {
        static_cast<Source*>(events_[static_cast<std::size_t>(i)].data.ptr)->on_readable();
      }
      if (ready <= 0 && Clock::now() > deadline) {
        throw std::runtime_error(std::string("timed out waiting for ") + what);
      }
    }
  }

 private:
  int epoll_;
  std::array<epoll_event, 512> events_{};
};

/// Returns a connected, non-blocking socket on this machine.
int connect_to(std::uint16_t port);

/// Sends a small text completely; the peer's window has room for it.
void send_now(int fd, const char* data, std::size_t size);

}  // namespace ordercast::bench
