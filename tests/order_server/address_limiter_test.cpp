// SPDX-License-Identifier: MIT
#include "net/address_limiter.hpp"

#include <catch2/catch.hpp>

using namespace order_server;
using namespace std::chrono_literals;
using ordercast::TimePoint;

TEST_CASE("an address has a burst and then its rate", "[addresses]") {
  AddressLimiter limiter({2, 4, 100});
  TimePoint now{1h};
  for (int i = 0; i < 4; ++i) CHECK(limiter.admit("a", now));
  CHECK_FALSE(limiter.admit("a", now));
  CHECK(limiter.admit("b", now));
  now += 500ms;
  CHECK(limiter.admit("a", now));
  CHECK_FALSE(limiter.admit("a", now));
}

TEST_CASE("rate 0 is no limit", "[addresses]") {
  AddressLimiter limiter({0, 0, 100});
  for (int i = 0; i < 100; ++i) CHECK(limiter.admit("a", TimePoint{1h}));
  CHECK(limiter.addresses() == 0);
}

TEST_CASE("the table of addresses is bounded; quiet ones make room", "[addresses]") {
  AddressLimiter limiter({1, 2, 3});
  TimePoint now{1h};
  for (const auto* name : {"a", "b", "c", "d", "e"}) CHECK(limiter.admit(name, now));
  CHECK(limiter.addresses() == 3);
  CHECK(limiter.admit("f", now + 2s));
  CHECK(limiter.addresses() == 1);
}
