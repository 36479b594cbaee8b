// SPDX-License-Identifier: MIT
#pragma once

/// Places where a test build can be made to die, named after what has just happened. In every other
/// build they are nothing. See tests/integration/storm_of_crashes_test.cpp.
namespace order_server {

#ifdef ORDER_SERVER_FAIL_POINTS
/// Ends the process by SIGKILL at the n-th passing of one point: ORDER_SERVER_FAIL_POINT=NAME:N.
void fail_point(const char* name) noexcept;
#else
constexpr void fail_point(const char* /*name*/) noexcept {}
#endif

}  // namespace order_server
