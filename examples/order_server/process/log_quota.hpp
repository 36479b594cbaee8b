// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace order_server {

/// Lets the first lines of one kind through in each window and counts the others, so that whoever
/// causes a line can't flood the log. Any thread.
class LogQuota {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  LogQuota() = default;
  LogQuota(int lines, std::chrono::seconds window) : lines_(lines), window_(window) {}

  /// nullopt if the line must not be logged; otherwise how many have been held back since the last
  /// one that was.
  [[nodiscard]] std::optional<std::int64_t> admit(TimePoint now) {
    const std::lock_guard lock(mutex_);
    if (!began_ || now - *began_ >= window_) {
      began_ = now;
      logged_ = 0;
    }
    if (logged_ >= lines_) {
      ++held_back_;
      return std::nullopt;
    }
    ++logged_;
    return std::exchange(held_back_, 0);
  }

 private:
  const int lines_ = 5;
  const std::chrono::seconds window_{60};
  std::mutex mutex_;
  std::optional<TimePoint> began_;
  int logged_ = 0;
  std::int64_t held_back_ = 0;
};

}  // namespace order_server
