// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include <ordercast/nats/unacknowledged.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::nats;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using ordercast::test::FailingAllocation;

namespace {

constexpr Unacknowledged::Clock::time_point start{};

}  // namespace

TEST_CASE("a publish without memory keeps its callback, and each one taken is answered once",
          "[nats]") {
  for (std::size_t nth = 0; nth < 8; ++nth) {
    CAPTURE(nth);
    Unacknowledged waiting(10, 1000);
    int answers = 0;
    // Larger than what a std::function keeps in itself.
    Unacknowledged::Done done = [&answers, ballast = std::string(100, 'x')](BackplaneAnswer) {
      answers += ballast.size() == 100 ? 1 : 100;
    };
    std::uint64_t number = 0;
    bool failed = false;
    {
      const FailingAllocation failing(nth);
      try {
        number = waiting.enter(done, 7, start + 1s);
      } catch (const std::bad_alloc&) {
        failed = true;
      }
    }
    CHECK(failed == (number == 0));
    CHECK(static_cast<bool>(done) == failed);
    CHECK(waiting.size() == (failed ? 0 : 1));
    CHECK(waiting.bytes() == (failed ? 0 : 7));
    const FailingAllocation none(0, 1000);  // Answers need no memory.
    if (failed) Unacknowledged::answer(done, BackplaneAnswer::unavailable);
    waiting.settle(number, BackplaneAnswer::stored);
    waiting.settle(number, BackplaneAnswer::stored);
    waiting.expire(start + 1h);
    CHECK(answers == 1);
    CHECK(waiting.bytes() == 0);
  }
}

TEST_CASE("publishes that are late are answered in their order, without memory, though one throws",
          "[nats]") {
  Unacknowledged waiting(100, 1000);
  std::vector<int> answered;
  answered.reserve(100);
  for (int i = 0; i < 60; ++i) {
    Unacknowledged::Done done = [&, i](BackplaneAnswer answer) {
      CHECK(answer == BackplaneAnswer::unavailable);
      answered.push_back(i);
      if (i % 7 == 0) throw std::runtime_error("planned");
    };
    CHECK(waiting.enter(done, 1, start + std::chrono::seconds(i)) != 0);
  }
  waiting.expire(start + 29s);
  CHECK(answered.size() == 30);
  waiting.stop();
  Unacknowledged::Done refused = [](BackplaneAnswer) {};
  CHECK(waiting.enter(refused, 1, start + 1h) == 0);
  CHECK(refused);
  waiting.expire((Unacknowledged::Clock::time_point::max)());
  CHECK(answered.size() == 60);
  for (int i = 0; i < 60; ++i) CHECK(answered[static_cast<std::size_t>(i)] == i);
  CHECK(waiting.size() == 0);
}

TEST_CASE("what waits is bounded in number and bytes, and has room again once answered", "[nats]") {
  Unacknowledged waiting(3, 10);
  const auto enter = [&](std::size_t bytes) {
    Unacknowledged::Done done = [](BackplaneAnswer) {};
    return waiting.enter(done, bytes, start);
  };
  const auto first = enter(8);
  CHECK(first != 0);
  CHECK(enter(3) == 0);
  CHECK(enter(1) != 0);
  CHECK(enter(1) != 0);
  CHECK(enter(0) == 0);
  waiting.settle(first, BackplaneAnswer::stored);
  CHECK(enter(8) != 0);
  waiting.expire(start);
  CHECK(waiting.bytes() == 0);
}
