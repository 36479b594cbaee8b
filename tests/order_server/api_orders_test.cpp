// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"

#include <catch2/catch.hpp>

using namespace order_server;

namespace {

void check_problem(const HttpResponse& response, int status, const std::string& error,
                   const std::string& message) {
  INFO(response.body);
  CHECK(response.status == status);
  const auto body = json::parse(response.body);
  CHECK(body ==
        json{{"success", false}, {"error", error}, {"message", message}, {"statusCode", status}});
}

}  // namespace

TEST_CASE("a customer's order is priced from the catalogue and committed with its hint",
          "[api][orders]") {
  ApiFixture fixture;
  auto request = fixture.order_request();
  request["items"] = {{{"productId", "tea"}, {"quantity", 2}, {"unitPrice", "0.01"}},
                      {{"productId", "milk"}, {"quantity", 3}}};
  request["deliveryAddress"] = "14 Lake Road";
  request["note"] = "ring twice";
  const auto response = fixture.call("POST", "/api/v1/orders", fixture.customer, request);
  REQUIRE(response.status == 201);
  const auto order = data_of(response);
  CHECK(order["userId"] == "customer");
  CHECK(order["organizationId"] == "org-1");
  CHECK(order["status"] == "PENDING");
  CHECK(order["paymentStatus"] == "PENDING");
  CHECK(order["totalAmount"] == "775.00");
  CHECK(order["items"][0]["unitPrice"] == "285.50");
  CHECK(order["items"][1]["totalPrice"] == "204.00");
  CHECK(order["deliveryAddress"] == "14 Lake Road");
  CHECK(order["note"] == "ring twice");
  CHECK(order["version"] == 1);
  CHECK(order["statusLogs"].size() == 1);
  CHECK(order["statusLogs"][0]["status"] == "PENDING");

  CHECK(fixture.commits == 1);
  const auto entries = fixture.store.pending_broadcasts(10);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].owner_id == "customer");
  CHECK(json::parse(entries[0].order_json) == order);
  CHECK(data_of(fixture.call("GET", "/api/v1/orders/" + order["id"].get<std::string>(),
                             fixture.customer)) == order);
}

TEST_CASE("an ONLINE order gets a Razorpay order of its own, a COD order none", "[api][orders]") {
  ApiFixture fixture;
  const auto first = fixture.place_order(fixture.customer)["razorpayOrderId"];
  const auto second = fixture.place_order(fixture.customer)["razorpayOrderId"];
  CHECK(first.is_string());
  CHECK(first != second);
  auto cash = fixture.order_request();
  cash["paymentMethod"] = "COD";
  const auto response = fixture.call("POST", "/api/v1/orders", fixture.customer, cash);
  CHECK(data_of(response)["razorpayOrderId"].is_null());
}

