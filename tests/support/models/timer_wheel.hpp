// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/choices.hpp"
#include <ordercast/detail/timer_wheel.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>

/// The timer wheel against a map: each deadline comes up once, never early, at most one tick late,
/// also when callbacks schedule, cancel or throw, when memory runs out, and when the clock stands
/// still or steps back.
namespace ordercast::test {

template <class Source>
class TimerWheelRun {
 public:
  explicit TimerWheelRun(Source& source) : source_(source) {}

  void run() {
    wheel_.advance(now_, [](std::uint32_t) { same(false, "an empty wheel fires nothing"); });
    while (!source_.empty()) {
      step();
      check();
    }
  }

 private:
  static constexpr unsigned ids = 1000;

  struct Thrown : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  void step() {
    switch (source_.below(9)) {
      case 0:
        schedule(source_.below(ids), now_ + std::chrono::milliseconds(source_.below(65536)));
        break;
      case 1:  // Overdue already, or as far off as a time can be.
        schedule(source_.below(ids),
                 source_.below(4) == 0
                     ? (source_.below(2) == 0 ? TimePoint::max() : TimePoint{})
                     : now_ - std::min(now_.time_since_epoch(),
                                       Duration(std::chrono::milliseconds(source_.below(65536)))));
        break;
      case 2:
        cancel(source_.below(ids));
        break;
      case 3: {  // Fill: some at one moment, some a step apart.
        const auto first = source_.below(ids);
        const auto count = 1 + source_.below(200);
        const auto apart =
            std::chrono::milliseconds(source_.below(3) == 0 ? source_.below(2000) : 0);
        const auto deadline = now_ + std::chrono::milliseconds(source_.below(65536));
        for (unsigned i = 0; i < count; ++i) schedule((first + i) % ids, deadline + apart * i);
        break;
      }
      case 4: {  // Drain, but a few.
        const auto keep = source_.below(3);
        while (model_.size() > keep) cancel(model_.begin()->first);
        break;
      }
      case 5:  // A clock that has stepped back, or stands still: nothing comes up.
        wheel_.advance(now_ - std::min(now_.time_since_epoch(),
                                       Duration(std::chrono::milliseconds(source_.below(65536)))),
                       [](std::uint32_t) { same(false, "nothing comes up twice or early"); });
        break;
      default:
        advance(std::chrono::milliseconds(source_.below(8) == 0 ? source_.below(65536) * 8
                                                                : source_.below(512)));
    }
  }

  void schedule(std::uint32_t id, TimePoint deadline) {
    if (!attempt(source_, [&] { wheel_.schedule(id, deadline); })) return;
    model_[id] = std::max(deadline, now_);  // What is overdue comes at the next tick.
  }
  void cancel(std::uint32_t id) {
    wheel_.cancel(id);
    model_.erase(id);
  }

  void advance(std::chrono::milliseconds by) {
    now_ += by;
    // After a callback that threw the owner's loop goes on at its next tick.
    while (!advance_once()) now_ += detail::TimerWheel::resolution;
    for (const auto& [id, deadline] : model_) {
      same(deadline == TimePoint::max() || deadline + detail::TimerWheel::resolution > now_,
           "nothing fires late");
    }
  }
  bool advance_once() {
    try {
      wheel_.advance(now_, [&](std::uint32_t id) { fire(id); });
      return true;
    } catch (const Thrown&) {
      return false;
    }
  }
  void fire(std::uint32_t id) {
    same(model_.count(id) == 1, "only what is scheduled fires, and once");
    same(model_[id] <= now_, "nothing fires early");
    model_.erase(id);
    // What a callback schedules comes at a later advance.
    switch (source_.below(16)) {
      case 0:
      case 1:
        schedule(some_id(id), now_ + std::chrono::milliseconds(source_.below(65536)));
        break;
      case 2:
      case 3:
        cancel(source_.below(ids));
        break;
      case 4:  // Destroys many: a user who is logged out of every connection.
        for (std::uint32_t other = 0; other < ids; other += 1 + source_.below(3)) cancel(other);
        break;
      case 5:
        throw Thrown("a callback");
      default:
        break;
    }
  }
  std::uint32_t some_id(std::uint32_t id) {
    return source_.below(2) == 0 ? id : source_.below(ids);
  }

  void check() const {
    same(wheel_.size() == model_.size(), "size");
    const auto next = wheel_.next_deadline();
    same(model_.empty() == (next == TimePoint::max()), "an empty wheel waits for nothing");
    for (const auto& [id, deadline] : model_) {
      same(deadline == TimePoint::max() || next <= deadline + detail::TimerWheel::resolution,
           "next_deadline is not behind a deadline");
    }
  }

  Source& source_;
  detail::TimerWheel wheel_;
  std::map<std::uint32_t, TimePoint> model_;
  // A machine that has just started, or one that has run for weeks.
  TimePoint now_ =
      TimePoint{} + std::chrono::milliseconds(source_.below(2) == 0 ? 0 : 3'000'000'000);
};

}  // namespace ordercast::test
