// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

/// Time in the core: always monotonic, always handed in, so that tests own it.
namespace ordercast {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// The default Clock service. A Clock is anything with `TimePoint now() const noexcept`.
/// Thread-safe.
struct SteadyClock {
  [[nodiscard]] TimePoint now() const noexcept { return std::chrono::steady_clock::now(); }
};

}  // namespace ordercast
