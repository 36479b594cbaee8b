// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <memory>
#include <string>

using namespace ordercast::test;

namespace {

/// An ONLINE order with what its owner needs to pay for it.
struct Bill {
  explicit Bill(const OrderServer& server)
      : order(server.new_order(demo().customer, "org-1", "ONLINE")),
        id(text_of(order, "id")),
        razorpay_order(text_of(order, "razorpayOrderId")),
        owner(server.as(demo().customer)) {}

  [[nodiscard]] ApiReply pay(const std::string& payment = "pay_1") const {
    return owner.verify_payment(id, razorpay_order, payment,
                                payment_signature(razorpay_order, payment));
  }
  [[nodiscard]] ApiReply forge(const std::string& signature) const {
    return owner.verify_payment(id, razorpay_order, "pay_1", signature);
  }

  Json order;
  std::string id;
  std::string razorpay_order;
  ApiClient owner;
};

void check_state(const Json& order, const std::string& status, const std::string& payment,
                 long long version) {
  INFO(order.dump(2));
  CHECK(text_of(order, "status") == status);
  CHECK(text_of(order, "paymentStatus") == payment);
  CHECK(integer_of(order, "version") == version);
}

void check_failed(const ApiReply& reply) {
  INFO(reply.body);
  CHECK(reply.status == 400);
  CHECK(reply.body.find("Payment verification failed") != std::string::npos);
}

}  // namespace

TEST_CASE("a valid payment marks the order PAID and confirms it in one change", "[payment]") {
  OrderServer server;
  const Bill bill(server);
  const auto reply = bill.pay();
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  const auto order = server.order(bill.id);
  check_state(order, "CONFIRMED", "PAID", 2);
  CHECK(text_of(order.at("statusLogs").back(), "status") == "CONFIRMED");
  CHECK(order.at("statusLogs").size() == 2);
}

TEST_CASE("a wrong signature is refused, recorded as FAILED, and can be made good", "[payment]") {
  OrderServer server;
  const Bill bill(server);
  std::string signature = payment_signature(bill.razorpay_order, "pay_1");
  SECTION("one digit is off") {
    signature.back() = signature.back() == '0' ? '1' : '0';
  }
  SECTION("too short") {
    signature.resize(63);
  }
  SECTION("another payment's") {
    signature = payment_signature(bill.razorpay_order, "pay_2");
  }
  SECTION("another key's") {
    signature = hex(hmac_sha256("guessed", bill.razorpay_order + "|pay_1"));
  }
  check_failed(bill.forge(signature));
  check_state(server.order(bill.id), "PENDING", "FAILED", 2);
  REQUIRE(bill.pay().status == 200);
  check_state(server.order(bill.id), "CONFIRMED", "PAID", 3);
}

TEST_CASE("the same payment again changes nothing and sends nothing", "[payment]") {
  OrderServer server;
  const Bill bill(server);
  REQUIRE(bill.pay().status == 200);
  server.settle();
  Watcher owner(server, demo().customer);
  owner.follow(bill.id);
  const auto repeated = bill.pay();
  INFO(repeated.body);
  CHECK(repeated.status == 200);
  check_state(server.order(bill.id), "CONFIRMED", "PAID", 2);
  REQUIRE(server.as(demo().manager).set_status(bill.id, "PREPARING").status == 200);
  CHECK(update_of(bill.id, 3)(owner.next()));
}

TEST_CASE("a forged payment can't take PAID away", "[payment]") {
  OrderServer server;
  const Bill bill(server);
  REQUIRE(bill.pay().status == 200);
  check_failed(bill.forge(std::string(64, 'a')));
  check_state(server.order(bill.id), "CONFIRMED", "PAID", 2);
}

TEST_CASE("a cheap order's signature does not pay for another order", "[payment]") {
  OrderServer server;
  const Bill cheap(server);
  const Bill dear(server);
  const auto reply = dear.owner.verify_payment(dear.id, cheap.razorpay_order, "pay_1",
                                               payment_signature(cheap.razorpay_order, "pay_1"));
  check_failed(reply);
  const auto order = server.order(dear.id);
  CHECK(text_of(order, "status") == "PENDING");
  CHECK(text_of(order, "paymentStatus") != "PAID");
  check_state(server.order(cheap.id), "PENDING", "PENDING", 1);
}

TEST_CASE("an order without a razorpay order can't be paid by naming none", "[payment]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer, "org-1", "COD"), "id");
  const auto reply =
      server.as(demo().customer).verify_payment(id, "", "pay_1", payment_signature("", "pay_1"));
  INFO(reply.body);
  CHECK(reply.status / 100 == 4);
  CHECK(text_of(server.order(id), "paymentStatus") != "PAID");
}

