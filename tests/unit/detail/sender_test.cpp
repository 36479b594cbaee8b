// SPDX-License-Identifier: MIT
#include "support/manager_parts.hpp"
#include "support/shop.hpp"

#include <catch2/catch.hpp>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::changed;
using test::ManagerParts;
using test::Shop;
using test::updated;

TEST_CASE("a frame is sent, queued while the transport takes no more, and then sent", "[sender]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  const auto text = ManagerParts::frame("text");
  const auto deliver = [&] { return parts.sender.deliver(slot, QueuedKind::control, {}, text); };
  CHECK(deliver() == detail::Delivery::sent);
  CHECK(parts.connections.route(slot).accepted_bytes == 4);
  CHECK(parts.connections.session(slot).outbox() == nullptr);
  parts.stop_reading(slot);
  CHECK(deliver() == detail::Delivery::queued);
  CHECK(parts.connections.route(slot).queueing);
  REQUIRE(parts.connections.session(slot).outbox() != nullptr);
  CHECK_FALSE(parts.sender.flush(slot));
  parts.read(slot);
  CHECK(parts.sender.flush(slot));
  CHECK(parts.connections.session(slot).outbox() == nullptr);
  CHECK(parts.peer(slot).received.size() == 3);
}

TEST_CASE("nothing is sent to a connection that is being closed", "[sender]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  const auto deliver = [&] {
    return parts.sender.deliver(slot, QueuedKind::control, {}, ManagerParts::frame("text"));
  };
  SECTION("doomed") {
    parts.connections.doom(slot, CloseCode::too_slow);
    CHECK(deliver() == detail::Delivery::gone);
  }
  SECTION("closed by the server") {
    parts.connections.close(slot, CloseCode::going_away, "Bye");
    CHECK(deliver() == detail::Delivery::gone);
  }
  SECTION("closed by the client") {
    parts.transport[1].closed = true;
    CHECK(deliver() == detail::Delivery::gone);
  }
  CHECK(parts.transport[1].received.empty());
}

TEST_CASE("an order that does not fit is handed back; for a hint an order makes room", "[sender]") {
  Limits limits;
  limits.max_outbox_messages = 1;
  ManagerParts parts(limits);
  const auto slot = parts.open(1);
  parts.subscribe(slot, "a").set_version(2);
  parts.subscribe(slot, "b").set_version(2);
  parts.stop_reading(slot);
  const auto text = ManagerParts::frame("text");
  const auto deliver = [&](QueuedKind kind, const char* order) {
    return parts.sender.deliver(slot, kind, order, text);
  };
  CHECK(deliver(QueuedKind::order_updated, "a") == detail::Delivery::queued);
  CHECK(deliver(QueuedKind::order_updated, "b") == detail::Delivery::full);
  CHECK(deliver(QueuedKind::orders_changed, "c") == detail::Delivery::queued);
  CHECK(parts.connections.session(slot).find_pending("a") != nullptr);  // Owed now.
  CHECK(parts.connections.session(slot).outbox()->size() == 1);
}

TEST_CASE("a slow subscriber costs one queued order and gets the final state", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.open(2, "sam");
  f.subscribe(1, "order-1");
  f.subscribe(2, "order-1");
  f.transport[1].reads = false;
  for (int i = 0; i < 10'000; ++i) f.change("order-1");
  CHECK(f.received(2).size() == 20'000);
  CHECK(f.transport[1].buffered_bytes < 2 * f.transport.high_water);
  CHECK(f.world->conflated > 19'000);
  f.transport[1].reads = true;
  if (f.transport.take(1)) f.manager.on_writable(1);
  auto& got = f.received(1);
  REQUIRE(got.size() >= 2);
  CHECK(got[got.size() - 2] == updated(10'001));
  CHECK(got.back() == changed);
  CHECK(f.world->dropped == 0);
}

TEST_CASE("of more hints than an outbox holds the newest stay", "[manager]") {
  Limits limits;
  limits.max_outbox_messages = 10;
  Shop f(limits);
  f.open(1, "root");
  f.transport[1].reads = false;
  for (int i = 0; i < 40; ++i) {
    const auto id = "o" + std::to_string(i);
    f.world->orders[id] = {"alice", "org-1"};
    f.change(id);
  }
  CHECK_FALSE(f.transport[1].closed);
  const auto taken = f.transport[1].buffered.size();
  CHECK(f.world->dropped == 40 - taken - 10);
  f.transport[1].reads = true;
  if (f.transport.take(1)) f.manager.on_writable(1);
  REQUIRE(f.received(1).size() == taken + 10);
  CHECK(f.received(1).back() ==
        R"({"type":"orders:changed","orderId":"o39","status":"CONFIRMED"})");
}

TEST_CASE("a connection that reads nothing and asks for more than it may is closed with 4009",
          "[manager]") {
  Limits limits;
  limits.max_outbox_messages = 10;
  limits.max_subscriptions = 1;
  Shop f(limits);
  f.open(1, "root");
  f.transport[1].reads = false;
  f.transport.high_water = 1;
  for (int i = 0; i < 20; ++i) {
    f.manager.on_message(1, R"({"type":"subscribe","orderId":")" + std::to_string(i) + "\"}");
  }
  CHECK(f.transport[1].code == CloseCode::too_slow);
  CHECK(f.transport[1].frames_after_close == 0);
  CHECK(f.manager.connections() == 0);
  CHECK(f.world->dropped == 10);
}

TEST_CASE("unsubscribing drops the update that waits", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.transport[1].reads = false;
  for (int i = 0; i < 100; ++i) f.change("order-1");
  f.unsubscribe(1, "order-1");
  f.transport[1].reads = true;
  if (f.transport.take(1)) f.manager.on_writable(1);
  CHECK(f.received(1).back() == changed);
  for (const auto& text : f.received(1)) CHECK(text != updated(101));
}
