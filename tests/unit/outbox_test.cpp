// SPDX-License-Identifier: MIT
#include "support/models/outbox.hpp"

#include <ordercast/outbox.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using ordercast::Outbox;
using ordercast::PushResult;
using ordercast::QueuedKind;

std::vector<std::string> drain(Outbox<std::string>& outbox) {
  std::vector<std::string> out;
  while (!outbox.empty()) {
    out.push_back(outbox.front());
    outbox.pop();
  }
  return out;
}

}  // namespace

TEST_CASE("of each order the newest update waits, in the place of the first", "[outbox]") {
  Outbox<std::string> outbox(10, 0);
  CHECK(outbox.push(QueuedKind::order_updated, "a", "a1", 2) == PushResult::queued);
  CHECK(outbox.push(QueuedKind::order_updated, "b", "b1", 2) == PushResult::queued);
  CHECK(outbox.push(QueuedKind::order_updated, "a", "a2", 2) == PushResult::conflated);
  CHECK(drain(outbox) == std::vector<std::string>{"a2", "b1"});
}

TEST_CASE("an update and a hint on one order don't conflate each other", "[outbox]") {
  Outbox<std::string> outbox(10, 0);
  outbox.push(QueuedKind::order_updated, "a", "update 1", 8);
  outbox.push(QueuedKind::orders_changed, "a", "hint 1", 6);
  outbox.push(QueuedKind::order_updated, "a", "update 2", 8);
  outbox.push(QueuedKind::orders_changed, "a", "hint 2", 6);
  CHECK(drain(outbox) == std::vector<std::string>{"update 2", "hint 2"});
}

TEST_CASE("a hint that waited before its order moves behind it", "[outbox]") {
  Outbox<std::string> outbox(10, 0);
  outbox.push(QueuedKind::orders_changed, "a", "hint 1", 6);
  outbox.push(QueuedKind::order_updated, "a", "update 2", 8);
  CHECK(outbox.push(QueuedKind::orders_changed, "a", "hint 2", 6) == PushResult::conflated);
  CHECK(drain(outbox) == std::vector<std::string>{"update 2", "hint 2"});
}

TEST_CASE("of control messages on one topic the newest waits, and they don't meet orders",
          "[outbox]") {
  Outbox<std::string> outbox(4, 0);
  outbox.push(QueuedKind::control, "pong", "pong 1", 6);
  outbox.push(QueuedKind::order_updated, "pong", "update", 6);
  CHECK(outbox.push(QueuedKind::control, "pong", "pong 2", 6) == PushResult::conflated);
  CHECK(outbox.push(QueuedKind::control, "denied a", "a", 1) == PushResult::queued);
  CHECK(outbox.push(QueuedKind::control, "denied b", "b", 1) == PushResult::queued);
  CHECK(outbox.push(QueuedKind::control, "denied c", "c", 1) == PushResult::full);
  CHECK(outbox.drop_updates("pong"));
  CHECK(drain(outbox) == std::vector<std::string>{"pong 2", "a", "b"});
}

TEST_CASE("control messages without a topic are never conflated", "[outbox]") {
  Outbox<std::string> outbox(10, 0);
  for (int i = 0; i < 3; ++i) outbox.push(QueuedKind::control, "", "pong", 4);
  CHECK(drain(outbox).size() == 3);
}

TEST_CASE("at its bound an outbox takes only what conflates", "[outbox]") {
  Outbox<std::string> outbox(2, 0);
  outbox.push(QueuedKind::order_updated, "a", "a1", 2);
  outbox.push(QueuedKind::orders_changed, "b", "b1", 2);
  CHECK(outbox.push(QueuedKind::order_updated, "c", "c1", 2) == PushResult::full);
  CHECK(outbox.push(QueuedKind::control, "", "pong", 4) == PushResult::full);
  CHECK(outbox.push(QueuedKind::order_updated, "a", "a2", 2) == PushResult::conflated);
  CHECK(drain(outbox) == std::vector<std::string>{"a2", "b1"});
}

