// SPDX-License-Identifier: MIT
#include "support/manager_parts.hpp"
#include "support/shop.hpp"
#include "support/slow_store.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using test::changed;
using test::denied;
using test::ManagerParts;
using test::Shop;
using test::SlowStore;
using test::updated;

TEST_CASE("an answer counts once, and only for the newest question", "[questions]") {
  ManagerParts parts;
  parts.world->orders["o"] = {"alice", "", 1, R"({"version":1})"};
  parts.world->answer_later = true;
  const auto slot = parts.open(1);
  parts.questions.authorize(slot, parts.ask(slot, "o"));
  parts.questions.authorize(slot, *parts.connections.session(slot).find_pending("o"));
  REQUIRE(parts.world->answers.size() == 2);
  const auto newest = parts.world->answers.back();
  parts.world->answer_one();
  CHECK(parts.connections.session(slot).find_pending("o") != nullptr);
  newest();
  CHECK(parts.connections.session(slot).find_pending("o") == nullptr);
  newest();
  CHECK_FALSE(parts.connections.registry().find_subscription(slot, "o")->deferred());
}

TEST_CASE("an owed order is read once there is room, which closes its record", "[questions]") {
  ManagerParts parts;
  parts.world->orders["o"] = {"alice", "", 5, R"({"version":5})"};
  const auto slot = parts.open(1);
  const auto& watch = parts.subscribe(slot, "o");
  parts.stop_reading(slot);
  parts.sender.deliver(slot, QueuedKind::control, {}, ManagerParts::frame("second"));
  parts.debts.owe(slot, "o", 4);
  parts.questions.read_owed(slot);
  CHECK(parts.world->lookups == 0);
  parts.read(slot);
  REQUIRE(parts.sender.flush(slot));
  parts.questions.read_owed(slot);
  CHECK(parts.world->lookups == 1);
  CHECK(watch.version() == 5);
  CHECK_FALSE(watch.deferred());
  CHECK(parts.connections.session(slot).rare == nullptr);
}

TEST_CASE("an answer that is late is asked for again when its time has come", "[questions]") {
  ManagerParts parts;
  parts.world->orders["o"] = {"alice", "", 1, R"({"version":1})"};
  parts.world->answer_later = true;
  const auto slot = parts.open(1);
  parts.questions.authorize(slot, parts.ask(slot, "o"));
  CHECK(parts.questions.ask_due(slot, parts.clock.now()));
  CHECK(parts.world->lookups == 1);
  parts.clock.advance(30s);  // Limits::answer_timeout.
  CHECK(parts.questions.ask_due(slot, parts.clock.now()));
  parts.clock.advance(1s);
  CHECK(parts.questions.ask_due(slot, parts.clock.now()));
  CHECK(parts.world->lookups == 2);
}

TEST_CASE("an answer for a connection that has closed is ignored", "[manager]") {
  Shop f;
  f.world->answer_later = true;
  f.open(1, "alice");
  f.subscribe(1, "order-1", 0);
  f.manager.on_close(1);
  f.world->answer_all();
  CHECK(f.received(1).empty());
  f.open(1, "bob");  // The same handle and the same slot: another connection.
  f.subscribe(1, "order-1", 0);
  f.manager.on_close(1);
  f.open(1, "alice");
  f.subscribe(1, "order-2");
  f.world->answer_all();
  CHECK(f.received(1) == std::vector<std::string>{denied + R"("orderId":"order-2"})"});
}

TEST_CASE("unsubscribing withdraws a question that was not answered", "[manager]") {
  Shop f;
  f.world->answer_later = true;
  f.open(1, "alice");
  f.subscribe(1, "order-1", 0);
  f.unsubscribe(1, "order-1");
  f.change("order-1");
  f.world->answer_all();
  CHECK(f.received(1) == std::vector<std::string>{changed});
  CHECK(f.manager.subscriptions() == 0);
}

TEST_CASE("repeated subscriptions to one order share the answer that is awaited", "[manager]") {
  Shop f;
  f.world->answer_later = true;
  f.open(1, "alice");
  f.open(2, "bob");
  f.subscribe(1, "order-1");
  f.subscribe(1, "order-1", 0);
  f.subscribe(2, "order-1");
  f.subscribe(2, "order-1");
  f.world->answer_all();
  CHECK(f.received(1) == std::vector<std::string>{updated(1)});
  CHECK(f.received(2).size() == 2);
  CHECK(f.world->errors[ErrorCode::subscription_denied] == 2);
}

