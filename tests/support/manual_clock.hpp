// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <chrono>
#include <memory>

/// A clock that stands still until the test moves it. Copies share one time.
namespace ordercast::test {

class ManualClock {
 public:
  [[nodiscard]] TimePoint now() const noexcept { return *now_; }
  void advance(Duration by) noexcept { *now_ += by; }

 private:
  // Not at the epoch: code that mistakes "never" for "at zero" must show.
  std::shared_ptr<TimePoint> now_ =
      std::make_shared<TimePoint>(TimePoint{} + std::chrono::hours(100));
};

}  // namespace ordercast::test
