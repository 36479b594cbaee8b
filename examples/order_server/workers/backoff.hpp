// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

/// How long to wait before trying again: doubled with each failure, up to a bound, and jittered so
/// that many that failed together don't come back together.
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

  /// After so many failures in a row, the first being 1: from half to all of the doubled delay.
  [[nodiscard]] std::chrono::milliseconds delay(std::int64_t failures) {
    const auto doublings = std::clamp<std::int64_t>(failures - 1, 0, 30);
    const auto whole =
        std::min<std::int64_t>(range_.first.count() << doublings, range_.last.count());
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::int64_t>(whole / 2, whole)(random_));
  }

  /// At least what the other side asked for, and up to a tenth more.
  [[nodiscard]] std::chrono::milliseconds at_least(std::chrono::milliseconds asked) {
    return asked + std::chrono::milliseconds(
                       std::uniform_int_distribution<std::int64_t>(0, asked.count() / 10)(random_));
  }

 private:
  BackoffRange range_;
  std::mt19937_64 random_;
};

}  // namespace order_server
