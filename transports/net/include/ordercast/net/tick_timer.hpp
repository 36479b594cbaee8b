// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/net/handler_memory.hpp>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

/// The one timer of an event loop's connections: all their deadlines are looked at when it fires.
///
/// The loop's thread. It may be destroyed while it waits; then nothing is called any more.
namespace ordercast::net {

class TickTimer {
 public:
  /// Bounds of the time between two ticks. The upper one is how late a deadline may be noticed that
  /// was set since the last tick.
  static constexpr std::chrono::milliseconds min_delay{5};
  static constexpr std::chrono::milliseconds max_delay{250};

  /// `on_tick` is called once for each `schedule`, and not after `cancel`.
  TickTimer(::asio::io_context& io, std::function<void()> on_tick)
      : timer_(io), on_tick_(std::move(on_tick)) {}
  TickTimer(const TickTimer&) = delete;
  TickTimer& operator=(const TickTimer&) = delete;
  ~TickTimer() = default;

  /// Ticks after `delay`, within the bounds. Returns false when there is no memory for it, which
  /// only a first call needs: call again.
  bool schedule(Duration delay) noexcept {
    try {
      timer_.expires_after(std::clamp<Duration>(delay, min_delay, max_delay));
      timer_.async_wait(keep_memory(
          memory_, [this, alive = std::weak_ptr(alive_)](const std::error_code& cancelled) {
            if (alive.expired()) return;
            scheduled_ = false;
            if (!cancelled) on_tick_();
          }));
      scheduled_ = true;
    } catch (...) {
    }
    return scheduled_;
  }
  /// Ticks within `max_delay`, unless a tick is due anyway.
  bool ensure_scheduled() noexcept { return scheduled_ || schedule(max_delay); }

  void cancel() { timer_.cancel(); }

 private:
  ::asio::steady_timer timer_;
  std::function<void()> on_tick_;
  bool scheduled_ = false;
  std::shared_ptr<HandlerMemory> memory_ = std::make_shared<HandlerMemory>();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace ordercast::net