TEST_CASE("an unavailable authorizer or store denies nothing: it is asked again, and then answers",
          "[manager][debts]") {
  SlowStore s;
  const bool at_authorizer = GENERATE(true, false);
  const bool by_exception = GENERATE(true, false);
  CAPTURE(at_authorizer, by_exception);
  if (by_exception) s.answers.throws = true;
  if (at_authorizer) s.answers.access = Access::unavailable;
  s.answers.store_works = false;
  s.subscribe("a", R"(,"since":0)");
  CHECK(s.count(R"("code":"unavailable")") == 1);
  s.pass(50s);
  CHECK(s.count(R"("code":"unavailable")") == 1);
  CHECK(s.count("subscription_denied") == 0);
  CHECK(s.manager.subscriptions() == 1);
  CHECK(s.answers.authorized + s.answers.fetched < 40);
  s.answers.access = Access::granted;
  s.answers.store_works = true;
  s.answers.throws = false;
  s.pass(6s);
  CHECK(s.count(R"("order:updated")") == 1);
  s.publish("a", 8);
  CHECK(s.count(R"("order:updated")") == 2);
}

TEST_CASE("an authorizer that stays unavailable ends the subscription with unavailable",
          "[manager][debts]") {
  SlowStore s;
  s.answers.access = Access::unavailable;
  s.subscribe("a");
  s.pass(70s);
  CHECK(s.count(R"("code":"unavailable","message")") == 2);
  CHECK(s.count(R"("orderId":"a")") == 2);
  CHECK(s.manager.subscriptions() == 0);
  CHECK_FALSE(s.transport[1].closed);
  const auto asked = s.answers.authorized;
  s.pass(70s);
  CHECK(s.answers.authorized == asked);
  s.answers.access = Access::granted;
  s.subscribe("a", R"(,"since":0)");
  CHECK(s.count(R"("order:updated")") == 1);
}

TEST_CASE("an authorizer that never answers is asked again, and its late answer is ignored",
          "[manager][debts]") {
  SlowStore s;
  s.answers.later = true;
  s.subscribe("a", R"(,"since":0)");
  REQUIRE(s.answers.waiting.size() == 1);
  const auto late = s.answers.waiting.front();
  s.answers.waiting.clear();
  s.answers.access = Access::denied;
  s.pass(32s);
  REQUIRE(s.answers.waiting.size() == 1);
  late();
  CHECK(s.count("subscription_denied") == 0);
  s.answers.answer_all();
  CHECK(s.count("subscription_denied") == 1);
}

TEST_CASE("owed orders are read in the order of subscribing, a few at a time", "[manager][debts]") {
  SlowStore s;
  s.answers.later = true;
  for (int i = 0; i < 20; ++i) s.subscribe("o-" + std::to_string(i), R"(,"since":0)");
  s.answers.answer_all();
  CHECK(s.answers.most_fetching == 4);
  REQUIRE(s.answers.order_of_fetches.size() == 20);
  for (int i = 0; i < 20; ++i) {
    CHECK(s.answers.order_of_fetches[static_cast<std::size_t>(i)] == "o-" + std::to_string(i));
  }
}

TEST_CASE("a subscription that ends with unavailable leaves nothing in a full outbox",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_messages = 3;
  SlowStore s(limits);
  s.transport.high_water = 1;
  s.subscribe("a");
  s.answers.store_works = false;
  s.subscribe("a", R"(,"since":0)");  // It stays open while it is read.
  s.pass(58s);
  s.answers.later = true;
  s.pass(6s);
  REQUIRE(s.answers.waiting.size() == 1);
  s.transport[1].reads = false;
  s.publish("a", 8);
  s.publish("a", 9);  // Waits.
  s.answers.answer_all();
  for (const auto* order : {"b", "c", "d", "e"}) s.subscribe(order);
  s.answers.answer_all();
  for (int i = 0; i < 5; ++i) s.manager.on_message(1, R"({"type":"ping"})");
  s.read_all();
  CHECK_FALSE(s.transport[1].closed);
  CHECK_FALSE(s.manager.subscriptions() == 5);
}

