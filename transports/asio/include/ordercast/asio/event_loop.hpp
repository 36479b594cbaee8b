// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/net/handler_memory.hpp>
#include <ordercast/net/tick_timer.hpp>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

/// Waits for a transport's sockets, for the end of a turn, and for time to pass.
///
/// All sockets are in one epoll set, and Asio knows only the set's descriptor: a socket costs
/// memory in the kernel, and none in Asio. The loop's own waits use memory that is reserved for
/// them, so they can't fail for lack of memory. One thread, that of the `io_context`, which must
/// outlive this.
///
/// A socket that keeps sending more than its share can be set aside: those stand in a second set,
/// of which each turn serves a few. So however many of them there are, the others wait for these
/// few.
namespace ordercast::asio {

class EventLoop {
 public:
  /// What the loop calls. None may throw.
  struct Calls {
    std::function<void(std::uint64_t key, std::uint32_t events)> on_event;
    std::function<void()> on_turn;    ///< Everything that was ready has been handled.
    std::function<void()> on_tick;    ///< The delay of `schedule_tick` is over.
    std::function<bool()> is_needed;  ///< Whether to go on waiting for events.
  };

  /// Throws std::system_error if no descriptor is left.
  EventLoop(::asio::io_context& io, Calls calls)
      : io_(io),
        calls_(std::move(calls)),
        tick_(io, [this] { calls_.on_tick(); }),
        epoll_(io, make_epoll()) {}
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop() = default;

  /// Adds a socket; `key` comes back with its events. Closing the socket removes it. Returns false
  /// if it can't be added.
  [[nodiscard]] bool add(int fd, std::uint64_t key, std::uint32_t interest) noexcept {
    return control(EPOLL_CTL_ADD, fd, key, interest);
  }
  /// Changes what to wait for besides errors.
  void change(int fd, std::uint64_t key, std::uint32_t interest, bool is_aside = false) noexcept {
    control(EPOLL_CTL_MOD, fd, key, interest, is_aside);
  }

  /// From now on the socket is served behind the others. False: it can't be, and stays with them.
  [[nodiscard]] bool set_aside(int fd, std::uint64_t key, std::uint32_t interest) noexcept {
    return make_aside() && move(fd, key, interest, true);
  }
  /// The way back. False: it stays where it is.
  [[nodiscard]] bool take_back(int fd, std::uint64_t key, std::uint32_t interest) noexcept {
    return move(fd, key, interest, false);
  }

  /// Waits for events as long as `is_needed`. Can throw std::bad_alloc only before the first wait.
  void wait() {
    if (waiting_) return;
    epoll_.async_wait(::asio::posix::stream_descriptor::wait_read,
                      net::keep_memory(wait_memory_, [this, alive = std::weak_ptr(alive_)](
                                                         const std::error_code& cancelled) {
                        if (alive.expired()) return;
                        waiting_ = false;
                        if (!cancelled) take_events();
                        if (calls_.is_needed()) wait();
                      }));
    waiting_ = true;
  }
  void stop_waiting() {
    if (waiting_) epoll_.cancel();
  }

  /// Calls `on_turn` when everything that is ready now has been handled.
  void schedule_turn() noexcept {
    if (turn_scheduled_) return;
    try {
      ::asio::post(io_, net::keep_memory(turn_memory_, [this, alive = std::weak_ptr(alive_)] {
                     if (alive.expired()) return;
                     turn_scheduled_ = false;
                     calls_.on_turn();
                   }));
      turn_scheduled_ = true;
    } catch (...) {  // Out of memory: the next call tries again, and so does the next tick.
    }
  }

  /// Calls `on_tick` after `delay`, within the bounds of `net::TickTimer`.
  void schedule_tick(Duration delay) noexcept {
    if (!tick_.schedule(delay)) schedule_turn();  // The end of the turn tries again.
  }
  /// Calls `on_tick` soon, unless it is due anyway.
  void ensure_tick() noexcept {
    if (!tick_.ensure_scheduled()) schedule_turn();
  }
  void cancel_tick() { tick_.cancel(); }

  /// Whether at least as many sockets had events as one turn can serve, or sockets that are set
  /// aside are being served.
  [[nodiscard]] bool crowded() const noexcept { return crowded_; }

 private:
  /// How many events one turn may serve, so that no client waits for all input of the others.
  static constexpr std::size_t events_a_turn = 16;
  static constexpr std::size_t aside_events_a_turn = 4;
  /// No handle: its record's number would be the last one.
  static constexpr std::uint64_t aside_key = ~std::uint64_t{0};

  /// Made when the first socket is set aside.
  struct AsideSet {
    AsideSet() = default;
    AsideSet(const AsideSet&) = delete;
    AsideSet& operator=(const AsideSet&) = delete;
    ~AsideSet() {
      if (fd >= 0) ::close(fd);
    }
    int fd = -1;
  };

  [[nodiscard]] static int make_epoll() {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return fd;
  }

  bool control(int operation, int fd, std::uint64_t key, std::uint32_t interest,
               bool is_aside = false) noexcept {
    epoll_event event{};
    event.events = interest;
    event.data.u64 = key;
    const int set = is_aside ? aside_.fd : epoll_.native_handle();
    return ::epoll_ctl(set, operation, fd, &event) == 0;
  }

  /// The second set is one socket of the first.
  bool make_aside() noexcept {
    if (aside_.fd >= 0) return true;
    aside_.fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (aside_.fd < 0) return false;
    if (control(EPOLL_CTL_ADD, aside_.fd, aside_key, EPOLLIN)) return true;
    ::close(std::exchange(aside_.fd, -1));
    return false;
  }

  bool move(int fd, std::uint64_t key, std::uint32_t interest, bool to_aside) noexcept {
    if (!control(EPOLL_CTL_ADD, fd, key, interest, to_aside)) return false;
    control(EPOLL_CTL_DEL, fd, key, interest, !to_aside);
    return true;
  }

  void take_events() {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled by the call.
    std::array<epoll_event, events_a_turn> events;
    const int count =
        ::epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    const bool is_crowd = count == static_cast<int>(events_a_turn);
    crowded_ = is_crowd;
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == aside_key) {
        take_aside_events();
        crowded_ = is_crowd;
      } else {
        calls_.on_event(event.data.u64, event.events);
      }
    }
  }

  void take_aside_events() {
    crowded_ = true;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled by the call.
    std::array<epoll_event, aside_events_a_turn> events;
    const int count = ::epoll_wait(aside_.fd, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      calls_.on_event(event.data.u64, event.events);
    }
  }

  ::asio::io_context& io_;
  Calls calls_;
  net::TickTimer tick_;
  ::asio::posix::stream_descriptor epoll_;
  AsideSet aside_;
  std::shared_ptr<net::HandlerMemory> wait_memory_ = std::make_shared<net::HandlerMemory>();
  std::shared_ptr<net::HandlerMemory> turn_memory_ = std::make_shared<net::HandlerMemory>();
  std::shared_ptr<EventLoop*> alive_ = std::make_shared<EventLoop*>(this);
  bool waiting_ = false;
  bool turn_scheduled_ = false;
  bool crowded_ = false;
};

}  // namespace ordercast::asio