TEST_CASE("an order that can't be is refused and leaves nothing behind", "[api][orders]") {
  ApiFixture fixture;
  auto request = fixture.order_request();
  SECTION("no items") {
    request["items"] = json::array();
  }
  SECTION("items of the wrong type") {
    request["items"] = "tea";
  }
  SECTION("an item of the wrong type") {
    request["items"] = {1};
  }
  SECTION("more than 100 items") {
    request["items"] = json::array_t(101, request["items"][0]);
  }
  SECTION("no item at all") {
    request.erase("items");
  }
  SECTION("quantity 0") {
    request["items"][0]["quantity"] = 0;
  }
  SECTION("a negative quantity") {
    request["items"][0]["quantity"] = -1;
  }
  SECTION("quantity 1000") {
    request["items"][0]["quantity"] = 1000;
  }
  SECTION("half a piece") {
    request["items"][0]["quantity"] = 1.5;
  }
  SECTION("a quantity that would wrap") {
    request["items"][0]["quantity"] = 18446744073709551615ULL;
  }
  SECTION("a quantity as text") {
    request["items"][0]["quantity"] = "2";
  }
  SECTION("a product of another store") {
    request["items"][0]["productId"] = "bread";
  }
  SECTION("no such product") {
    request["items"][0]["productId"] = "gold";
  }
  SECTION("no such store") {
    request["storeId"] = "store-9";
  }
  SECTION("no such payment method") {
    request["paymentMethod"] = "BARTER";
  }
  SECTION("no such fulfillment") {
    request["fulfillmentType"] = "TELEPORT";
  }
  SECTION("a note that is too long") {
    request["note"] = std::string(1001, 'x');
  }
  SECTION("a note with a NUL") {
    request["note"] = std::string("a\0b", 3);
  }
  SECTION("an address that is no text") {
    request["deliveryAddress"] = 7;
  }
  SECTION("an address of 501 characters") {
    request["deliveryAddress"] = std::string(501, 'x');
  }
  SECTION("a delivery to nowhere") {
    request.erase("deliveryAddress");
  }
  SECTION("a delivery to null") {
    request["deliveryAddress"] = nullptr;
  }
  SECTION("a delivery to blanks") {
    request["deliveryAddress"] = "  ";
  }
  SECTION("an item without a product") {
    request["items"][0].erase("productId");
  }
  const auto response = fixture.call("POST", "/api/v1/orders", fixture.customer, request);
  INFO(response.body);
  CHECK((response.status == 400 || response.status == 422));
  CHECK(fixture.store.list_orders({}).total == 0);
  CHECK(fixture.commits == 0);
}

TEST_CASE("the bounds of an order themselves are allowed", "[api][orders]") {
  ApiFixture fixture;
  auto request = fixture.order_request();
  request["items"][0]["quantity"] = 999;
  request["items"] = json::array_t(100, request["items"][0]);
  request["note"] = std::string(1000, 'x');
  std::string street;
  for (int i = 0; i < 500; ++i) street += "\xC3\xA9";  // 500 characters of two bytes
  request["deliveryAddress"] = street;
  CHECK(fixture.call("POST", "/api/v1/orders", fixture.customer, request).status == 201);
}

TEST_CASE("only a CUSTOMER who exists places orders", "[api][orders]") {
  ApiFixture fixture;
  for (const auto& user : {fixture.admin, fixture.manager, fixture.rider}) {
    CAPTURE(user.id);
    CHECK(fixture.call("POST", "/api/v1/orders", user, fixture.order_request()).status == 403);
  }
  const auto ghost = make_user("ghost", Role::customer);
  CHECK(fixture.call("POST", "/api/v1/orders", ghost, fixture.order_request()).status == 401);
  CHECK(fixture.store.list_orders({}).total == 0);
}

TEST_CASE("everybody sees their own orders only, and absent and foreign look alike",
          "[api][orders]") {
  ApiFixture fixture;
  const std::string id = fixture.place_order(fixture.customer)["id"];
  const auto path = "/api/v1/orders/" + id;
  for (const auto& user : {fixture.customer, fixture.manager, fixture.rider, fixture.admin}) {
    CAPTURE(user.id);
    CHECK(fixture.call("GET", path, user).status == 200);
  }
  const auto absent = fixture.call("GET", "/api/v1/orders/none", fixture.customer2);
  check_problem(absent, 404, "Not Found", "Order not found");
  // A token's organisation does not make a customer staff.
  auto impostor = make_user("impostor", Role::customer, "org-1");
  for (const auto& user : {fixture.customer2, fixture.manager2, impostor}) {
    CAPTURE(user.id);
    const auto foreign = fixture.call("GET", path, user);
    CHECK(foreign.status == absent.status);
    CHECK(foreign.body == absent.body);
  }
}

