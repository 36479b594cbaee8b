// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/limits.hpp>

#include <cstdint>

/// How many messages of one client may be refused: `Limits::abuse_threshold` and `abuse_window`. A
/// plain value; one thread at a time.
namespace ordercast {

/// Counts refused messages within a window that starts at the first of them.
class AbuseWindow {
 public:
  /// Records a refusal. Returns true if there have been too many. `message` is the number of the
  /// message that it is a part of; 0 for a whole one.
  [[nodiscard]] bool refuse(TimePoint now, const Limits& limits,
                            std::uint32_t message = 0) noexcept {
    if (limits.abuse_threshold == 0) return false;
    if (message != 0 && message == counted_ && count_ != 0) return false;
    counted_ = message;
    if (count_ == 0 || now > later_by(start_, limits.abuse_window)) {
      start_ = now;
      count_ = 0;
    }
    return ++count_ >= limits.abuse_threshold;
  }
  /// Returns true if nothing has been refused yet.
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

 private:
  TimePoint start_{};
  std::uint32_t count_ = 0;
  std::uint32_t counted_ = 0;  // Of the message whose refusal was counted last.
};

}  // namespace ordercast
