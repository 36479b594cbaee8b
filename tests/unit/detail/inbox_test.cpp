// SPDX-License-Identifier: MIT
#include "support/manager_parts.hpp"
#include "support/shop.hpp"
#include "support/slow_store.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::changed;
using test::ManagerParts;
using test::Shop;
using test::SlowStore;
using test::updated;

TEST_CASE(
    "a subscription is authorized once, and the answer goes to the connection that is still open",
    "[inbox]") {
  ManagerParts parts;
  parts.world->orders["o"] = {"alice", "", 3, R"({"version":3})"};
  const auto slot = parts.open(1);
  parts.inbox.on_message(slot, R"({"type":"subscribe","orderId":"o","since":2})");
  CHECK(parts.world->lookups == 2);  // One of the authorizer, one of the order source.
  CHECK(parts.peer(slot).received.size() == 1);
  CHECK(parts.connections.session(slot).rare == nullptr);
  parts.inbox.on_message(slot, R"({"type":"subscribe","orderId":"o"})");
  CHECK(parts.world->lookups == 2);
}

TEST_CASE("presence is kept and answered by nothing", "[inbox]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  parts.inbox.on_message(slot, R"({"type":"presence","visible":true})");
  CHECK(parts.connections.session(slot).visible);
  CHECK(parts.peer(slot).received.empty());
}

TEST_CASE("hello names the store once it has a name", "[inbox]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  parts.inbox.greet(slot);
  CHECK(parts.peer(slot).received.empty());
  parts.inbox.set_epoch("e1", "a");
  parts.inbox.greet(slot);
  CHECK(parts.peer(slot).received.size() == 1);
}

TEST_CASE("ping is answered with pong, nonsense with its error, and the connection stays open",
          "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.manager.on_message(1, R"({"type":"ping"})");
  f.manager.on_message(1, "nonsense");
  f.manager.on_message(1, R"({"type":"order"})");
  REQUIRE(f.received(1).size() == 3);
  CHECK(f.received(1)[0] == R"({"type":"pong"})");
  CHECK(f.received(1)[1].find(R"("code":"bad_message")") != std::string::npos);
  CHECK(f.received(1)[2].find(R"("code":"unknown_type")") != std::string::npos);
  CHECK_FALSE(f.transport[1].closed);
}

TEST_CASE("subscriptions of a connection are bounded", "[manager]") {
  Shop f;
  f.open(1, "root");
  for (int i = 0; i < 101; ++i) {
    f.world->orders["o" + std::to_string(i)] = {"alice", "org-1"};
    f.subscribe(1, "o" + std::to_string(i));
  }
  REQUIRE(f.received(1).size() == 1);
  CHECK(f.received(1)[0].find(R"("code":"too_many_subscriptions")") != std::string::npos);
  CHECK(f.received(1)[0].find(R"("orderId":"o100")") != std::string::npos);
  f.unsubscribe(1, "o5");
  f.subscribe(1, "o100");
  CHECK(f.received(1).size() == 1);
}

TEST_CASE("a client above its rate is refused, and closed with 1008 if it goes on", "[manager]") {
  Shop f;
  f.open(1, "alice");
  for (int i = 0; i < 200; ++i) f.manager.on_message(1, R"({"type":"ping"})");
  CHECK(f.world->errors[ErrorCode::rate_limited] == 0);
  for (int i = 0; i < 99; ++i) f.manager.on_message(1, R"({"type":"ping"})");
  CHECK(f.world->errors[ErrorCode::rate_limited] == 99);
  CHECK_FALSE(f.transport[1].closed);
  f.manager.on_message(1, R"({"type":"ping"})");
  CHECK(f.transport[1].code == CloseCode::policy_violation);
  f.manager.on_message(1, R"({"type":"ping"})");
  CHECK(f.transport[1].frames_after_close == 0);
}

TEST_CASE("leaving and coming back does not take the order back", "[manager]") {
  Shop f;
  f.open(1, "alice");
  for (int i = 0; i < 6; ++i) f.commit("order-1");
  f.subscribe(1, "order-1", 1);
  f.unsubscribe(1, "order-1");
  f.subscribe(1, "order-1");
  f.publish("order-1", 6);
  f.publish("order-1", 8);
  CHECK(f.received(1) == std::vector<std::string>{updated(7), changed, updated(8), changed});
}

