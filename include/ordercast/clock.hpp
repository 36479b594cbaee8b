// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

/// Time in the core: always monotonic and always passed in, so that tests control it.
namespace ordercast {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// Returns `from + delay`, or TimePoint::max() on overflow. `delay` must not be negative.
template <class Rep, class Period>
[[nodiscard]] constexpr TimePoint later_by(TimePoint from,
                                           std::chrono::duration<Rep, Period> delay) noexcept {
  const auto left = (TimePoint::max)() - (from < TimePoint{} ? TimePoint{} : from);
  // Compare in the coarser unit: converting a huge delay to the finer one would overflow.
  if (delay >= std::chrono::duration_cast<std::chrono::duration<Rep, Period>>(left)) {
    return (TimePoint::max)();
  }
  return from + std::chrono::duration_cast<Duration>(delay);
}

/// The default Clock service. A Clock is anything with `TimePoint now() const noexcept`.
/// Thread-safe.
struct SteadyClock {
  [[nodiscard]] TimePoint now() const noexcept { return std::chrono::steady_clock::now(); }
};

}  // namespace ordercast
