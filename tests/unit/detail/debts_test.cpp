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

TEST_CASE("records are numbered as they are opened", "[debts]") {
  ManagerParts parts;
  const auto one = parts.open(1);
  const auto other = parts.open(2);
  const auto first = parts.ask(one, "a").request;
  const auto second = parts.ask(other, "a").request;
  CHECK(first < second);
  CHECK(second < parts.ask(one, "b").request);
}

TEST_CASE("a message is sent behind an owed order, and never without authorization", "[debts]") {
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

TEST_CASE("the messages behind an owed order are bounded, and one too many closes with 4009",
          "[debts]") {
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

TEST_CASE("messages behind an order in the outbox move behind it when it is owed", "[debts]") {
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

TEST_CASE("a held order keeps its newest version, and is owed once the bound is reached",
          "[debts]") {
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

TEST_CASE("changes that wait for authorizers are bounded in bytes and still arrive",
          "[manager][debts]") {
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
