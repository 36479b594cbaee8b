// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

/// What the second edition of the contract added to REST, over a real server.
using namespace ordercast::test;

namespace {

Json order_request(const std::string& organization = "org-1") {
  const auto& shelf = demo().shelves.at(organization);
  return {{"storeId", shelf.store_id},
          {"items", Json::array({{{"productId", shelf.product_id}, {"quantity", 1}}})},
          {"paymentMethod", "COD"},
          {"fulfillmentType", "PICKUP"}};
}

std::string target_of(const Json& order, const std::string& verb = {}) {
  return "/api/v1/orders/" + id_of(order) + verb;
}

}  // namespace

TEST_CASE("the same full order goes to the caller, to lists and to every socket", "[rest]") {
  OrderServer server;
  const auto placed = server.new_order(demo().customer);
  CHECK(text_of(placed.at("user"), "email") == demo().customer.email);
  CHECK_FALSE(text_of(placed.at("store"), "name").empty());
  CHECK(integer_of(placed, "number") > 1000);
  const auto next = server.new_order(demo().customer2);
  CHECK(integer_of(next, "number") == integer_of(placed, "number") + 1);

  server.settle();
  Watcher owner(server, demo().customer);
  owner.follow(id_of(placed));
  const auto changed =
      server.as(demo().manager)
          .patch(target_of(placed, "/status"),
                 {{"status", "CONFIRMED"}, {"estimatedReadyAt", "2030-01-01T12:00:00+01:00"}});
  REQUIRE(changed.status == 200);
  CHECK(text_of(changed.data(), "estimatedReadyAt") == "2030-01-01T11:00:00.000Z");
  CHECK(text_of(changed.data().at("statusLogs").back(), "actorRole") == "ORG_ADMIN");
  const auto heard = owner.next();
  CHECK(update_of(id_of(placed), 2)(heard));
  CHECK(server.order(id_of(placed)) == changed.data());
}

TEST_CASE("staff finds, counts and pages through orders", "[rest]") {
  OrderServer server;
  const auto manager = server.as(demo().manager);
  const auto placed = server.new_order(demo().customer2, "org-1", "COD", "PICKUP");
  const auto number = std::to_string(integer_of(placed, "number"));
  const auto found = manager.get("/api/v1/orders?q=%23" + number + "&fulfillmentType=PICKUP");
  REQUIRE(found.status == 200);
  REQUIRE(found.data().size() == 1);
  CHECK(found.data().at(0) == placed);

  const auto counts = manager.get("/api/v1/orders/counts");
  const auto total = integer_of(counts.data(), "total");
  CHECK(integer_of(manager.get("/api/v1/orders").json.at("meta"), "total") == total);
  CHECK(integer_of(manager.get("/api/v1/orders?status=PENDING,CONFIRMED").json.at("meta"),
                   "total") == integer_of(counts.data().at("byStatus"), "PENDING") +
                                   integer_of(counts.data().at("byStatus"), "CONFIRMED"));

  std::set<std::string> seen;
  std::string target = "/api/v1/orders?pageSize=5&sortBy=number&sortOrder=asc";
  for (std::string cursor; seen.size() <= static_cast<std::size_t>(total);) {
    const auto page = manager.get(target + cursor);
    REQUIRE(page.status == 200);
    for (const auto& order : page.data()) CHECK(seen.insert(id_of(order)).second);
    if (page.json.at("meta").at("nextCursor").is_null()) break;
    cursor = "&cursor=" + text_of(page.json.at("meta"), "nextCursor");
  }
  CHECK(seen.size() == static_cast<std::size_t>(total));
  const auto refused = manager.get("/api/v1/orders?dateFrom=soon");
  CHECK(refused.status == 400);
  CHECK(refused.body.find("dateFrom") != std::string::npos);
}

TEST_CASE("staff reads who did what, and customers don't", "[rest]") {
  OrderServer server;
  const auto placed = server.new_order(demo().customer);
  REQUIRE(server.as(demo().manager).set_status(id_of(placed), "CONFIRMED").status == 200);
  const auto history = server.as(demo().manager).get(target_of(placed, "/history"));
  REQUIRE(history.status == 200);
  REQUIRE(history.data().size() == 2);
  CHECK(text_of(history.data().at(0).at("actor"), "id") == demo().customer.id);
  CHECK(text_of(history.data().at(1).at("actor"), "role") == "ORG_ADMIN");
  CHECK(integer_of(history.data().at(1), "version") == 2);
  CHECK(server.as(demo().customer).get(target_of(placed, "/history")).status == 403);
  CHECK(server.as(demo().manager2).get(target_of(placed, "/history")).status == 404);
}

TEST_CASE("an order whose answer was lost is placed once, also after the server was killed",
          "[rest]") {
  OrderServer server;
  const auto customer = server.as(demo().customer);
  const Headers key{{"Idempotency-Key", "a-phone-in-a-lift"}};
  // Several at once: all of them get the one order.
  std::vector<RawSocket> sockets(4);
  for (auto& socket : sockets) {
    REQUIRE(socket.connect("127.0.0.1", server.port()));
    REQUIRE(socket.send_bytes(
        customer.request_text("POST", "/api/v1/orders", order_request().dump(), key)));
  }
  std::set<std::string> answers;
  for (auto& socket : sockets) {
    const auto reply = read_http_reply(socket, false);
    CHECK(reply.status == 201);
    answers.insert(reply.body);
  }
  CHECK(answers.size() == 1);

  server.kill();
  server.start();
  const auto again = server.as(demo().customer).post("/api/v1/orders", order_request(), key);
  CHECK(again.status == 201);
  CHECK(again.body == *answers.begin());
  auto other = order_request();
  other["note"] = "and quickly";
  CHECK(server.as(demo().customer).post("/api/v1/orders", other, key).status == 422);
}
