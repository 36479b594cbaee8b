// SPDX-License-Identifier: MIT
#include "support/shop.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::changed;
using test::denied;
using test::Shop;
using test::updated;

TEST_CASE("a subscriber gets the order, its audience the hint, the order first", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.open(2, "sam");
  f.open(3, "root");
  f.open(4, "bob");
  f.open(5, "tom");
  f.subscribe(1, "order-1");
  CHECK(f.change("order-1") == 3);
  CHECK(f.received(1) == std::vector<std::string>{updated(2), changed});
  CHECK(f.received(2) == std::vector<std::string>{changed});
  CHECK(f.received(3) == std::vector<std::string>{changed});
  CHECK(f.received(4).empty());
  CHECK(f.received(5).empty());
  CHECK(f.world->delivered[MessageType::order_updated] == 1);
  CHECK(f.world->delivered[MessageType::orders_changed] == 3);
}

TEST_CASE("a courier gets the hints of the order that is theirs to bring, and no other's",
          "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.open(2, "bob");
  const auto bring = [&](std::string_view courier) {
    return f.manager.publish({"order-1", OwnerId("alice"), OrganizationId("org-9"), "CONFIRMED", 0,
                              "{}", AssigneeId(courier)});
  };
  CHECK(bring("bob") == 2);
  CHECK(f.received(2) == std::vector<std::string>{changed});
  CHECK(bring("carl") == 1);
  CHECK(bring("") == 1);
  CHECK(f.received(2).size() == 1);
  CHECK(f.received(1).size() == 3);
}

TEST_CASE("after unsubscribing only the hint comes", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.unsubscribe(1, "order-1");
  f.change("order-1");
  CHECK(f.received(1) == std::vector<std::string>{changed});
}

TEST_CASE("an order that is another's and one that does not exist are denied alike", "[manager]") {
  Shop f;
  f.open(1, "bob");
  f.subscribe(1, "order-1");
  f.subscribe(1, "order-9");
  CHECK(f.received(1) == std::vector<std::string>{denied + R"("orderId":"order-1"})",
                                                  denied + R"("orderId":"order-9"})"});
  f.change("order-1");
  CHECK(f.received(1).size() == 2);
  CHECK(f.manager.subscriptions() == 0);
  CHECK(f.world->subscribed == 0);
}

TEST_CASE("each role may watch what is its own", "[manager]") {
  Shop f;
  f.open(1, "sam");
  f.open(2, "tom");
  f.open(3, "root");
  for (const int handle : {1, 2, 3}) f.subscribe(handle, "order-1");
  f.change("order-1");
  CHECK(f.received(1) == std::vector<std::string>{updated(2), changed});
  CHECK(f.received(2) == std::vector<std::string>{denied + R"("orderId":"order-1"})"});
  CHECK(f.received(3) == std::vector<std::string>{updated(2), changed});
}

TEST_CASE("a missing or bad token closes with 4001 and is never registered", "[manager]") {
  Shop f;
  f.open(1, "");
  f.open(2, "mallory");
  CHECK(f.transport[1].code == CloseCode::unauthorized);
  CHECK(f.transport[1].reason == "Missing token");
  CHECK(f.transport[2].reason == "Invalid token");
  f.subscribe(1, "order-1");
  f.change("order-1");
  CHECK(f.received(1).empty());
  CHECK(f.transport[1].frames_after_close == 0);
  CHECK(f.manager.connections() == 0);
  f.manager.on_close(1);
  f.manager.on_close(2);
  CHECK(f.manager.sessions() == 0);
}

TEST_CASE("since is answered with the current order only if that is newer", "[manager]") {
  Shop f;
  f.world->orders["order-1"].version = 7;
  f.world->orders["order-1"].json = R"({"version":7})";
  f.open(1, "alice");
  f.subscribe(1, "order-1", 6);
  CHECK(f.received(1) == std::vector<std::string>{updated(7)});
  f.subscribe(1, "order-1", 7);
  f.subscribe(1, "order-1", 100);
  f.subscribe(1, "order-1");
  CHECK(f.received(1).size() == 1);
  f.subscribe(1, "order-1", 0);
  CHECK(f.received(1).size() == 2);
}

TEST_CASE("a subscribe without since gets no snapshot", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  CHECK(f.received(1).empty());
  CHECK(f.world->lookups == 1);
}

TEST_CASE("since with a version that was never reached still gets later changes", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.subscribe(1, "order-1", 100);
  f.change("order-1");
  CHECK(f.received(1) == std::vector<std::string>{updated(2), changed});
}

TEST_CASE("nothing falls between a snapshot and the live stream", "[manager]") {
  // The change is committed and published at every point of the two questions.
  for (int point = 0; point <= 4; ++point) {
    INFO("point " << point);
    Shop f;
    f.world->answer_later = true;
    f.open(1, "alice");
    if (point == 0) f.change("order-1");
    f.subscribe(1, "order-1", 1);
    if (point == 1) f.change("order-1");
    f.world->answer_one();                // Authorized; the snapshot is being read.
    if (point == 2) f.commit("order-1");  // Too late for the snapshot that was read...
    if (point == 2) f.publish("order-1", 2);
    f.world->answer_all();
    if (point == 3) f.change("order-1");
    int seen = 0;
    for (const auto& text : f.received(1)) seen += text == updated(2) ? 1 : 0;
    CHECK(seen == (point == 4 ? 0 : 1));
  }
}

TEST_CASE("a publish that lags behind the snapshot does not take the order back", "[manager]") {
  Shop f;
  f.open(1, "alice");
  for (int i = 0; i < 6; ++i) f.commit("order-1");  // Version 7 is committed, none published.
  f.subscribe(1, "order-1", 1);
  for (std::uint64_t version = 2; version <= 8; ++version) f.publish("order-1", version);
  std::vector<std::string> updates;
  for (const auto& text : f.received(1)) {
    if (text != changed) updates.push_back(text);
  }
  CHECK(updates == std::vector<std::string>{updated(7), updated(8)});
}

TEST_CASE("events for an unknown handle are ignored", "[manager]") {
  Shop f;
  f.manager.on_message(9, R"({"type":"ping"})");
  f.manager.on_writable(9);
  f.manager.on_pong(9);
  f.manager.on_close(9);
  CHECK(f.received(9).empty());
}