TEST_CASE("lists are scoped by role", "[api][orders]") {
  ApiFixture fixture;
  fixture.place_order(fixture.customer, "store-1");
  fixture.place_order(fixture.customer, "store-2");
  fixture.place_order(fixture.customer2, "store-2");
  const auto total = [&](const User& user) {
    const auto body = json::parse(fixture.call("GET", "/api/v1/orders", user).body);
    CHECK(body["data"].size() == body["meta"]["total"]);
    return body["meta"]["total"].get<int>();
  };
  CHECK(total(fixture.admin) == 3);
  CHECK(total(fixture.manager) == 1);
  CHECK(total(fixture.rider) == 1);
  CHECK(total(fixture.manager2) == 2);
  CHECK(total(fixture.customer) == 2);
  CHECK(total(fixture.customer2) == 1);
  CHECK(total(make_user("stranger", Role::customer)) == 0);
  CHECK(total(make_user("stranger", Role::staff, "org-9")) == 0);
}

TEST_CASE("pages are bounded, newest first, with the totals beside them", "[api][orders]") {
  ApiFixture fixture;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    fixture.wall += std::chrono::seconds(1);
    ids.push_back(fixture.place_order(fixture.customer)["id"]);
  }
  const auto page = [&](const std::string& query) {
    return json::parse(fixture.call("GET", "/api/v1/orders" + query, fixture.customer).body);
  };
  const auto second = page("?page=2&pageSize=2");
  CHECK(second["meta"] == json{{"total", 5},
                               {"page", 2},
                               {"pageSize", 2},
                               {"totalPages", 3},
                               {"nextCursor", second["meta"]["nextCursor"]}});
  REQUIRE(second["data"].size() == 2);
  CHECK(second["data"][0]["id"] == ids[2]);
  CHECK(page("")["data"][0]["id"] == ids[4]);
  CHECK(page("?page=9")["data"].empty());
  CHECK(page("")["meta"]["pageSize"] == 20);

  REQUIRE(fixture.set_status(ids[0], "CONFIRMED", fixture.manager).status == 200);
  CHECK(page("?status=CONFIRMED")["meta"]["total"] == 1);
  CHECK(page("?status=PENDING")["meta"]["total"] == 4);

  for (const auto* query :
       {"?page=0", "?page=-1", "?page=x", "?page=", "?page=1.5", "?page=99999999999999999999",
        "?pageSize=0", "?pageSize=1e2", "?status=", "?status=LOST", "?status=pending"}) {
    CAPTURE(query);
    const auto target = std::string("/api/v1/orders") + query;
    CHECK(fixture.call("GET", target, fixture.customer).status == 400);
  }
  CHECK(page("?pageSize=100")["meta"]["pageSize"] == 100);
  CHECK(page("?pageSize=101")["meta"]["pageSize"] == 100);
}

TEST_CASE("a status change is committed once, with note, log, version and wake-up",
          "[api][orders]") {
  ApiFixture fixture;
  const std::string id = fixture.place_order(fixture.customer)["id"];
  const auto response = fixture.call("PATCH", "/api/v1/orders/" + id + "/status", fixture.rider,
                                     {{"status", "CONFIRMED"}, {"note", "on it"}, {"version", 99}});
  REQUIRE(response.status == 200);
  const auto order = data_of(response);
  CHECK(order["status"] == "CONFIRMED");
  CHECK(order["version"] == 2);
  CHECK(order["note"].is_null());
  CHECK(order["statusLogs"][1]["note"] == "on it");
  CHECK(fixture.commits == 2);
  CHECK(fixture.store.pending_broadcasts(10).size() == 2);
}

TEST_CASE("an invalid transition is told and changes nothing", "[api][orders]") {
  ApiFixture fixture;
  const std::string id = fixture.place_order(fixture.customer)["id"];
  check_problem(fixture.set_status(id, "PENDING", fixture.manager), 400, "Invalid Transition",
                "Order is already PENDING");
  check_problem(fixture.set_status(id, "READY", fixture.manager), 400, "Invalid Transition",
                "Cannot transition from PENDING to READY");
  CHECK(fixture.commits == 1);
  CHECK(fixture.stored_version(id) == 1);
}

