// SPDX-License-Identifier: MIT
#include "services_stub.hpp"
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <string>

/// Money that goes back at the payment provider, over a real server.
using namespace ordercast::test;

namespace {

/// An ONLINE order of the customer that is paid by `payment`.
std::string paid_order(const OrderServer& server, const std::string& payment) {
  const auto customer = server.as(demo().customer);
  auto id = id_of(server.new_order(demo().customer, "org-1", "ONLINE"));
  const auto bill = customer.post("/api/v1/orders/" + id + "/payment", Json::object());
  INFO(bill.body);
  REQUIRE(bill.status == 200);
  const auto razorpay_order = text_of(bill.data(), "razorpayOrderId");
  REQUIRE(
      customer
          .verify_payment(id, razorpay_order, payment, payment_signature(razorpay_order, payment))
          .status == 200);
  return id;
}

bool becomes(const OrderServer& server, const std::string& id, const std::string& refund,
             const std::string& payment) {
  return eventually([&] {
    const auto order = server.order(id);
    return text_of(order, "refundStatus") == refund && text_of(order, "paymentStatus") == payment;
  });
}

Environment with_account(const ServicesStub& stub) {
  auto environment = stub.environment();
  environment.emplace_back("RAZORPAY_KEY_ID", std::string(ServicesStub::key_id));
  return environment;
}

}  // namespace

TEST_CASE("without an account at a provider a cancelled order's money is back at once",
          "[refunds]") {
  OrderServer server;
  const auto id = paid_order(server, "pay_1");
  const auto cancelled = server.as(demo().customer).cancel(id);
  REQUIRE(cancelled.status == 200);
  CHECK(text_of(cancelled.data(), "refundStatus") == "DUE");
  CHECK(text_of(cancelled.data(), "paymentStatus") == "PAID");
  CHECK(becomes(server, id, "DONE", "REFUNDED"));
  CHECK(text_of(server.order(id).at("statusLogs").back(), "actorRole") == "PROVIDER");
}

TEST_CASE("a refund goes to the provider once, whatever happens to its answer", "[refunds]") {
  ServicesStub stub;
  OrderServer server(stub.options(), Database::demo_copy, with_account(stub));
  const auto id = paid_order(server, "pay_lost");
  SECTION("the answer is lost") {
    stub.behave({{"refund", {{"kind", "lost"}, {"times", 1}}}});
  }
  SECTION("the provider is down for a while") {
    stub.behave({{"refund", {{"kind", "unavailable"}, {"times", 2}}}});
  }
  REQUIRE(server.as(demo().manager).set_status(id, "CANCELLED").status == 200);
  REQUIRE(becomes(server, id, "DONE", "REFUNDED"));
  std::string key;
  for (const auto& refund : stub.heard().at("refunds")) {
    CHECK(text_of(refund, "paymentId") == "pay_lost");
    if (!key.empty()) CHECK(text_of(refund, "key") == key);
    key = text_of(refund, "key");
  }
  CHECK(server.metric("ordercast_refund_depth") == 0.0);
}

TEST_CASE("a refund that was due outlives the process", "[refunds]") {
  ServicesStub stub;
  stub.behave({{"refund", {{"kind", "unavailable"}}}});
  OrderServer server(stub.options(), Database::demo_copy, with_account(stub));
  const auto id = paid_order(server, "pay_1");
  REQUIRE(server.as(demo().customer).cancel(id).status == 200);
  REQUIRE(server.metric_becomes("ordercast_refund_depth", 1));
  server.kill();
  stub.behave({{"refund", {{"kind", "ok"}}}});
  server.start();
  CHECK(becomes(server, id, "DONE", "REFUNDED"));
}

TEST_CASE("what the provider refuses is FAILED, and an operator sees it", "[refunds]") {
  ServicesStub stub;
  stub.behave({{"refund", {{"kind", "invalid"}}}});
  OrderServer server(stub.options(), Database::demo_copy, with_account(stub));
  const auto id = paid_order(server, "pay_1");
  REQUIRE(server.as(demo().customer).cancel(id).status == 200);
  CHECK(becomes(server, id, "FAILED", "PAID"));
  CHECK(server.metric_becomes("ordercast_refund_dead", 1));
}
