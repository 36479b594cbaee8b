// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"
#include "domain/payments.hpp"

#include <catch2/catch.hpp>

using namespace order_server;

namespace {

json proof_of(const json& order, const std::string& payment_id = "pay_1",
              const std::string& secret = test_razorpay_secret) {
  const std::string razorpay_order_id = order.at("razorpayOrderId");
  return {{"razorpay_order_id", razorpay_order_id},
          {"razorpay_payment_id", payment_id},
          {"razorpay_signature", payment_signature(secret, razorpay_order_id, payment_id)}};
}

std::string path_of(const json& order) {
  return "/api/v1/orders/" + order.at("id").get<std::string>() + "/payment/verify";
}

}  // namespace

TEST_CASE("a valid payment marks the order PAID and confirms it", "[api][payments]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  const auto response = fixture.call("POST", path_of(order), fixture.customer, proof_of(order));
  REQUIRE(response.status == 200);
  const auto paid = data_of(response);
  CHECK(paid["paymentStatus"] == "PAID");
  CHECK(paid["status"] == "CONFIRMED");
  CHECK(paid["version"] == 2);
  CHECK(fixture.commits == 2);
  CHECK(fixture.store.pending_broadcasts(10).size() == 2);
}

TEST_CASE("the same payment again is answered alike and changes nothing", "[api][payments]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  const auto first = fixture.call("POST", path_of(order), fixture.customer, proof_of(order));
  const auto again = fixture.call("POST", path_of(order), fixture.customer, proof_of(order));
  CHECK(again.status == 200);
  CHECK(again.body == first.body);
  CHECK(fixture.commits == 2);
}

TEST_CASE("a bad signature is 400, and its FAILED payment is broadcast once", "[api][payments]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  const auto forged = proof_of(order, "pay_1", "another secret");
  for (int i = 0; i < 2; ++i) {
    const auto response = fixture.call("POST", path_of(order), fixture.customer, forged);
    CHECK(response.status == 400);
    CHECK(response.body.find("Payment verification failed") != std::string::npos);
  }
  CHECK(fixture.commits == 2);
  CHECK(fixture.store.find_order(order["id"].get<std::string>())->payment_status ==
        PaymentStatus::failed);
}

TEST_CASE("a cheap order's signature does not pay for a dear one", "[api][payments]") {
  ApiFixture fixture;
  const auto cheap = fixture.place_order(fixture.customer);
  const auto dear = fixture.place_order(fixture.customer);
  const auto response = fixture.call("POST", path_of(dear), fixture.customer, proof_of(cheap));
  CHECK(response.status == 400);
  CHECK(fixture.store.find_order(dear["id"].get<std::string>())->payment_status !=
        PaymentStatus::paid);
}

TEST_CASE("nobody but the owner verifies a payment", "[api][payments]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  const auto foreign = fixture.call("POST", path_of(order), fixture.customer2, proof_of(order));
  CHECK(foreign.status == 404);
  CHECK(
      foreign.body ==
      fixture.call("POST", "/api/v1/orders/none/payment/verify", fixture.customer2, proof_of(order))
          .body);
  CHECK(fixture.call("POST", path_of(order), fixture.admin, proof_of(order)).status == 403);
  CHECK(fixture.call("POST", path_of(order), fixture.manager, proof_of(order)).status == 403);
  CHECK(fixture.commits == 1);
}

TEST_CASE("a proof that lacks a part is refused and changes nothing", "[api][payments]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  for (const auto* part : {"razorpay_order_id", "razorpay_payment_id", "razorpay_signature"}) {
    CAPTURE(part);
    auto proof = proof_of(order);
    proof[part] = "";
    CHECK(fixture.call("POST", path_of(order), fixture.customer, proof).status == 422);
    proof.erase(part);
    CHECK(fixture.call("POST", path_of(order), fixture.customer, proof).status == 422);
  }
  CHECK(fixture.commits == 1);
}
