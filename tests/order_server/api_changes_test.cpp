// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

namespace order_server {
namespace {

json body_of(const HttpResponse& response) {
  return json::parse(response.body);
}

std::string place_cash_order(ApiFixture& fixture, const std::string& store_id = "store-1") {
  auto request = fixture.order_request(store_id);
  request["paymentMethod"] = "COD";
  const auto response = fixture.call("POST", "/api/v1/orders", fixture.customer, request);
  return body_of(response).at("data").at("id");
}

HttpResponse set_payment(ApiFixture& fixture, const std::string& id, const std::string& status,
                         const User& user) {
  return fixture.call("PATCH", "/api/v1/orders/" + id + "/payment-status", user,
                      {{"paymentStatus", status}});
}

void walk(ApiFixture& fixture, const std::string& id, const std::vector<std::string>& statuses) {
  for (const auto& status : statuses) {
    CAPTURE(status);
    REQUIRE(fixture.set_status(id, status, fixture.manager).status == 200);
  }
}

}  // namespace

TEST_CASE("of two changes that expect one version one is done, the other sees the order",
          "[api][orders]") {
  ApiFixture fixture;
  const std::string id = fixture.place_order(fixture.customer)["id"];
  const auto change = [&](const json& expected) {
    return fixture.call("PATCH", "/api/v1/orders/" + id + "/status", fixture.manager,
                        {{"status", "CONFIRMED"}, {"expectedVersion", expected}});
  };
  CHECK(change(1).status == 200);
  const auto late = change(1);
  CHECK(late.status == 409);
  const auto body = body_of(late);
  CHECK(body["success"] == false);
  CHECK(body["error"] == "Conflict");
  CHECK(body["statusCode"] == 409);
  CHECK(body["data"]["id"] == id);
  CHECK(body["data"]["version"] == 2);
  CHECK(body["data"]["status"] == "CONFIRMED");
  CHECK(fixture.commits == 2);
  // Of a version that is right the step itself may be wrong.
  CHECK(change(2).status == 400);
  CHECK(change(nullptr).status == 400);
  CHECK(change(0).status == 422);
  CHECK(change("2").status == 422);
  CHECK(change(1.5).status == 422);
  CHECK(fixture.stored_version(id) == 2);
}

TEST_CASE("a conflict shows no order to who may not see it", "[api][orders]") {
  ApiFixture fixture;
  const std::string id = fixture.place_order(fixture.customer)["id"];
  const auto foreign = fixture.call("PATCH", "/api/v1/orders/" + id + "/status", fixture.manager2,
                                    {{"status", "CONFIRMED"}, {"expectedVersion", 7}});
  CHECK(foreign.status == 404);
  CHECK_FALSE(body_of(foreign).contains("data"));
}

TEST_CASE("cash is taken when the order is delivered", "[api][orders]") {
  ApiFixture fixture;
  const auto cash = place_cash_order(fixture);
  walk(fixture, cash, {"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY"});
  CHECK(fixture.store.find_order(cash)->payment_status == PaymentStatus::pending);
  walk(fixture, cash, {"DELIVERED"});
  const auto delivered = fixture.store.find_order(cash).value();
  CHECK(delivered.payment_status == PaymentStatus::paid);
  CHECK(delivered.version == 6);  // the same change

  const std::string online = fixture.place_order(fixture.customer)["id"];
  walk(fixture, online, {"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY", "DELIVERED"});
  CHECK(fixture.store.find_order(online)->payment_status == PaymentStatus::pending);
}

TEST_CASE("staff set a payment status where it makes sense", "[api][orders]") {
  ApiFixture fixture;
  const auto id = place_cash_order(fixture);
  CHECK(set_payment(fixture, id, "REFUNDED", fixture.manager).status == 400);
  CHECK(set_payment(fixture, id, "PENDING", fixture.manager).status == 400);  // already
  CHECK(set_payment(fixture, id, "FAILED", fixture.manager).status == 200);
  const auto paid = set_payment(fixture, id, "PAID", fixture.rider);
  REQUIRE(paid.status == 200);
  CHECK(body_of(paid)["data"]["paymentStatus"] == "PAID");
  CHECK(body_of(paid)["data"]["version"] == 3);
  CHECK(body_of(paid)["data"]["statusLogs"].size() == 1);
  for (const auto* status : {"PAID", "PENDING", "FAILED"}) {
    CHECK(set_payment(fixture, id, status, fixture.manager).status == 400);
  }
  CHECK(set_payment(fixture, id, "REFUNDED", fixture.manager).status == 200);
  for (const auto* status : {"PAID", "PENDING", "FAILED", "REFUNDED"}) {
    const auto refused = set_payment(fixture, id, status, fixture.manager);
    CHECK(refused.status == 400);
    CHECK(body_of(refused)["error"] == "Invalid Payment Status");
  }
  CHECK(fixture.stored_version(id) == 4);
  CHECK(fixture.commits == 4);
}

TEST_CASE("a payment status is changed by who may see the order, and with a note it is logged",
          "[api][orders]") {
  ApiFixture fixture;
  const auto id = place_cash_order(fixture);
  CHECK(set_payment(fixture, id, "PAID", fixture.customer).status == 403);
  CHECK(set_payment(fixture, id, "PAID", fixture.manager2).status == 404);
  CHECK(set_payment(fixture, id, "GIVEN", fixture.manager).status == 422);
  const auto noted = fixture.call("PATCH", "/api/v1/orders/" + id + "/payment-status",
                                  fixture.manager, {{"paymentStatus", "PAID"}, {"note", "UPI"}});
  REQUIRE(noted.status == 200);
  const auto logs = body_of(noted)["data"]["statusLogs"];
  REQUIRE(logs.size() == 2);
  CHECK(logs[1]["status"] == "PENDING");
  CHECK(logs[1]["note"] == "UPI");
}

TEST_CASE("an order that was cancelled is not paid any more, and what was paid can be given back",
          "[api][orders]") {
  ApiFixture fixture;
  const auto unpaid = place_cash_order(fixture);
  walk(fixture, unpaid, {"CANCELLED"});
  CHECK(set_payment(fixture, unpaid, "PAID", fixture.manager).status == 400);
  const auto paid = place_cash_order(fixture);
  REQUIRE(set_payment(fixture, paid, "PAID", fixture.manager).status == 200);
  walk(fixture, paid, {"CANCELLED"});
  CHECK(set_payment(fixture, paid, "REFUNDED", fixture.manager).status == 200);
}

TEST_CASE("a bulk change does each order by itself and says which it could not do",
          "[api][orders]") {
  ApiFixture fixture;
  const auto bulk = [&](const json& body, const User& user) {
    return fixture.call("POST", "/api/v1/orders/bulk-status", user, body);
  };
  const std::string first = fixture.place_order(fixture.customer)["id"];
  const std::string second = fixture.place_order(fixture.customer)["id"];
  const std::string done = fixture.place_order(fixture.customer)["id"];
  const std::string foreign = fixture.place_order(fixture.customer, "store-2")["id"];
  walk(fixture, done, {"CONFIRMED"});
  const int before = fixture.commits;

  const auto answer =
      bulk({{"orderIds", {first, done, "none", foreign, second, first}}, {"status", "CONFIRMED"}},
           fixture.manager);
  REQUIRE(answer.status == 200);
  const auto data = body_of(answer)["data"];
  CHECK(data["updated"] == 2);
  CHECK(data["skipped"] == 3);
  CHECK(data["errors"] == json{{{"orderId", done}, {"reason", "Order is already CONFIRMED"}},
                               {{"orderId", "none"}, {"reason", "Order not found"}},
                               {{"orderId", foreign}, {"reason", "Order not found"}}});
  CHECK(fixture.commits == before + 2);
  CHECK(fixture.stored_version(first) == 2);
  CHECK(fixture.stored_version(second) == 2);
  CHECK(fixture.stored_version(foreign) == 1);

  CHECK(bulk({{"orderIds", {first}}, {"status", "CONFIRMED"}}, fixture.customer).status == 403);
  for (const auto& wrong :
       {json::array(), json(json::array_t(101, first)), json{1}, json{""}, json("all")}) {
    CAPTURE(wrong.dump().substr(0, 40));
    CHECK(bulk({{"orderIds", wrong}, {"status", "READY"}}, fixture.manager).status == 422);
  }
  CHECK(bulk({{"orderIds", {first}}, {"status", "LOST"}}, fixture.manager).status == 422);
}

TEST_CASE("a bulk change waits once for a database that goes away", "[api][orders]") {
  ApiFixture fixture;
  std::array<std::string, 5> ids;
  for (std::string& id : ids) id = fixture.place_order(fixture.customer)["id"];
  int asked = 0;
  fixture.context.now_ms = [&, now_ms = fixture.context.now_ms] {
    ++asked;
    return now_ms();
  };
  fixture.context.committed = [&] {
    execute_in(fixture.directory.file(), "ALTER TABLE orders RENAME TO elsewhere");
  };
  const auto answer = fixture.call("POST", "/api/v1/orders/bulk-status", fixture.manager,
                                   {{"orderIds", ids}, {"status", "CONFIRMED"}});
  REQUIRE(answer.status == 200);
  const auto data = body_of(answer)["data"];
  CHECK(data["updated"] == 1);
  CHECK(data["skipped"] == 4);
  CHECK(data["errors"][3]["reason"] == "The database did not answer; try this order again");
  CHECK(asked == 2);
}

TEST_CASE("the reference's checkout names a product as storeProductId", "[api][orders]") {
  ApiFixture fixture;
  auto request = fixture.order_request();
  request["items"][0] = {{"storeProductId", "tea"}, {"quantity", 2}};
  const auto response = fixture.call("POST", "/api/v1/orders", fixture.customer, request);
  REQUIRE(response.status == 201);
  CHECK(body_of(response)["data"]["items"][0]["productId"] == "tea");
}

}  // namespace order_server