TEST_CASE("a since of another store counts as absent, and the current order is sent",
          "[manager][debts]") {
  SlowStore s;
  s.manager.set_epoch("e1", "node-a");
  s.answers.version = 3;
  s.subscribe("a", R"(,"since":9,"epoch":"e0")");
  CHECK(s.count(R"("version":3)") == 1);
  s.subscribe("b", R"(,"since":9,"epoch":"e1")");
  CHECK(s.count(R"("orderId":"b")") == 0);
  s.subscribe("c", R"(,"epoch":"e0")");
  CHECK(s.count(R"("orderId":"c")") == 1);
  s.manager.on_open(2, "bob", true);
  REQUIRE(s.transport[2].received.size() == 1);
  CHECK(s.transport[2].received[0] == R"({"type":"hello","epoch":"e1","node":"node-a"})");
}

TEST_CASE("entries of one message are taken one by one, and count as one message for the rate",
          "[inbox]") {
  Limits limits;
  limits.message_burst = 2;
  limits.messages_per_second = 1;
  limits.max_subscriptions = 2;
  SlowStore s(limits);
  s.manager.on_message(1, R"({"type":"subscribe","orders":[{"orderId":"a","since":1},7,)"
                          R"({"orderId":"b"},{"orderId":"c"},{"orderId":"a","since":9}]})");
  CHECK(s.manager.subscriptions() == 2);
  CHECK(s.count(R"("type":"order:updated","orderId":"a")") == 1);
  CHECK(s.count("bad_message") == 1);
  CHECK(s.count("too_many_subscriptions") == 1);
  s.manager.on_message(1, R"({"type":"unsubscribe","orders":[{"orderId":"a"},{"orderId":"x"}]})");
  CHECK(s.manager.subscriptions() == 1);
  CHECK(s.count("rate_limited") == 0);
  s.manager.on_message(1, R"({"type":"ping"})");
  CHECK(s.count("rate_limited") == 1);
}

TEST_CASE("what ends the connection ends the rest of its message", "[inbox]") {
  Limits limits;
  limits.abuse_threshold = 2;
  SlowStore s(limits);
  s.manager.on_message(1, "no message");
  s.manager.on_message(1, R"({"type":"subscribe","orders":[{"orderId":"a"},1,2,{"orderId":"b"}]})");
  CHECK(s.transport[1].closed);
  CHECK(s.answers.authorized == 1);
}

// A client whose user has lost an organization asks for a whole screen of orders at once.
TEST_CASE("what is refused of one message counts as one refused message", "[inbox]") {
  SlowStore s;
  s.answers.access = Access::denied;
  s.answers.later = GENERATE(false, true);
  std::string orders;
  for (int i = 0; i < 98; ++i) orders += R"({"orderId":"o-)" + std::to_string(i) + "\"},";
  const auto batch =
      R"({"type":"subscribe","orders":[)" + orders + R"({"orderId":"o-0"},7]})";  // One twice.
  for (int i = 0; i < 99; ++i) {
    s.manager.on_message(1, batch);
    s.answers.answer_all();
    s.clock.advance(std::chrono::milliseconds(50));
  }
  CHECK_FALSE(s.transport[1].closed);
  CHECK(s.count("subscription_denied") >= 98);
  s.manager.on_message(1, batch);
  s.answers.answer_all();
  CHECK(s.transport[1].code == CloseCode::policy_violation);
}

TEST_CASE("a subscribe alone counts, also for an order that a message of several has asked for",
          "[inbox]") {
  Limits limits;
  limits.abuse_threshold = 3;
  SlowStore s(limits);
  s.answers.access = Access::denied;
  s.answers.later = true;
  s.manager.on_message(1, R"({"type":"subscribe","orders":[{"orderId":"a"},{"orderId":"a"}]})");
  s.subscribe("a");
  const bool again = GENERATE(false, true);
  if (again) s.subscribe("a");
  s.answers.answer_all();
  CHECK(s.transport[1].closed == again);
}

TEST_CASE("with limits off, leaving orders costs no memory that grows", "[manager][debts]") {
  Limits limits;
  limits.max_subscriptions = 0;
  limits.messages_per_second = 0;
  SlowStore s(limits);
  for (int i = 0; i < 5000; ++i) {
    const auto id = "o-" + std::to_string(i);
    s.subscribe(id, R"(,"since":0)");
    s.manager.on_message(1, R"({"type":"unsubscribe","orderId":")" + id + "\"}");
  }
  CHECK(s.manager.subscriptions() == 0);
  // The newest floor is remembered, one of long ago is not.
  s.answers.version = 1;
  s.subscribe("o-4999", R"(,"since":0)");
  CHECK(s.count("\"o-4999\"") == 1);
  s.subscribe("o-0", R"(,"since":0)");
  CHECK(s.count("\"o-0\"") == 2);
}
