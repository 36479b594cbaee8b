// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string_view>

/// Places where a test build can be made to die, named after what has just happened, or to stand
/// still, named after the part. In every other build they are nothing. See
/// tests/integration/storm_of_crashes_test.cpp and watchdog_test.cpp.
namespace order_server {

#ifdef ORDER_SERVER_FAIL_POINTS
/// Ends the process by SIGKILL at the n-th passing of one point: ORDER_SERVER_FAIL_POINT=NAME:N.
void fail_point(const char* name) noexcept;
/// Stands still while there is a file of that name in the folder ORDER_SERVER_STALL.
void stall_point(std::string_view part) noexcept;
/// ORDER_SERVER_STALL_LIMIT_MS instead of `usual`, so that a test need not wait that long.
[[nodiscard]] std::chrono::milliseconds stall_limit(std::chrono::milliseconds usual) noexcept;
#else
constexpr void fail_point(const char* /*name*/) noexcept {}
inline void stall_point(std::string_view /*part*/) noexcept {}
constexpr std::chrono::milliseconds stall_limit(std::chrono::milliseconds usual) noexcept {
  return usual;
}
#endif

}  // namespace order_server
