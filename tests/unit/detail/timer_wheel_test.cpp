// SPDX-License-Identifier: MIT
#include "support/models/timer_wheel.hpp"

#include <ordercast/detail/timer_wheel.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

using ordercast::TimePoint;
using ordercast::detail::TimerWheel;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {
const TimePoint start = TimePoint{} + std::chrono::hours(1000);

std::vector<std::uint32_t> due(TimerWheel& wheel, TimePoint now) {
  std::vector<std::uint32_t> ids;
  wheel.advance(now, [&](std::uint32_t id) { ids.push_back(id); });
  return ids;
}
}  // namespace

TEST_CASE("a deadline comes up once, not early and at most one tick late", "[timer]") {
  TimerWheel wheel;
  due(wheel, start);
  wheel.schedule(3, start + seconds(25));
  CHECK(due(wheel, start + seconds(25) - milliseconds(1)).empty());
  CHECK(due(wheel, start + seconds(25) + TimerWheel::resolution) == std::vector<std::uint32_t>{3});
  CHECK(due(wheel, start + seconds(60)).empty());
  CHECK(wheel.next_deadline() == TimePoint::max());
}

TEST_CASE("a deadline beyond the wheel's turn waits for its turn", "[timer]") {
  TimerWheel wheel;
  due(wheel, start);
  wheel.schedule(1, start + seconds(100));
  for (int second = 1; second < 100; ++second) CHECK(due(wheel, start + seconds(second)).empty());
  CHECK(due(wheel, start + seconds(101)).size() == 1);
}

TEST_CASE("an id's deadline can be asked for", "[timer]") {
  TimerWheel wheel;
  due(wheel, start);
  CHECK(wheel.deadline(3) == TimePoint::max());
  for (const auto after : {seconds(1), seconds(25), seconds(1000)}) {
    wheel.schedule(3, start + after);
    CHECK(wheel.deadline(3) >= start + after);
    CHECK(wheel.deadline(3) < start + after + TimerWheel::resolution);
    const auto asked = wheel.deadline(3);
    wheel.schedule(3, asked);
    CHECK(wheel.deadline(3) == asked);
  }
  CHECK(wheel.deadline(2) == TimePoint::max());
  wheel.cancel(3);
  CHECK(wheel.deadline(3) == TimePoint::max());
}

TEST_CASE("a callback may schedule and cancel", "[timer]") {
  TimerWheel wheel;
  due(wheel, start);
  for (std::uint32_t id = 0; id < 4; ++id) wheel.schedule(id, start + seconds(1));
  int calls = 0;
  wheel.advance(start + seconds(2), [&](std::uint32_t id) {
    ++calls;
    for (std::uint32_t other = 0; other < 4; ++other) wheel.cancel(other);
    wheel.schedule(id, start + seconds(1));  // In the past: at the next advance, not in this one.
  });
  CHECK(calls == 1);
  CHECK(due(wheel, start + seconds(3)).size() == 1);
  CHECK(wheel.size() == 0);
}

TEST_CASE("the wheel agrees with a map through every phase", "[timer][model]") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    ordercast::test::RandomChoices choices(seed, 500);
    REQUIRE_NOTHROW(ordercast::test::TimerWheelRun(choices).run());
  }
}

TEST_CASE("deadlines are met when the count of ticks passes 32 bits", "[timer]") {
  TimerWheel wheel;
  const auto late = TimePoint{} + TimerWheel::resolution * ((std::int64_t{1} << 32) - 100);
  due(wheel, late);
  wheel.schedule(1, late + seconds(5));
  wheel.schedule(2, late + seconds(60));
  CHECK(due(wheel, late + seconds(4)).empty());
  CHECK(due(wheel, late + seconds(6)) == std::vector<std::uint32_t>{1});
  CHECK(due(wheel, late + seconds(59)).empty());
  CHECK(due(wheel, late + seconds(61)) == std::vector<std::uint32_t>{2});
}
