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

/// The single timer of an event loop's connections: when it fires, all their deadlines are checked.
///
/// The loop's thread. It may be destroyed while it waits; then it calls nothing.
namespace ordercast::net {

class TickTimer {
 public:
  /// Bounds of the time between two ticks. A deadline set since the last tick may be noticed late
  /// by up to the upper bound.
  static constexpr std::chrono::milliseconds min_delay{5};
  static constexpr std::chrono::milliseconds max_delay{250};

  /// Calls `on_tick` once for each `schedule`, but not after `cancel`.
  TickTimer(::asio::io_context& io, std::function<void()> on_tick)
      : timer_(io), on_tick_(std::move(on_tick)) {}
  TickTimer(const TickTimer&) = delete;
  TickTimer& operator=(const TickTimer&) = delete;
  ~TickTimer() = default;

  /// Ticks after `delay`, within the bounds. Returns false if there is no memory, which only the
  /// first call needs: call again.
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
  /// Ticks within `max_delay` unless a tick is scheduled already.
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
