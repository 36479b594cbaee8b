// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string_view>

/// Points at which a test build can crash (named after what has just happened) or stall (named
/// after the part). They do nothing in every other build. See
/// tests/integration/storm_of_crashes_test.cpp and watchdog_test.cpp.
namespace order_server {

#ifdef ORDER_SERVER_FAIL_POINTS
/// Kills the process when it passes a point for the N-th time: ORDER_SERVER_FAIL_POINT=NAME:N.
void fail_point(const char* name) noexcept;
/// Blocks while the folder ORDER_SERVER_STALL contains a file with the part's name.
void stall_point(std::string_view part) noexcept;
/// Returns ORDER_SERVER_STALL_LIMIT_MS if it is set, so that tests need not wait; otherwise
/// `usual`.
[[nodiscard]] std::chrono::milliseconds stall_limit(std::chrono::milliseconds usual) noexcept;
#else
constexpr void fail_point(const char* /*name*/) noexcept {}
inline void stall_point(std::string_view /*part*/) noexcept {}
constexpr std::chrono::milliseconds stall_limit(std::chrono::milliseconds usual) noexcept {
  return usual;
}
#endif

}  // namespace order_server
