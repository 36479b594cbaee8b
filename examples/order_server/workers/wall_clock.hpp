// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace order_server {

/// Unix time in milliseconds. It may jump, so measure durations with `ordercast::SteadyClock`.
[[nodiscard]] inline std::int64_t unix_ms() {
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

}  // namespace order_server
