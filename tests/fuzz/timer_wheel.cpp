// SPDX-License-Identifier: MIT
// The timer wheel against a map: each deadline comes up once, never early, at most one tick late.
#include "support/models/timer_wheel.hpp"

#include "fuzz/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ordercast::fuzz::run_model<ordercast::test::TimerWheelRun>(data, size);
}
