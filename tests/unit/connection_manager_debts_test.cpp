// SPDX-License-Identifier: MIT
#include "support/slow_store.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using test::room_for;
using test::SlowStore;

TEST_CASE("orders that do not fit the outbox all arrive, and nobody is closed",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_bytes = 64 * 1024;
  SlowStore s(limits);
  s.transport.high_water = 16 * 1024;
  s.answers.order_bytes = GENERATE(std::size_t{18'000}, std::size_t{500'000});
  s.transport[1].reads = false;
  for (int i = 0; i < 100; ++i) s.subscribe("o-" + std::to_string(i), R"(,"since":0)");
  CHECK_FALSE(s.transport[1].closed);
  // At most the transport's share and the outbox, each with one message above its bound.
  CHECK(s.transport[1].buffered_bytes < s.transport.high_water + s.answers.order_bytes + 200);
  s.read_all();
  CHECK_FALSE(s.transport[1].closed);
  for (int i = 0; i < 100; ++i) CHECK(s.count("\"o-" + std::to_string(i) + "\"") == 1);
}

TEST_CASE("a change that does not fit is read again when there is room", "[manager][debts]") {
  Limits limits;
  limits.max_outbox_messages = 3;
  SlowStore s(limits);
  s.transport.high_water = 1;
  for (int i = 0; i < 10; ++i) s.subscribe("o-" + std::to_string(i));
  s.transport[1].reads = false;
  for (std::uint64_t version = 8; version < 12; ++version) {
    for (int i = 0; i < 10; ++i) s.publish("o-" + std::to_string(i), version);
  }
  CHECK_FALSE(s.transport[1].closed);
  s.read_all();
  for (int i = 0; i < 10; ++i) {
    const auto id = "\"o-" + std::to_string(i) + "\"";
    CHECK(s.count(id + R"(,"data":{"version":11)") == 1);
  }
  s.transport[1].reads = true;
  s.publish("o-3", 12);
  CHECK(s.count(R"("version":12)") == 1);
}

TEST_CASE("a store that is behind what it committed is read again", "[manager][debts]") {
  SlowStore s(room_for(1));
  s.owe_b();
  s.answers.version = 8;
  s.read_all();
  CHECK(s.count(R"("b")") == 0);
  s.answers.version = 9;
  s.pass(1s);
  s.read_all();
  CHECK(s.count(R"("orderId":"b","data":{"version":9)") == 1);
}

TEST_CASE("unsubscribing drops an owed order", "[manager][debts]") {
  SlowStore s;
  s.answers.later = true;
  s.subscribe("a", R"(,"since":0)");
  s.manager.on_message(1, R"({"type":"unsubscribe","orderId":"a"})");
  s.answers.answer_all();
  CHECK(s.transport[1].received.empty());
  CHECK(s.manager.subscriptions() == 0);
}

TEST_CASE("a client that is about to be denied gets no change published meanwhile",
          "[manager][debts]") {
  SlowStore s;
  s.transport.high_water = 1;
  s.transport[1].reads = false;
  s.answers.access = Access::denied;
  for (const auto* order : {"a", "b", "c"}) s.subscribe(order);
  s.publish("c", 8);
  s.pass(5s);
  s.publish("c", 9);
  s.read_all();
  s.transport[1].reads = true;
  s.publish("c", 10);
  CHECK(s.count(R"("order:updated")") == 0);
  CHECK(s.count("subscription_denied") == 3);
}
