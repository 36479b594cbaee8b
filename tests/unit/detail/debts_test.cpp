// SPDX-License-Identifier: MIT
#include "support/manager_parts.hpp"
#include "support/slow_store.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::FakeTransport;
using test::ManagerParts;
using test::SlowStore;

TEST_CASE("owing an order defers its watch and never lowers the version", "[debts]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  const auto& watch = parts.subscribe(slot, "o");
  parts.debts.owe(slot, "o", 5);
  CHECK(watch.deferred());
  CHECK(watch.version() == 5);
  parts.debts.owe(slot, "o", 4);
  CHECK(watch.version() == 5);
  const auto* pending = parts.connections.session(slot).find_pending("o");
  REQUIRE(pending != nullptr);
  CHECK(pending->must);
  CHECK(pending->is_authorized());
  CHECK(parts.connections.session(slot).rare->pending.size() == 1);
}

TEST_CASE("records are numbered in the order of their opening", "[debts]") {
  ManagerParts parts;
  const auto one = parts.open(1);
  const auto other = parts.open(2);
  const auto first = parts.ask(one, "a").request;
  const auto second = parts.ask(other, "a").request;
  CHECK(first < second);
  CHECK(second < parts.ask(one, "b").request);
}

TEST_CASE("a message follows an order that is owed, and none that is not authorized", "[debts]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  const auto topic = detail::announcement_prefix(Audience::watchers, "o");
  const auto news = ManagerParts::frame("news");
  CHECK_FALSE(parts.debts.follow(slot, "o", topic, news, false));
  auto& pending = parts.ask(slot, "o");
  CHECK_FALSE(parts.debts.follow(slot, "o", topic, news, false));
  parts.debts.make_due(slot, pending);
  CHECK(parts.debts.follow(slot, "o", topic, news, false));
  CHECK(parts.debts.is_behind(slot, topic));
  CHECK_FALSE(parts.debts.is_behind(slot, detail::announcement_prefix(Audience::user, "alice")));
}

TEST_CASE("what follows a debt is bounded, and one message too many is too slow", "[debts]") {
  Limits limits;
  limits.max_outbox_messages = 2;
  ManagerParts parts(limits);
  const auto slot = parts.open(1);
  parts.subscribe(slot, "o");
  parts.debts.owe(slot, "o", 2);
  const auto topic = detail::announcement_prefix(Audience::watchers, "o");
  for (const bool fits : {true, true, false}) {
    CHECK(parts.debts.follow(slot, "o", topic, ManagerParts::frame("news"), false) == fits);
  }
  parts.connections.close_doomed();
  CHECK(parts.transport[1].code == CloseCode::too_slow);
}

TEST_CASE("what waits in the outbox behind an order moves behind its debt", "[debts]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  parts.subscribe(slot, "o");
  parts.stop_reading(slot);
  const auto topic = detail::announcement_prefix(Audience::watchers, "o");
  parts.sender.deliver(slot, QueuedKind::application, topic, ManagerParts::frame("news"), false);
  REQUIRE(parts.connections.session(slot).outbox()->size() == 1);
  parts.debts.owe(slot, "o", 2);
  CHECK(parts.connections.session(slot).outbox()->empty());
  CHECK(parts.connections.session(slot).find_pending("o")->following.size() == 1);
}

TEST_CASE("of what is held the newest stays, and beyond the bound it becomes a debt", "[debts]") {
  Limits limits;
  limits.max_outbox_bytes = 100;
  ManagerParts parts(limits);
  const auto slot = parts.open(1);
  const auto hold = [&](const char* order, std::uint64_t version) {
    auto* pending = parts.connections.session(slot).find_pending(order);
    if (pending == nullptr) pending = &parts.ask(slot, order);
    const auto json = R"({"version":)" + std::to_string(version) + "}";
    parts.debts.hold(slot, *parts.connections.registry().find_subscription(slot, order), *pending,
                     prepare_broadcast<FakeTransport>(
                         {order, OwnerId("x"), OrganizationId(), "READY", version, json}));
    return pending;
  };
  CHECK(hold("a", 3)->held->version == 3);
  CHECK(hold("a", 2)->held->version == 3);
  const auto* other = hold("b", 4);
  CHECK_FALSE(other->held);
  CHECK(other->must);
  CHECK(parts.connections.registry().find_subscription(slot, "b")->version() == 4);
}

TEST_CASE("what waits for authorizers is bounded in bytes and still arrives", "[manager][debts]") {
  Limits limits;
  limits.max_outbox_bytes = 4096;
  SlowStore s(limits);
  s.answers.later = true;
  s.answers.order_bytes = 3000;
  for (int i = 0; i < 10; ++i) s.subscribe("o-" + std::to_string(i));
  for (int i = 0; i < 10; ++i) s.publish("o-" + std::to_string(i), 8);
  s.answers.answer_all();
  for (int i = 0; i < 10; ++i) CHECK(s.count("\"o-" + std::to_string(i) + "\"") == 1);
}
