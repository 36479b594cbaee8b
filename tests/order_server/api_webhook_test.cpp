// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"
#include "domain/payments.hpp"

#include <catch2/catch.hpp>

using namespace order_server;

/// The payment provider's webhook.

namespace {

json proof_of(const json& order, const std::string& payment_id = "pay_1") {
  const std::string razorpay_order_id = order.at("razorpayOrderId");
  return {{"razorpay_order_id", razorpay_order_id},
          {"razorpay_payment_id", payment_id},
          {"razorpay_signature",
           payment_signature(test_razorpay_secret, razorpay_order_id, payment_id)}};
}

std::string path_of(const json& order) {
  return "/api/v1/orders/" + order.at("id").get<std::string>() + "/payment/verify";
}

/// Sends a webhook of the provider about `order`, signed with `secret`.
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

/// A captured payment of `order`, as the provider reports it.
json payment_of(const json& order, std::int64_t amount = 57100,
                const std::string& payment_id = "pay_1") {
  return {{"id", payment_id},  {"entity", "payment"},  {"amount", amount},
          {"currency", "INR"}, {"status", "captured"}, {"order_id", order.at("razorpayOrderId")},
          {"captured", true},  {"amount_refunded", 0}, {"refund_status", nullptr}};
}

std::string event_about(const json& payment, const std::string& name = "payment.captured") {
  return json{{"event", name}, {"payload", {{"payment", {{"entity", payment}}}}}}.dump();
}

std::string event_of(const json& order, const std::string& name, std::int64_t amount = 57100,
                     const std::string& payment_id = "pay_1") {
  return event_about(payment_of(order, amount, payment_id), name);
}

std::string outcome_of(const HttpResponse& response) {
  REQUIRE(response.status == 200);
  return data_of(response).at("outcome");
}

Order stored(ApiFixture& fixture, const json& order) {
  return fixture.store.find_order(order.at("id").get<std::string>()).value();
}

/// What the provider says of a refund of the payment that `payment_of` names.
std::string refund_event(const std::string& name, std::int64_t amount = 57100,
                         const std::string& payment_id = "pay_1") {
  return json{
      {"event", name},
      {"payload",
       {{"refund",
         {{"entity", {{"id", "rfnd_1"}, {"payment_id", payment_id}, {"amount", amount}}}}}}}}
      .dump();
}

}  // namespace

TEST_CASE("a webhook ends a refund, however often it comes", "[api][payments][webhook][refunds]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  REQUIRE(outcome_of(send_event(fixture, event_of(order, "payment.captured"))) == "applied");
  // Nothing has to go back yet.
  CHECK(outcome_of(send_event(fixture, refund_event("refund.processed"), "evt_2")) == "ignored");
  const std::string id = order.at("id");
  const auto cancelled =
      data_of(fixture.call("POST", "/api/v1/orders/" + id + "/cancel", fixture.customer));
  CHECK(cancelled["refundStatus"] == "DUE");
  CHECK(cancelled["paymentStatus"] == "PAID");

  CHECK(outcome_of(send_event(fixture, refund_event("refund.created"), "evt_3")) == "ignored");
  CHECK(outcome_of(send_event(fixture, refund_event("refund.processed", 1), "evt_4")) ==
        "unchanged");
  const int commits = fixture.commits;
  CHECK(outcome_of(send_event(fixture, refund_event("refund.processed"), "evt_5")) == "applied");
  CHECK(outcome_of(send_event(fixture, refund_event("refund.processed"), "evt_5")) == "unchanged");
  CHECK(fixture.commits == commits + 1);
  const auto refunded = stored(fixture, order);
  CHECK(refunded.payment_status == PaymentStatus::refunded);
  CHECK(refunded.refund_status == RefundStatus::done);
  CHECK(refunded.status_logs.back().actor.role == provider_role);
}

TEST_CASE("a webhook that a refund failed leaves the order PAID",
          "[api][payments][webhook][refunds]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  REQUIRE(outcome_of(send_event(fixture, event_of(order, "payment.captured"))) == "applied");
  const std::string id = order.at("id");
  REQUIRE(fixture.set_status(id, "CANCELLED", fixture.manager).status == 200);
  CHECK(outcome_of(send_event(fixture, refund_event("refund.failed"), "evt_2")) == "applied");
  CHECK(stored(fixture, order).refund_status == RefundStatus::failed);
  CHECK(stored(fixture, order).payment_status == PaymentStatus::paid);
  CHECK(fixture.store.list_dead_letters(10).size() == 1);
  for (const auto* wrong : {R"({"event":"refund.processed"})",
                            R"({"event":"refund.failed","payload":{"refund":{"entity":7}}})",
                            R"({"event":"refund.failed","payload":[]})"}) {
    CHECK(outcome_of(send_event(fixture, wrong, "evt_3")) == "refused");
  }
}