TEST_CASE("the bound in bytes counts what waits now", "[outbox]") {
  Outbox<std::string> outbox(0, 10);
  CHECK(outbox.push(QueuedKind::order_updated, "a", "a", 6) == PushResult::queued);
  CHECK(outbox.push(QueuedKind::order_updated, "b", "b", 5) == PushResult::full);
  CHECK(outbox.push(QueuedKind::order_updated, "a", "A", 10) == PushResult::conflated);
  CHECK(outbox.push(QueuedKind::control, "", "pong", 1) == PushResult::full);
  CHECK(outbox.bytes() == 10);
  outbox.pop();
  CHECK(outbox.bytes() == 0);
}

TEST_CASE("one message is admitted whatever its size", "[outbox]") {
  Outbox<std::string> outbox(0, 10);
  CHECK(outbox.push(QueuedKind::order_updated, "a", "a", 500) == PushResult::queued);
  CHECK(outbox.push(QueuedKind::order_updated, "a", "A", 600) == PushResult::conflated);
  CHECK(outbox.push(QueuedKind::orders_changed, "a", "h", 1) == PushResult::full);
  CHECK(outbox.push(QueuedKind::order_updated, "b", "b", SIZE_MAX) == PushResult::full);
  outbox.pop();
  CHECK(outbox.push(QueuedKind::control, "", "p", 1) == PushResult::queued);
}

TEST_CASE("an outbox survives being filled, drained to one and filled again", "[outbox]") {
  for (const int n : {33, 35, 64, 65, 100, 1000}) {
    CAPTURE(n);
    Outbox<int> outbox(2048, 1U << 20U);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < n; ++i) {
        REQUIRE(outbox.push(QueuedKind::order_updated, "order-" + std::to_string(i), i, 100) ==
                PushResult::queued);
      }
      for (int i = 1; i < n; ++i) REQUIRE(outbox.drop_updates("order-" + std::to_string(i)));
      REQUIRE(outbox.size() == 1);
      CHECK(outbox.front() == 0);
      CHECK(outbox.push(QueuedKind::order_updated, "order-0", 7, 100) == PushResult::conflated);
      CHECK(outbox.front() == 7);
      REQUIRE(outbox.drop_updates("order-0"));
      CHECK(outbox.empty());
    }
  }
}

TEST_CASE("room is made from the newest update and the oldest hint", "[outbox]") {
  Outbox<std::string> outbox(4, 0);
  outbox.push(QueuedKind::control, "", "pong", 1);
  outbox.push(QueuedKind::order_updated, "a", "a1", 1);
  outbox.push(QueuedKind::orders_changed, "b", "b1", 1);
  outbox.push(QueuedKind::order_updated, "c", "c1", 1);
  CHECK(outbox.take_newest_update() == std::string("c"));
  CHECK(outbox.push(QueuedKind::orders_changed, "d", "d1", 1) == PushResult::queued);
  CHECK_FALSE(outbox.drop_oldest_hint(2));
  CHECK(outbox.drop_oldest_hint(1));
  CHECK(outbox.take_newest_update() == std::string("a"));
  CHECK_FALSE(outbox.take_newest_update());
  CHECK(drain(outbox) == std::vector<std::string>{"pong", "d1"});
  CHECK_FALSE(outbox.drop_oldest_hint());
}

TEST_CASE("the update of an order that is unsubscribed is dropped", "[outbox]") {
  Outbox<std::string> outbox(10, 0);
  outbox.push(QueuedKind::order_updated, "a", "a1", 2);
  outbox.push(QueuedKind::order_updated, "b", "b1", 2);
  outbox.push(QueuedKind::orders_changed, "b", "hint", 4);
  CHECK(outbox.drop_updates("b"));
  CHECK_FALSE(outbox.drop_updates("b"));
  CHECK(drain(outbox) == std::vector<std::string>{"a1", "hint"});
}

TEST_CASE("ten thousand changes of one order wait as one", "[outbox]") {
  Outbox<std::string> outbox(10, 0);
  for (int version = 1; version <= 10'000; ++version) {
    outbox.push(QueuedKind::order_updated, "a", std::to_string(version), 560);
  }
  CHECK(outbox.size() == 1);
  CHECK(outbox.bytes() == 560);
  CHECK(outbox.front() == "10000");
}

TEST_CASE("the outbox agrees with a list through every phase", "[outbox][model]") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    ordercast::test::RandomChoices choices(seed, 150);
    REQUIRE_NOTHROW(ordercast::test::OutboxRun(choices).run());
  }
}
