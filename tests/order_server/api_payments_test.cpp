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

// ---- Beginning a payment -----------------------------------------------------------------------

namespace {

std::string bill_path(const json& order) {
  return "/api/v1/orders/" + order.at("id").get<std::string>() + "/payment";
}

/// A webhook of the provider about `order`, signed under `secret`.
HttpResponse send_event(ApiFixture& fixture, const std::string& body,
                        const std::string& event_id = "evt_1",
                        const std::string& secret = test_webhook_secret) {
  return fixture.send({"POST",
                       "/api/v1/payments/webhook",
                       {{"X-Razorpay-Event-Id", event_id},
                        {"X-Razorpay-Signature", webhook_signature(secret, body)},
                        {"Content-Type", "application/json"}},
                       body,
                       "127.0.0.1"});
}

std::string event_of(const json& order, const std::string& name, std::int64_t amount = 57100,
                     const std::string& payment_id = "pay_1") {
  return json{
      {"event", name},
      {"payload",
       {{"payment",
         {{"entity",
           {{"id", payment_id}, {"order_id", order.at("razorpayOrderId")}, {"amount", amount}}}}}}}}
      .dump();
}

std::string outcome_of(const HttpResponse& response) {
  REQUIRE(response.status == 200);
  return data_of(response).at("outcome");
}

}  // namespace

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
  CHECK_FALSE(bill.contains("testPayment"));
  CHECK(fixture.billed.empty());
}

TEST_CASE("with made-up secrets a payment may be made up as well", "[api][payments]") {
  ApiFixture fixture;
  fixture.context.payments.has_test_payments = true;
  const auto order = fixture.place_order(fixture.customer);
  const auto bill = data_of(fixture.call("POST", bill_path(order), fixture.customer));
  const auto paid = fixture.call("POST", path_of(order), fixture.customer, bill.at("testPayment"));
  REQUIRE(paid.status == 200);
  CHECK(data_of(paid).at("paymentStatus") == "PAID");
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

// ---- The webhook -------------------------------------------------------------------------------

TEST_CASE("a webhook pays an order whose phone has died, however often it comes",
          "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  const auto event = event_of(order, "payment.captured");
  CHECK(outcome_of(send_event(fixture, event)) == "applied");
  CHECK(outcome_of(send_event(fixture, event)) == "repeated");
  CHECK(outcome_of(send_event(fixture, event_of(order, "order.paid"), "evt_2")) == "unchanged");
  // The phone comes back after all.
  CHECK(fixture.call("POST", path_of(order), fixture.customer, proof_of(order)).status == 200);
  const auto stored = fixture.store.find_order(order.at("id").get<std::string>()).value();
  CHECK(stored.payment_status == PaymentStatus::paid);
  CHECK(stored.status == OrderStatus::confirmed);
  CHECK(stored.version == 2);
}

TEST_CASE("a webhook that comes after the phone changes nothing", "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  REQUIRE(fixture.call("POST", path_of(order), fixture.customer, proof_of(order)).status == 200);
  CHECK(outcome_of(send_event(fixture, event_of(order, "payment.captured"))) == "unchanged");
  CHECK(fixture.stored_version(order.at("id")) == 2);
}

TEST_CASE("a webhook is believed by its signature over the bytes alone",
          "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  const auto event = event_of(order, "payment.captured");
  CHECK(send_event(fixture, event, "evt_1", "another secret").status == 400);
  CHECK(send_event(fixture, event, "evt_1", test_razorpay_secret).status == 400);
  auto changed = event;
  changed.back() = ' ';
  const auto reply =
      fixture.send({"POST",
                    "/api/v1/payments/webhook",
                    {{"X-Razorpay-Signature", webhook_signature(test_webhook_secret, event)}},
                    changed + "}",
                    "127.0.0.1"});
  CHECK(reply.status == 400);
  CHECK(fixture.send({"POST", "/api/v1/payments/webhook", {}, event, "127.0.0.1"}).status == 400);
  CHECK(fixture.stored_version(order.at("id")) == 1);

  fixture.context.payments.webhook_secret.clear();
  CHECK(send_event(fixture, event, "evt_1", "").status == 404);
}

TEST_CASE("a webhook about another sum, another order or another matter pays nothing",
          "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  CHECK(outcome_of(send_event(fixture, event_of(order, "payment.captured", 1))) == "refused");
  CHECK(outcome_of(send_event(fixture, event_of(order, "payment.authorized"), "evt_2")) ==
        "ignored");
  CHECK(outcome_of(send_event(
            fixture, event_of({{"razorpayOrderId", "order_x"}}, "payment.captured"), "evt_3")) ==
        "ignored");
  for (const char* body :
       {"", "[]", "{}", "{\"event\":1}", "{\"payload\":{\"payment\":{\"entity\":7}}}"}) {
    INFO(body);
    CHECK(outcome_of(send_event(fixture, body, "evt_4")) == "ignored");
  }
  CHECK(outcome_of(send_event(fixture, std::string(60'000, '['), "evt_5")) == "ignored");
  CHECK(fixture.stored_version(order.at("id")) == 1);
}

TEST_CASE("a failed attempt is recorded and can be made good", "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  CHECK(outcome_of(send_event(fixture, event_of(order, "payment.failed"), "evt_1")) == "applied");
  CHECK(outcome_of(send_event(fixture, event_of(order, "payment.failed"), "evt_2")) == "unchanged");
  CHECK(fixture.store.find_order(order.at("id").get<std::string>())->payment_status ==
        PaymentStatus::failed);
  CHECK(outcome_of(send_event(fixture, event_of(order, "payment.captured", 57100, "pay_2"),
                              "evt_3")) == "applied");
  CHECK(outcome_of(send_event(fixture, event_of(order, "payment.failed"), "evt_4")) == "unchanged");
}

TEST_CASE("the provider's answers are read with care", "[payments]") {
  const auto read = [](int status, const std::string& body) {
    HttpReply reply;
    reply.status = status;
    reply.body = body;
    return read_provider_order(reply, 500);
  };
  CHECK(read(200, R"({"id":"order_1","amount":500})").id == "order_1");
  for (const auto& [status, body] :
       std::vector<std::pair<int, std::string>>{{0, ""},
                                                {401, R"({"id":"order_1","amount":500})"},
                                                {200, "no JSON"},
                                                {200, R"({"amount":500})"},
                                                {200, R"({"id":7,"amount":500})"},
                                                {200, R"({"id":"../x","amount":500})"},
                                                {200, R"({"id":"order_1","amount":499})"}}) {
    INFO(body);
    CHECK(read(status, body).id.empty());
    CHECK_FALSE(read(status, body).error.empty());
  }
}