TEST_CASE("only staff that may see an order change its status", "[api][orders]") {
  ApiFixture fixture;
  const std::string id = fixture.place_order(fixture.customer)["id"];
  CHECK(fixture.set_status(id, "CONFIRMED", fixture.customer).status == 403);
  const auto foreign = fixture.set_status(id, "CONFIRMED", fixture.manager2);
  const auto absent = fixture.set_status("none", "CONFIRMED", fixture.manager2);
  check_problem(foreign, 404, "Not Found", "Order not found");
  CHECK(absent.body == foreign.body);
  CHECK(fixture.stored_version(id) == 1);
  CHECK(fixture.set_status(id, "CONFIRMED", fixture.admin).status == 200);
}

TEST_CASE("a status that is none is refused before the order is looked at", "[api][orders]") {
  ApiFixture fixture;
  const std::string id = fixture.place_order(fixture.customer)["id"];
  for (const auto& body : {json::object(), json{{"status", "LOST"}}, json{{"status", 1}},
                           json{{"status", nullptr}}, json{{"status", "CONFIRMED"}, {"note", 5}},
                           json{{"status", "CONFIRMED"}, {"note", std::string(1001, 'x')}}}) {
    CAPTURE(body.dump());
    const auto response =
        fixture.call("PATCH", "/api/v1/orders/" + id + "/status", fixture.manager, body);
    CHECK(response.status == 422);
  }
  CHECK(fixture.stored_version(id) == 1);
}

TEST_CASE("the owner cancels while it is early, and nobody else does", "[api][orders]") {
  ApiFixture fixture;
  const std::string id = fixture.place_order(fixture.customer)["id"];
  const auto cancel = [&](const User& user, const std::string& order_id) {
    return fixture.call("POST", "/api/v1/orders/" + order_id + "/cancel", user);
  };
  const auto foreign = cancel(fixture.customer2, id);
  CHECK(foreign.status == 404);
  CHECK(foreign.body == cancel(fixture.customer2, "none").body);
  CHECK(cancel(fixture.manager, id).status == 403);
  CHECK(cancel(fixture.admin, id).status == 403);
  CHECK(fixture.commits == 1);

  const auto cancelled = cancel(fixture.customer, id);
  REQUIRE(cancelled.status == 200);
  CHECK(data_of(cancelled)["status"] == "CANCELLED");
  CHECK(fixture.commits == 2);
  CHECK(fixture.store.pending_broadcasts(10).back().status == "CANCELLED");

  const std::string late = fixture.place_order(fixture.customer)["id"];
  fixture.set_status(late, "CONFIRMED", fixture.manager);
  fixture.set_status(late, "PREPARING", fixture.manager);
  const auto refused = cancel(fixture.customer, late);
  CHECK(refused.status == 400);
  CHECK(json::parse(refused.body)["error"] == "Cannot Cancel");
}

TEST_CASE("an id from the path is decoded and never trusted", "[api][orders]") {
  ApiFixture fixture;
  fixture.store.add_product({"product-1", "store-1", "Tea", 250});
  const auto order = sample_order("an id/with?everything", "customer");
  fixture.store.create_order(order);
  CHECK(
      fixture.call("GET", "/api/v1/orders/an%20id%2Fwith%3Feverything", fixture.customer).status ==
      200);
  for (const auto* id : {"%00", "%ff%fe", "'%20OR%201=1--", "..%2F..%2Fetc"}) {
    CAPTURE(id);
    const auto response =
        fixture.call("GET", std::string("/api/v1/orders/") + id, fixture.customer);
    CHECK(response.status == 404);
  }
  const auto endless = "/api/v1/orders/" + std::string(10'000, 'x');
  CHECK(fixture.call("GET", endless, fixture.customer).status == 404);
}

TEST_CASE("lists, reads and writes run on lanes of their own", "[api][orders]") {
  ApiFixture fixture;
  const std::string id = fixture.place_order(fixture.customer)["id"];
  fixture.call("GET", "/api/v1/orders", fixture.customer);
  fixture.call("GET", "/api/v1/orders/" + id, fixture.customer);
  fixture.set_status(id, "CONFIRMED", fixture.manager);
  CHECK(fixture.lanes_used ==
        std::vector<Lane>{Lane::writer, Lane::list, Lane::reader, Lane::writer});
}
