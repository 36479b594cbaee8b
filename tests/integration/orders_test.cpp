// SPDX-License-Identifier: MIT
#include "order_server.hpp"

#include <catch2/catch.hpp>

#include <regex>
#include <set>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

const std::regex iso_time(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
const std::regex decimal(R"(\d+\.\d\d)");

Json order_body(const std::string& organization, const Json& items) {
  return {{"storeId", demo().shelves.at(organization).store_id},
          {"items", items},
          {"paymentMethod", "COD"},
          {"fulfillmentType", "DELIVERY"},
          {"deliveryAddress", "1 Quiet Street"}};
}

Json one_item(const std::string& organization, const Json& quantity) {
  return Json::array(
      {{{"productId", demo().shelves.at(organization).product_id}, {"quantity", quantity}}});
}

}  // namespace

TEST_CASE("what can be ordered is open to any user", "[orders]") {
  OrderServer server;
  const auto stores = server.as(demo().customer).get("/api/v1/stores");
  REQUIRE(stores.status == 200);
  REQUIRE(stores.data().size() >= 2);
  for (const auto& store : stores.data()) {
    CHECK(member(store, "paymentMethods") == Json::array({"COD", "ONLINE"}));
  }
  const auto all = server.as(demo().manager).get("/api/v1/products");
  REQUIRE(all.status == 200);
  std::size_t sum = 0;
  for (const auto& store : stores.data()) {
    const auto own = server.as(demo().customer).get("/api/v1/products?storeId=" + id_of(store));
    REQUIRE(own.status == 200);
    CHECK_FALSE(own.data().empty());
    for (const auto& product : own.data()) CHECK(text_of(product, "storeId") == id_of(store));
    sum += own.data().size();
  }
  CHECK(all.data().size() == sum);
}

TEST_CASE("an order has exactly the members of the contract", "[orders]") {
  OrderServer server;
  const auto order = server.new_order(demo().customer);
  INFO(order.dump(2));
  CHECK(keys_of(order) == std::set<std::string>{"id",
                                                "userId",
                                                "storeId",
                                                "organizationId",
                                                "status",
                                                "paymentStatus",
                                                "paymentMethod",
                                                "fulfillmentType",
                                                "totalAmount",
                                                "deliveryAddress",
                                                "razorpayOrderId",
                                                "note",
                                                "items",
                                                "statusLogs",
                                                "version",
                                                "createdAt",
                                                "updatedAt",
                                                "number",
                                                "user",
                                                "store",
                                                "refundStatus",
                                                "estimatedReadyAt"});
  REQUIRE(order.at("items").size() == 1);
  CHECK(keys_of(order.at("items").at(0)) == std::set<std::string>{"id", "productId", "name",
                                                                  "quantity", "unitPrice",
                                                                  "totalPrice", "product"});
  REQUIRE(order.at("statusLogs").size() == 1);
  CHECK(keys_of(order.at("statusLogs").at(0)) ==
        std::set<std::string>{"id", "status", "note", "createdAt", "actorRole"});
  CHECK(keys_of(order.at("user")) == std::set<std::string>{"id", "name", "email", "phone"});
  CHECK(keys_of(order.at("store")) == std::set<std::string>{"id", "name", "phone"});
  CHECK(std::regex_match(text_of(order, "totalAmount"), decimal));
  for (const auto* name : {"createdAt", "updatedAt"}) {
    CHECK(std::regex_match(text_of(order, name), iso_time));
  }
  CHECK(std::regex_match(text_of(order.at("statusLogs").at(0), "createdAt"), iso_time));

  const auto read_back = server.as(demo().customer).order(id_of(order));
  REQUIRE(read_back.status == 200);
  CHECK(read_back.data() == order);
}

TEST_CASE("a new order is PENDING, version 1, with one log", "[orders]") {
  OrderServer server;
  const auto order = server.new_order(demo().customer, "org-2", "COD", "PICKUP");
  CHECK(text_of(order, "userId") == demo().customer.id);
  CHECK(text_of(order, "organizationId") == "org-2");
  CHECK(text_of(order, "status") == "PENDING");
  CHECK(text_of(order, "paymentStatus") == "PENDING");
  CHECK(text_of(order, "paymentMethod") == "COD");
  CHECK(text_of(order, "fulfillmentType") == "PICKUP");
  CHECK(order.at("razorpayOrderId").is_null());
  CHECK(integer_of(order, "version") == 1);
  REQUIRE(order.at("statusLogs").size() == 1);
  CHECK(text_of(order.at("statusLogs").at(0), "status") == "PENDING");
}