TEST_CASE("answers wait until there is room, and close no client that asked for them",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_bytes = 400;  // Three answers.
  limits.max_outbox_messages = 4;
  SlowStore s(limits);
  s.transport.high_water = 200;
  s.transport[1].reads = false;
  SECTION("no") {
    s.answers.access = Access::denied;
  }
  SECTION("can't tell") {
    s.answers.access = Access::unavailable;
  }
  for (int i = 0; i < 50; ++i) s.subscribe("order-" + std::to_string(i));
  REQUIRE_FALSE(s.transport[1].closed);
  // It reads a little all the time.
  const auto end = s.clock.now() + 100s;
  while (s.clock.now() < end) {
    s.clock.advance(1s);
    if (s.transport.take(1)) s.manager.on_writable(1);
    s.manager.tick(s.clock.now());
    s.manager.on_pong(1);
  }
  s.read_all();
  CHECK_FALSE(s.transport[1].closed);
  CHECK(s.manager.subscriptions() == 0);
  for (int i = 0; i < 50; ++i) {
    CHECK(s.count(R"("orderId":"order-)" + std::to_string(i) + "\"") >= 1);
  }
}

TEST_CASE("leaving an order takes back an answer that waits", "[manager][debts]") {
  SlowStore s;
  s.transport.high_water = 1;
  s.transport[1].reads = false;
  s.answers.access = Access::denied;
  for (const auto* order : {"a", "b", "c"}) s.subscribe(order);
  CHECK(s.manager.subscriptions() == 1);
  s.manager.on_message(1, R"({"type":"unsubscribe","orderId":"c"})");
  CHECK(s.manager.subscriptions() == 0);
  s.read_all();
  CHECK(s.count("subscription_denied") == 2);
  s.answers.access = Access::granted;
  s.subscribe("c", R"(,"since":0)");
  s.transport[1].reads = true;
  s.read_all();
  CHECK(s.count(R"("order:updated")") == 1);
}

TEST_CASE("a client that has the current version is not sent it", "[manager][debts]") {
  SlowStore s;
  s.answers.tells_version = true;
  s.answers.version = 7;
  s.subscribe("same", R"(,"since":7)");
  s.subscribe("newer", R"(,"since":8)");
  CHECK(s.answers.fetched == 0);
  s.subscribe("older", R"(,"since":6)");
  CHECK(s.answers.order_of_fetches == std::vector<std::string>{"older"});
  s.publish("same", 8);
  CHECK(s.count(R"("orderId":"same")") == 1);
  s.publish("newer", 8);  // The store's version counts, not the one that the client named.
  CHECK(s.count(R"("orderId":"newer")") == 1);
  // Another store's version says nothing.
  s.manager.set_epoch("e1", "a");
  s.subscribe("moved", R"(,"since":99,"epoch":"e0")");
  CHECK(s.count(R"("orderId":"moved")") == 1);
}

TEST_CASE("what was published while a version was asked for goes out after the answer",
          "[manager][debts]") {
  SlowStore s;
  s.answers.tells_version = true;
  s.answers.later = true;
  s.answers.version = 7;
  s.subscribe("a", R"(,"since":7)");
  s.publish("a", 8);
  s.answers.version = 7;
  s.subscribe("b", R"(,"since":7)");
  s.publish("b", 7);  // Committed before, published late.
  CHECK(s.transport[1].received.empty());
  s.answers.answer_all();
  CHECK(s.count(R"("orderId":"a","data":{"version":8)") == 1);
  CHECK(s.count(R"("orderId":"b")") == 0);
  CHECK(s.answers.fetched == 0);
}

TEST_CASE("a change that found no room is read, though the version was granted before it",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_bytes = 1;  // One change of all that wait for an answer is held.
  SlowStore s(limits);
  s.answers.tells_version = true;
  s.answers.later = true;
  s.subscribe("a", R"(,"since":7)");
  s.subscribe("b", R"(,"since":7)");
  s.publish("a", 8);
  s.publish("b", 8);
  s.answers.later = false;
  s.answers.answer_all();
  CHECK(s.count(R"("orderId":"a","data":{"version":8)") == 1);
  CHECK(s.count(R"("orderId":"b","data":{"version":8)") == 1);
  CHECK(s.answers.order_of_fetches == std::vector<std::string>{"b"});
}
