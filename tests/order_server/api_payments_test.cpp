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

std::string bill_path(const json& order) {
  return "/api/v1/orders/" + order.at("id").get<std::string>() + "/payment";
}

std::string path_of(const json& order) {
  return bill_path(order) + "/verify";
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

// ---- Beginning a payment -----------------------------------------------------------------------

TEST_CASE("a payment begins with what the provider's page needs", "[api][payments]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  const auto response = fixture.call("POST", bill_path(order), fixture.customer);
  REQUIRE(response.status == 200);
  const auto bill = data_of(response);
  CHECK(bill.at("orderId") == order.at("id"));
  CHECK(bill.at("razorpayOrderId") == order.at("razorpayOrderId"));
  CHECK(bill.at("amount") == 57100);
  CHECK(bill.at("currency") == "INR");
  CHECK(bill.at("razorpay_order_id") == order.at("razorpayOrderId"));
  CHECK(bill.at("key_id").is_null());
  CHECK_FALSE(bill.contains("testPayment"));
  CHECK(fixture.billed.empty());
}

TEST_CASE("with made-up secrets a payment may be made up as well", "[api][payments]") {
  ApiFixture fixture;
  fixture.context.payments.mode = PaymentMode::test;
  const auto order = fixture.place_order(fixture.customer);
  const auto bill = data_of(fixture.call("POST", bill_path(order), fixture.customer));
  const auto paid = fixture.call("POST", path_of(order), fixture.customer, bill.at("testPayment"));
  REQUIRE(paid.status == 200);
  CHECK(data_of(paid).at("paymentStatus") == "PAID");
}

TEST_CASE("without a payment secret ONLINE is refused in one clear message, and cash is not",
          "[api][payments]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  fixture.context.payments.mode = PaymentMode::off;
  fixture.context.razorpay_key_secret.clear();
  for (const auto& shop : data_of(fixture.call("GET", "/api/v1/stores", fixture.customer))) {
    CHECK(shop["paymentMethods"] == nlohmann::json::array({"COD"}));
  }
  const auto check_refused = [](const HttpResponse& response) {
    INFO(response.body);
    CHECK(response.status == 422);
    CHECK(response.body.find("no payment secret") != std::string::npos);
    CHECK(response.body.find("COD") != std::string::npos);
    CHECK(response.body.find("testPayment") == std::string::npos);
  };
  check_refused(fixture.call("POST", "/api/v1/orders", fixture.customer, fixture.order_request()));
  check_refused(fixture.call("POST", bill_path(order), fixture.customer));
  for (const std::string secret : {"", test_razorpay_secret}) {
    check_refused(
        fixture.call("POST", path_of(order), fixture.customer, proof_of(order, "pay_1", secret)));
  }
  CHECK(fixture.commits == 1);
  CHECK(fixture.stored_version(order.at("id")) == 1);

  auto on_delivery = fixture.order_request();
  on_delivery["paymentMethod"] = "COD";
  CHECK(fixture.call("POST", "/api/v1/orders", fixture.customer, on_delivery).status == 201);
}

TEST_CASE("a second payment of a paid order is refused, and recorded once as a refund that is due",
          "[api][payments]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  REQUIRE(fixture.call("POST", path_of(order), fixture.customer, proof_of(order)).status == 200);
  for (int i = 0; i < 2; ++i) {
    const auto second =
        fixture.call("POST", path_of(order), fixture.customer, proof_of(order, "pay_2"));
    CHECK(second.status == 409);
  }
  const auto stored = fixture.store.find_order(order.at("id").get<std::string>()).value();
  CHECK(stored.version == 3);
  CHECK(stored.payment_status == PaymentStatus::paid);
  CHECK(stored.razorpay_payment_id == "pay_1");
  REQUIRE(stored.status_logs.size() == 3);
  CHECK(stored.status_logs.back().note ==
        "A second payment (pay_2) was received: a refund of it is due");
}

TEST_CASE("with an account at the provider its order is made once, when it is wanted",
          "[api][payments]") {
  ApiFixture fixture;
  fixture.context.payments.key_id = "rzp_test_1";
  const auto order = fixture.place_order(fixture.customer);
  CHECK(order.at("razorpayOrderId").is_null());
  fixture.provider_order = {{}, "the payment provider answered 500"};
  CHECK(fixture.call("POST", bill_path(order), fixture.customer).status == 502);
  CHECK(fixture.stored_version(order.at("id")) == 1);
  fixture.provider_order = {"order_from_provider", {}};
  for (int i = 0; i < 2; ++i) {
    const auto bill = data_of(fixture.call("POST", bill_path(order), fixture.customer));
    CHECK(bill.at("razorpayOrderId") == "order_from_provider");
    CHECK(bill.at("keyId") == "rzp_test_1");
    CHECK(bill.at("key_id") == "rzp_test_1");
  }
  CHECK(fixture.billed.size() == 2);  // one of them failed
  CHECK(fixture.stored_version(order.at("id")) == 2);
  CHECK(fixture.lanes_used.back() == Lane::payment);
}

TEST_CASE("only the owner of an open online order begins a payment", "[api][payments]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  CHECK(fixture.call("POST", bill_path(order), fixture.customer2).status == 404);
  CHECK(fixture.call("POST", bill_path(order), fixture.admin).status == 403);
  CHECK(fixture.call_anonymously("POST", bill_path(order)).status == 401);
  REQUIRE(fixture.call("POST", path_of(order), fixture.customer, proof_of(order)).status == 200);
  CHECK(fixture.call("POST", bill_path(order), fixture.customer).status == 409);

  auto on_delivery = fixture.order_request();
  on_delivery["paymentMethod"] = "COD";
  const auto cod = data_of(fixture.call("POST", "/api/v1/orders", fixture.customer, on_delivery));
  CHECK(fixture.call("POST", bill_path(cod), fixture.customer).status == 400);
  const auto cancelled = fixture.place_order(fixture.customer);
  REQUIRE(fixture
              .call("POST", "/api/v1/orders/" + cancelled.at("id").get<std::string>() + "/cancel",
                    fixture.customer)
              .status == 200);
  CHECK(fixture.call("POST", bill_path(cancelled), fixture.customer).status == 400);
}

TEST_CASE("the provider's answers are read with care", "[payments]") {
  const auto read = [](int status, const std::string& body) {
    HttpReply reply;
    reply.status = status;
    reply.body = body;
    return read_provider_order(reply, 500);
  };
  CHECK(read(200, R"({"id":"order_1","amount":500})").id == "order_1");
  CHECK(read(200, R"({"id":"order_1","amount":500,"currency":"INR"})").id == "order_1");
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {0, ""},
           {401, R"({"id":"order_1","amount":500})"},
           {200, "no JSON"},
           {200, R"({"amount":500})"},
           {200, R"({"id":7,"amount":500})"},
           {200, R"({"id":"../x","amount":500})"},
           {200, R"({"id":"order_1","amount":499})"},
           {200, R"({"id":"order_1","amount":"500"})"},
           {200, R"({"id":"order_1","amount":500.0000000000000001})"},
           {200, R"({"id":"order_1","amount":-18446744073709551116})"},
           {200, R"({"id":"order_1","amount":500,"currency":"USD"})"}}) {
    INFO(body);
    CHECK(read(status, body).id.empty());
    CHECK_FALSE(read(status, body).error.empty());
  }
}