TEST_CASE("the server, not the client, says what an order costs", "[orders]") {
  OrderServer server;
  auto body = order_body("org-1", one_item("org-1", 3));
  body["totalAmount"] = "0.01";
  body["items"][0]["unitPrice"] = "0.01";
  const auto reply = server.as(demo().customer).post("/api/v1/orders", body);
  INFO(reply.body);
  REQUIRE(reply.status == 201);
  const auto single = server.new_order(demo().customer);
  const auto cents = [](const Json& order) {
    auto text = text_of(order, "totalAmount");
    text.erase(text.find('.'), 1);
    return std::stoll(text);
  };
  CHECK(cents(reply.data()) == 3 * cents(single));
  CHECK(cents(single) > 1);
}

TEST_CASE("each ONLINE order has a razorpayOrderId of its own", "[orders]") {
  OrderServer server;
  const auto first = server.new_order(demo().customer, "org-1", "ONLINE");
  const auto second = server.new_order(demo().customer, "org-1", "ONLINE");
  CHECK_FALSE(text_of(first, "razorpayOrderId").empty());
  CHECK_FALSE(text_of(second, "razorpayOrderId").empty());
  CHECK(text_of(first, "razorpayOrderId") != text_of(second, "razorpayOrderId"));
}

TEST_CASE("an order that makes no sense is refused", "[orders]") {
  OrderServer server;
  const auto customer = server.as(demo().customer);
  const auto total = [&] {
    return integer_of(member(customer.get("/api/v1/orders").json, "meta"), "total");
  };
  const auto before = total();
  const auto refused = [&](const Json& body) {
    INFO(body.dump());
    const auto reply = customer.post("/api/v1/orders", body);
    INFO(reply.body);
    CHECK((refused_as_bad(reply) || reply.status == 404));
    CHECK(member(reply.json, "success") == false);
  };
  for (const Json& quantity : {Json(0), Json(-1), Json(1.5), Json("2"), Json(nullptr),
                               Json(9'007'199'254'740'993), Json(1e300)}) {
    refused(order_body("org-1", one_item("org-1", quantity)));
  }
  refused(order_body("org-1", Json::array()));
  refused(order_body("org-1", Json::object()));
  refused(order_body("org-1", one_item("org-2", 1)));
  refused(order_body("org-1", Json::array({{{"productId", "no-such-product"}, {"quantity", 1}}})));
  for (const auto* name : {"storeId", "items", "paymentMethod", "fulfillmentType"}) {
    auto incomplete = order_body("org-1", one_item("org-1", 1));
    incomplete.erase(name);
    refused(incomplete);
    auto strange = order_body("org-1", one_item("org-1", 1));
    strange[name] = "strange";
    refused(strange);
  }
  refused(Json::array());
  CHECK(total() == before);
}

TEST_CASE("only a CUSTOMER orders", "[orders]") {
  OrderServer server;
  const auto body = order_body("org-1", one_item("org-1", 1));
  CHECK(server.as(demo().admin).post("/api/v1/orders", body).status == 403);
  CHECK(server.as(demo().manager).post("/api/v1/orders", body).status == 403);
}

TEST_CASE("the list shows each role its own orders", "[orders]") {
  OrderServer server;
  for (const auto* customer : {&demo().customer, &demo().customer2}) {
    for (const auto* organization : {"org-1", "org-2"}) {
      static_cast<void>(server.new_order(*customer, organization));
    }
  }
  const auto list = [&](const Account& account) {
    auto reply = server.as(account).get("/api/v1/orders?pageSize=100");
    INFO(reply.body);
    REQUIRE(reply.status == 200);
    REQUIRE_FALSE(reply.data().empty());
    return reply;
  };
  for (const auto& order : list(demo().customer).data()) {
    CHECK(text_of(order, "userId") == demo().customer.id);
  }
  for (const auto& order : list(demo().manager).data()) {
    CHECK(text_of(order, "organizationId") == "org-1");
  }
  for (const auto& order : list(demo().manager2).data()) {
    CHECK(text_of(order, "organizationId") == "org-2");
  }
  const auto total = [&](const Account& account) {
    return integer_of(member(list(account).json, "meta"), "total");
  };
  CHECK(total(demo().admin) == total(demo().manager) + total(demo().manager2));
  CHECK(total(demo().admin) == total(demo().customer) + total(demo().customer2));
}

TEST_CASE("the list is newest first, in pages that neither overlap nor leave out", "[orders]") {
  OrderServer server;
  const auto newest = id_of(server.new_order(demo().customer));
  const auto customer = server.as(demo().customer);
  const auto first = customer.get("/api/v1/orders?page=1&pageSize=4");
  REQUIRE(first.status == 200);
  CHECK(id_of(first.data().at(0)) == newest);
  const auto& meta = member(first.json, "meta");
  CHECK(keys_of(meta) ==
        std::set<std::string>{"total", "page", "pageSize", "totalPages", "nextCursor"});
  const auto total = integer_of(meta, "total");
  CHECK(integer_of(meta, "page") == 1);
  CHECK(integer_of(meta, "pageSize") == 4);
  CHECK(integer_of(meta, "totalPages") == (total + 3) / 4);

  std::set<std::string> seen;
  std::string previous = "9";
  for (long long page = 1; page <= integer_of(meta, "totalPages"); ++page) {
    const auto reply = customer.get("/api/v1/orders?pageSize=4&page=" + std::to_string(page));
    REQUIRE(reply.status == 200);
    for (const auto& order : reply.data()) {
      CHECK(seen.insert(id_of(order)).second);
      CHECK(text_of(order, "createdAt") <= previous);
      previous = text_of(order, "createdAt");
    }
  }
  CHECK(static_cast<long long>(seen.size()) == total);
  const auto beyond = customer.get("/api/v1/orders?pageSize=4&page=1000");
  CHECK(beyond.status == 200);
  CHECK(beyond.data().empty());
}

TEST_CASE("the list can be asked for one status", "[orders]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  REQUIRE(server.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  const auto reply = server.as(demo().customer).get("/api/v1/orders?status=CONFIRMED&pageSize=100");
  REQUIRE(reply.status == 200);
  bool found = false;
  for (const auto& order : reply.data()) {
    CHECK(text_of(order, "status") == "CONFIRMED");
    found = found || id_of(order) == id;
  }
  CHECK(found);
  CHECK(integer_of(member(reply.json, "meta"), "total") ==
        static_cast<long long>(reply.data().size()));
}

TEST_CASE("strange questions to the list are refused", "[orders]") {
  OrderServer server;
  for (const auto* query :
       {"page=0", "page=-1", "page=x", "page=1.5", "pageSize=0", "pageSize=-5", "pageSize=many",
        "page=99999999999999999999", "status=LOST", "status=pending%27%20OR%201=1"}) {
    CAPTURE(query);
    CHECK(refused_as_bad(server.as(demo().admin).get(std::string("/api/v1/orders?") + query)));
  }
}

TEST_CASE("an order that is not yours and one that does not exist look the same", "[orders]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer, "org-1"));
  const auto same = [&](const Account& account) {
    const auto foreign = server.as(account).order(id);
    const auto absent = server.as(account).order("no-such-order");
    CHECK(foreign.status == 404);
    CHECK(absent.status == 404);
    CHECK(foreign.body == absent.body);
    CHECK(foreign.headers.size() == absent.headers.size());
  };
  same(demo().customer2);
  same(demo().manager2);
  for (const auto* account : {&demo().customer, &demo().manager, &demo().admin}) {
    CHECK(server.as(*account).order(id).status == 200);
  }
  CHECK(server.as(demo().manager2).set_status(id, "CONFIRMED").body ==
        server.as(demo().manager2).set_status("no-such-order", "CONFIRMED").body);
  CHECK(server.as(demo().customer2).cancel(id).body ==
        server.as(demo().customer2).cancel("no-such-order").body);
  CHECK(server.as(demo().manager2).set_status(id, "CONFIRMED").status == 404);
  CHECK(server.as(demo().customer2).cancel(id).status == 404);
  CHECK(integer_of(server.order(id), "version") == 1);
}
