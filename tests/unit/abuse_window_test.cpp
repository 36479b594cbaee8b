// SPDX-License-Identifier: MIT
#include "support/manual_clock.hpp"
#include <ordercast/abuse_window.hpp>

#include <catch2/catch.hpp>

#include <chrono>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using std::chrono::seconds;

TEST_CASE("refusals are abuse only when many come within the window", "[abuse_window]") {
  test::ManualClock clock;
  const Limits limits;
  AbuseWindow abuse;
  for (int i = 0; i < 99; ++i) CHECK_FALSE(abuse.refuse(clock.now(), limits));
  clock.advance(seconds(11));
  for (int i = 0; i < 99; ++i) CHECK_FALSE(abuse.refuse(clock.now(), limits));
  CHECK(abuse.refuse(clock.now(), limits));
}
