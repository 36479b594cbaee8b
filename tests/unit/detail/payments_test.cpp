// SPDX-License-Identifier: MIT
#include "support/manager_parts.hpp"
#include "support/shop.hpp"
#include "support/slow_store.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::changed;
using test::denied;
using test::FakeTransport;
using test::ManagerParts;
using test::room_for;
using test::Shop;
using test::SlowStore;
using test::updated;

TEST_CASE("a record is closed with the message that it held, then with the ones behind it",
          "[payments]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  auto& pending = parts.ask(slot, "o");
  auto& watch = *parts.connections.registry().find_subscription(slot, "o");
  parts.debts.hold(slot, watch, pending,
                   prepare_broadcast<FakeTransport>(
                       {"o", OwnerId("x"), OrganizationId(), "READY", 3, R"({"version":3})"}));
  parts.debts.make_due(slot, pending);  // Authorized.
  const auto topic = detail::announcement_prefix(Audience::watchers, "o");
  CHECK(parts.debts.follow(slot, "o", topic, ManagerParts::frame("news"), false));
  parts.payments.finish(slot, pending);
  REQUIRE(parts.peer(slot).received.size() == 2);
  CHECK(parts.peer(slot).received[0] ==
        R"({"type":"order:updated","orderId":"o","data":{"version":3}})");
  CHECK(parts.peer(slot).received[1] == "news");
  CHECK(watch.version() == 3);
  CHECK_FALSE(watch.deferred());
  CHECK(parts.connections.session(slot).rare == nullptr);
}

TEST_CASE("a snapshot that a subscription has not asked for is noted, not sent", "[payments]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  auto& pending = parts.ask(slot, "o");
  auto& watch = *parts.connections.registry().find_subscription(slot, "o");
  pending.since = 4;
  CHECK(parts.payments.pay_with_snapshot(slot, pending, watch, {4, R"({"version":4})"}));
  CHECK(parts.peer(slot).received.empty());
  CHECK(watch.version() == 4);
  CHECK(parts.payments.pay_with_snapshot(slot, pending, watch, {5, R"({"version":5})"}));
  CHECK(parts.peer(slot).received.size() == 1);
}

TEST_CASE("a change that comes while authorization is asked waits unseen", "[manager]") {
  Shop f;
  f.world->answer_later = true;
  f.open(1, "alice");
  f.open(2, "bob");
  f.subscribe(1, "order-1");
  f.subscribe(2, "order-1");
  f.change("order-1");
  f.change("order-1");
  CHECK(f.received(1) == std::vector<std::string>{changed, changed});
  f.world->answer_all();
  CHECK(f.received(1).back() == updated(3));  // The newest of what waited, once.
  CHECK(f.received(1).size() == 3);
  CHECK(f.received(2) == std::vector<std::string>{denied + R"("orderId":"order-1"})"});
}

TEST_CASE("a snapshot that was overtaken by a publish is not sent", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.world->answer_later = true;
  f.subscribe(1, "order-1", 0);  // The snapshot of version 1 is on its way.
  f.change("order-1");
  f.world->answer_all();
  CHECK(f.received(1) == std::vector<std::string>{updated(2), changed});
}

TEST_CASE("of the versions that wait for an authorizer the greatest is sent", "[manager][debts]") {
  SlowStore s;
  s.answers.later = true;
  s.subscribe("a");
  SECTION("a late older one is dropped") {
    s.publish("a", 3);
    s.publish("a", 2);
    s.answers.answer_all();
    CHECK(s.count(R"("version":3)") == 1);
    CHECK(s.count(R"("version":2)") == 0);
  }
  SECTION("version 0 is always news") {
    s.publish("a", 3);
    s.publish("a", 0);
    s.answers.answer_all();
    CHECK(s.count(R"("version":0)") == 1);
  }
}

TEST_CASE("a change that can be sent settles an owed order, and the read under way is dropped",
          "[manager][debts]") {
  SlowStore s(room_for(1));
  s.owe_b();
  s.answers.later = true;
  s.read_all();
  s.transport[1].reads = true;
  s.publish("b", 8);  // Late and older: not news.
  CHECK(s.count(R"("b")") == 0);
  s.publish("b", 10);
  CHECK(s.count(R"("orderId":"b","data":{"version":10)") == 1);
  s.answers.answer_all();
  CHECK(s.count(R"("b")") == 1);
}
