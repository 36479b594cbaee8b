// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

/// Exponential backoff with a bound and jitter, so that many that fail together don't retry
/// together.
namespace order_server {

struct BackoffRange {
  std::chrono::milliseconds first{1'000};
  std::chrono::milliseconds last{60'000};
};

/// One thread at a time.
class Backoff {
 public:
  explicit Backoff(BackoffRange range, std::uint64_t seed = std::random_device{}())
      : range_(range), random_(seed) {}

  /// Returns the delay after `failures` failures in a row (at least 1): a random value from half of
  /// the backoff to all of it.
  [[nodiscard]] std::chrono::milliseconds delay(std::int64_t failures) {
    const auto doublings = std::clamp<std::int64_t>(failures - 1, 0, 30);
    const auto whole =
        std::min<std::int64_t>(range_.first.count() << doublings, range_.last.count());
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::int64_t>(whole / 2, whole)(random_));
  }

  /// Returns at least the delay that the other side asked for, and at most a tenth more.
  [[nodiscard]] std::chrono::milliseconds at_least(std::chrono::milliseconds asked) {
    return asked + std::chrono::milliseconds(
                       std::uniform_int_distribution<std::int64_t>(0, asked.count() / 10)(random_));
  }

 private:
  BackoffRange range_;
  std::mt19937_64 random_;
};

}  // namespace order_server
