// SPDX-License-Identifier: MIT
#include "support/manual_clock.hpp"
#include <ordercast/rate_limit.hpp>

#include <catch2/catch.hpp>

#include <chrono>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("after silence a burst passes, then the sustained rate", "[rate_limit]") {
  test::ManualClock clock;
  Limits limits;
  limits.messages_per_second = 50;
  limits.message_burst = 200;
  RateLimit rate;
  for (int i = 0; i < 200; ++i) CHECK(rate.allow(clock.now(), limits));
  CHECK_FALSE(rate.allow(clock.now(), limits));
  clock.advance(milliseconds(20));
  CHECK(rate.allow(clock.now(), limits));
  CHECK_FALSE(rate.allow(clock.now(), limits));
  clock.advance(seconds(60));
  for (int i = 0; i < 200; ++i) CHECK(rate.allow(clock.now(), limits));
  CHECK_FALSE(rate.allow(clock.now(), limits));
}

TEST_CASE("a rate of zero is no limit", "[rate_limit]") {
  Limits limits;
  limits.messages_per_second = 0;
  RateLimit rate;
  for (int i = 0; i < 10'000; ++i) REQUIRE(rate.allow({}, limits));
}