TEST_CASE("a webhook pays an order whose phone has died, however often it comes",
          "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  const auto event = event_of(order, "payment.captured");
  CHECK(outcome_of(send_event(fixture, event)) == "applied");
  CHECK(outcome_of(send_event(fixture, event)) == "repeated");
  CHECK(outcome_of(send_event(fixture, event_of(order, "order.paid"), "evt_2")) == "unchanged");
  // The phone reports the payment after all.
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

TEST_CASE("a captured payment pays only in the order's currency, captured and not refunded",
          "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  const auto with = [&](const char* field, const json& value) {
    auto payment = payment_of(order);
    payment[field] = value;
    return payment;
  };
  const auto without = [&](const char* field) {
    auto payment = payment_of(order);
    payment.erase(field);
    return payment;
  };
  int events = 0;
  for (const auto& payment : {with("currency", "USD"),
                              with("currency", "JPY"),
                              with("currency", "inr"),
                              with("currency", nullptr),
                              without("currency"),
                              with("status", "authorized"),
                              with("status", "refunded"),
                              with("status", "failed"),
                              without("status"),
                              with("captured", false),
                              with("captured", "true"),
                              with("amount_refunded", 1),
                              with("amount_refunded", 57100),
                              with("amount_refunded", -1),
                              with("amount_refunded", "0"),
                              with("refund_status", "partial"),
                              with("refund_status", "full"),
                              with("amount", 57099),
                              with("amount", "57100"),
                              with("amount", 57100.5),
                              with("amount", -57100),
                              without("amount")}) {
    for (const char* name : {"payment.captured", "order.paid"}) {
      INFO(payment.dump());
      CHECK(outcome_of(send_event(fixture, event_about(payment, name),
                                  "evt_" + std::to_string(++events))) == "refused");
    }
  }
  CHECK(fixture.stored_version(order.at("id")) == 1);
  CHECK(fixture.metrics.payment_events_refused.value() == events);
  CHECK(fixture.metrics.payment_events.value() == 0);
  // A missing refund field does not mean a refund.
  auto terse = payment_of(order);
  for (const char* field : {"captured", "amount_refunded", "refund_status"}) terse.erase(field);
  CHECK(outcome_of(send_event(fixture, event_about(terse), "evt_good")) == "applied");
}

TEST_CASE("sums of a webhook are compared as whole numbers, however large",
          "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  int events = 0;
  // 2^63, 2^64 - 1, 2^64 + 57100, and what a double can't tell from the sum.
  for (const char* amount : {"9223372036854775808", "18446744073709551615", "18446744073709608716",
                             "57100.0", "57100.000000000000001", "5.71e4", "1e400", "-0"}) {
    INFO(amount);
    auto body = event_of(order, "payment.captured");
    const std::string sum = "\"amount\":57100";
    body.replace(body.find(sum), sum.size(), "\"amount\":" + std::string(amount));
    const auto outcome = outcome_of(send_event(fixture, body, "evt_" + std::to_string(++events)));
    CHECK((outcome == "refused" || outcome == "ignored"));
  }
  CHECK(fixture.stored_version(order.at("id")) == 1);
}

TEST_CASE("two events with one id are two events, as only the body is signed",
          "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto first = fixture.place_order(fixture.customer);
  const auto second = fixture.place_order(fixture.customer);
  const auto both = {&first, &second};
  for (const auto* order : both) {
    CHECK(outcome_of(send_event(fixture, event_of(*order, "payment.captured"))) == "applied");
  }
  for (const auto* order : both) {
    CHECK(outcome_of(send_event(fixture, event_of(*order, "payment.captured"))) == "repeated");
    CHECK(stored(fixture, *order).payment_status == PaymentStatus::paid);
    CHECK(stored(fixture, *order).version == 2);
  }
  CHECK(fixture.metrics.payment_events.value() == 2);
}

TEST_CASE("a second capture of a paid order is recorded once as a refund that is due",
          "[api][payments][webhook]") {
  ApiFixture fixture;
  const auto order = fixture.place_order(fixture.customer);
  REQUIRE(outcome_of(send_event(fixture, event_of(order, "payment.captured"))) == "applied");
  const auto again = event_of(order, "payment.captured", 57100, "pay_2");
  CHECK(outcome_of(send_event(fixture, again, "evt_2")) == "applied");
  CHECK(outcome_of(send_event(fixture, again, "evt_2")) == "repeated");
  // A replay with another id, and the same event in other bytes.
  CHECK(outcome_of(send_event(fixture, again, "evt_3")) == "unchanged");
  CHECK(outcome_of(send_event(fixture, again + " ", "evt_2")) == "unchanged");
  const auto now = stored(fixture, order);
  CHECK(now.payment_status == PaymentStatus::paid);
  CHECK(now.status == OrderStatus::confirmed);
  CHECK(now.razorpay_payment_id == "pay_1");
  CHECK(now.version == 3);
  REQUIRE(now.status_logs.size() == 3);
  CHECK(now.status_logs.back().status == OrderStatus::confirmed);
  CHECK(now.status_logs.back().note ==
        "A second payment (pay_2) was received: a refund of it is due");
}
