// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/limits.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

/// Limits how fast one client may send: `Limits::messages_per_second` and `message_burst`. A plain
/// value; one thread at a time.
namespace ordercast {

/// A token bucket in one word, by the generic cell rate algorithm (ITU-T I.371).
class RateLimit {
 public:
  /// Returns true if one more message is allowed now. O(1).
  [[nodiscard]] bool allow(TimePoint now, const Limits& limits) noexcept {
    if (limits.messages_per_second == 0) return true;
    const auto interval = Duration(std::chrono::seconds(1)) / limits.messages_per_second;
    const auto burst = interval * ((std::max<std::uint32_t>)(limits.message_burst, 1) - 1);
    const auto due = (std::max)(due_, now);
    if (due - now > burst) return false;
    due_ = due + interval;
    return true;
  }

 private:
  TimePoint due_{};  // When the bucket is full again.
};

}  // namespace ordercast