TEST_CASE("a valid payment for a CANCELLED order is recorded with a note and leaves it CANCELLED",
          "[payment]") {
  OrderServer server;
  const Bill bill(server);
  REQUIRE(bill.owner.cancel(bill.id).status == 200);
  REQUIRE(bill.pay().status == 200);
  const auto order = server.order(bill.id);
  check_state(order, "CANCELLED", "PAID", 3);
  REQUIRE(order.at("statusLogs").size() == 3);
  const auto& last = order.at("statusLogs").back();
  CHECK(text_of(last, "status") == "CANCELLED");
  CHECK(text_of(last, "note").find("efund") != std::string::npos);
}

TEST_CASE("a payment does not push back an order that staff have moved on", "[payment]") {
  OrderServer server;
  const Bill bill(server);
  REQUIRE(server.as(demo().manager).set_status(bill.id, "CONFIRMED").status == 200);
  REQUIRE(server.as(demo().manager).set_status(bill.id, "PREPARING").status == 200);
  REQUIRE(bill.pay().status == 200);
  check_state(server.order(bill.id), "PREPARING", "PAID", 4);
}

TEST_CASE("only the owner pays", "[payment]") {
  OrderServer server;
  const Bill bill(server);
  const auto signature = payment_signature(bill.razorpay_order, "pay_1");
  const auto try_as = [&](const Account& account, const std::string& id) {
    return server.as(account).verify_payment(id, bill.razorpay_order, "pay_1", signature);
  };
  CHECK(try_as(demo().customer2, bill.id).status == 404);
  CHECK(try_as(demo().customer2, bill.id).body == try_as(demo().customer2, "no-such").body);
  for (const auto* staff : {&demo().admin, &demo().manager}) {
    const auto status = try_as(*staff, bill.id).status;
    CHECK((status == 403 || status == 404));
  }
  check_state(server.order(bill.id), "PENDING", "PENDING", 1);
}

TEST_CASE("a payment that says nothing is a bad value and no failed payment", "[payment]") {
  OrderServer server;
  const Bill bill(server);
  const auto target = "/api/v1/orders/" + bill.id + "/payment/verify";
  for (const Json& body :
       {Json::object(), Json{{"razorpay_order_id", bill.razorpay_order}},
        Json{{"razorpay_order_id", 1}, {"razorpay_payment_id", 2}, {"razorpay_signature", 3}}}) {
    const auto status = bill.owner.post(target, body).status;
    CHECK((status == 400 || status == 422));
  }
  check_state(server.order(bill.id), "PENDING", "PENDING", 1);
}

TEST_CASE("a shop's own database takes no made-up payments, whatever it is restarted with",
          "[payment][sqlite]") {
  OrderServer server({"--demo-data", "off"}, Database::empty,
                     {{"RAZORPAY_KEY_SECRET", std::nullopt}});
  REQUIRE(server.drain().code == 0);
  {
    sqlite3* opened = nullptr;
    REQUIRE(sqlite3_open(server.database().c_str(), &opened) == SQLITE_OK);
    const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(opened, &sqlite3_close);
    const auto* sql =
        "INSERT INTO users (id, email, name, password_hash, role) VALUES ('c', 'c@shop.example', "
        "'C', 'none', 'CUSTOMER'); INSERT INTO shops (id, organization_id, name) VALUES ('s', "
        "'org', 'Shop'); "
        "INSERT INTO products VALUES ('p', 's', 'Tea', 100);";
    REQUIRE(sqlite3_exec(opened, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  server.set_args({});
  server.start();
  const auto customer = server.as(token_for("c", "CUSTOMER"));
  const auto place = [&](const char* method) {
    return customer.post("/api/v1/orders",
                         {{"storeId", "s"},
                          {"items", Json::array({{{"productId", "p"}, {"quantity", 1}}})},
                          {"paymentMethod", method},
                          {"fulfillmentType", "PICKUP"}});
  };
  const auto refused = place("ONLINE");
  INFO(refused.body);
  CHECK(refused.status == 422);
  CHECK(refused.body.find("no payment secret") != std::string::npos);
  const auto order = place("COD");
  REQUIRE(order.status == 201);
  for (const char* path : {"/payment", "/payment/verify"}) {
    const auto target = "/api/v1/orders/" + text_of(order.data(), "id") + path;
    CHECK(customer.post(target, Json::object()).status == 422);
  }
  CHECK(server.log().find("ONLINE orders are refused") != std::string::npos);
}
