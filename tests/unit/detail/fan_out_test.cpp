// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include "support/manager_parts.hpp"
#include "support/shop.hpp"

#include <catch2/catch.hpp>

#include <cstddef>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::FakeTransport;
using test::ManagerParts;
using test::Shop;

TEST_CASE("a connection that watches an order and its list gets both messages and counts once",
          "[fan_out]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  parts.subscribe(slot, "o");
  const auto broadcast = prepare_broadcast<FakeTransport>(
      {"o", OwnerId("alice"), OrganizationId(), "READY", 2, R"({"version":2})"});
  CHECK(parts.fan_out.publish(broadcast) == 1);
  CHECK(parts.peer(slot).received.size() == 2);
  CHECK(parts.fan_out.publish(broadcast) == 1);  // Only the hint: the version is not news.
  CHECK(parts.peer(slot).received.size() == 3);
}

TEST_CASE("a change that a subscription waits with counts for nobody yet", "[fan_out]") {
  ManagerParts parts;
  const auto slot = parts.open(1, "bob");
  const auto& pending = parts.ask(slot, "o");
  CHECK(parts.fan_out.publish(prepare_broadcast<FakeTransport>(
            {"o", OwnerId("alice"), OrganizationId(), "READY", 2, R"({"version":2})"})) == 0);
  CHECK(parts.peer(slot).received.empty());
  REQUIRE(pending.held);
  CHECK(pending.held->version == 2);
}

TEST_CASE(
    "an announcement reaches those who may watch, and waits with those who are owed the order",
    "[fan_out]") {
  ManagerParts parts;
  const auto open = parts.open(1);
  const auto owed = parts.open(2);
  const auto asking = parts.open(3);
  parts.subscribe(open, "o");
  parts.subscribe(owed, "o");
  parts.debts.owe(owed, "o", 2);
  parts.ask(asking, "o");
  const auto news =
      prepare_announcement<FakeTransport>(Audience::watchers, "o", {R"({"type":"news"})"});
  CHECK(parts.fan_out.announce(news) == 2);
  CHECK(parts.peer(open).received.size() == 1);
  CHECK(parts.peer(owed).received.empty());
  CHECK(parts.connections.session(owed).find_pending("o")->following.size() == 1);
  CHECK(parts.connections.session(asking).find_pending("o")->following.empty());
}

TEST_CASE("publish encodes and frames each message once, whatever the audience", "[manager]") {
  for (const int audience : {1, 10, 1000}) {
    Shop f({100, 0});
    f.transport.record = false;
    for (int handle = 0; handle < audience; ++handle) {
      f.open(handle, "root");
      f.subscribe(handle, "order-1");
    }
    f.change("order-1");  // Everything that grows once has grown.
    const auto frames = FakeTransport::prepared();
    const auto allocated = test::allocations();
    const auto delivered = f.transport.delivered;
    CHECK(f.publish("order-1", 99) == static_cast<std::size_t>(audience));
    const auto allocations = test::allocations() - allocated;
    CHECK(FakeTransport::prepared() - frames == 2);
    CHECK(f.transport.delivered - delivered == 2 * static_cast<std::size_t>(audience));
    static std::size_t for_one = 0;
    if (audience == 1) for_one = allocations;
    CHECK(allocations == for_one);
  }
}

TEST_CASE("nothing is encoded for an order that nobody watches", "[manager]") {
  Shop f;
  f.open(1, "bob");
  const auto frames = FakeTransport::prepared();
  CHECK(f.change("order-1") == 0);
  CHECK(FakeTransport::prepared() == frames);
}

TEST_CASE("a caller without versions gets everything sent", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.publish("order-1", 0);
  f.publish("order-1", 0);
  CHECK(f.received(1).size() == 4);
}
