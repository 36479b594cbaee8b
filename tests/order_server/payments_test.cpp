// SPDX-License-Identifier: MIT
#include "domain/payments.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <variant>

namespace order_server {
namespace {

constexpr const char* secret = "key-secret";

Order online_order(OrderStatus status = OrderStatus::pending,
                   PaymentStatus payment_status = PaymentStatus::pending) {
  Order order;
  order.id = "o-1";
  order.status = status;
  order.payment_status = payment_status;
  order.payment_method = PaymentMethod::online;
  order.razorpay_order_id = "order_A";
  return order;
}

Order paid_order(OrderStatus status = OrderStatus::confirmed) {
  Order order = online_order(status, PaymentStatus::paid);
  order.razorpay_payment_id = "pay_1";
  return order;
}

/// A payment that Razorpay signed for `razorpay_order_id`.
Decision pay(const Order& order, const std::string& payment_id = "pay_1",
             const std::string& razorpay_order_id = "order_A") {
  const std::string signature = payment_signature(secret, razorpay_order_id, payment_id);
  return decide_payment(order, {razorpay_order_id, payment_id, signature}, secret);
}

Decision pay_badly(const Order& order) {
  return decide_payment(order, {"order_A", "pay_1", std::string(64, '0')}, secret);
}

void check_is_verification_failure(const Rejection& rejection) {
  CHECK(rejection.status_code == 400);
  CHECK(rejection.error == "Payment verification failed");
}

}  // namespace

TEST_CASE("the signature is hex HMAC-SHA256 of both ids under the secret", "[payments]") {
  // Made with: printf 'order_A|pay_1' | openssl dgst -sha256 -hmac key-secret
  CHECK(payment_signature(secret, "order_A", "pay_1") ==
        "892f655489e0d47e36129dde36bd1a1ec10153547bd0e72780ce27b7e6fe37b7");
}

TEST_CASE("every wrong signature is told from the right one", "[payments]") {
  const std::string good = payment_signature(secret, "order_A", "pay_1");
  CHECK(is_signed({"order_A", "pay_1", good}, secret));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == '0' ? '1' : '0';
    CHECK_FALSE(is_signed({"order_A", "pay_1", bad}, secret));
  }
  CHECK_FALSE(is_signed({"order_A", "pay_1", good.substr(0, 63)}, secret));
  CHECK_FALSE(is_signed({"order_A", "pay_1", good + "0"}, secret));
  CHECK_FALSE(is_signed({"order_A", "pay_1", ""}, secret));
  CHECK_FALSE(is_signed({"order_A", "pay_2", good}, secret));
  CHECK_FALSE(is_signed({"order_A", "pay_1", good}, "other-secret"));
}

TEST_CASE("nothing is signed under an empty secret", "[payments]") {
  const std::string forged = payment_signature("", "order_A", "pay_1");
  CHECK_FALSE(is_signed({"order_A", "pay_1", forged}, ""));
}

TEST_CASE("a valid payment makes a PENDING order PAID and CONFIRMED", "[payments]") {
  for (const PaymentStatus before : {PaymentStatus::pending, PaymentStatus::failed}) {
    const auto change = std::get<Change>(pay(online_order(OrderStatus::pending, before)));
    CHECK(change.status == OrderStatus::confirmed);
    CHECK(change.payment_status == PaymentStatus::paid);
    CHECK(change.razorpay_payment_id == "pay_1");
    CHECK(change.write_log);
    CHECK_FALSE(change.rejection);
  }
}

TEST_CASE("a valid payment of an order on its way leaves its status and log alone", "[payments]") {
  const auto change = std::get<Change>(pay(online_order(OrderStatus::preparing)));
  CHECK(change.status == OrderStatus::preparing);
  CHECK(change.payment_status == PaymentStatus::paid);
  CHECK_FALSE(change.write_log);
}

TEST_CASE("a valid payment of a CANCELLED order is recorded with a log that a refund is due",
          "[payments]") {
  const auto change = std::get<Change>(pay(online_order(OrderStatus::cancelled)));
  CHECK(change.status == OrderStatus::cancelled);
  CHECK(change.payment_status == PaymentStatus::paid);
  CHECK(change.write_log);
  CHECK(change.log_note.find("refund is due") != std::string::npos);
  CHECK_FALSE(change.rejection);
}

TEST_CASE("the same payment again changes nothing and is no error", "[payments]") {
  CHECK(std::holds_alternative<NoChange>(pay(paid_order())));
  CHECK(std::holds_alternative<NoChange>(pay(paid_order(OrderStatus::delivered))));
}

TEST_CASE("a second payment of a paid order is refused, and a refund of it is due", "[payments]") {
  for (const PaymentStatus before : {PaymentStatus::paid, PaymentStatus::refunded}) {
    Order order = paid_order(OrderStatus::preparing);
    order.payment_status = before;
    const auto change = std::get<Change>(pay(order, "pay_2"));
    REQUIRE(change.rejection);
    CHECK(change.rejection->status_code == 409);
    CHECK(change.status == OrderStatus::preparing);
    CHECK(change.payment_status == before);
    CHECK(change.razorpay_payment_id.empty());
    CHECK(change.write_log);
    CHECK(change.log_note.find("pay_2") != std::string::npos);
    CHECK(change.log_note.find("a refund of it is due") != std::string::npos);

    const Order recorded = apply_change(order, change, 2000);
    CHECK(std::get<Rejection>(pay(recorded, "pay_2")).status_code == 409);
    CHECK(std::holds_alternative<NoChange>(pay(recorded, "pay_1")));
    CHECK(std::holds_alternative<Change>(pay(recorded, "pay_3")));
  }
}

TEST_CASE("a bad signature makes the payment FAILED and is refused all the same", "[payments]") {
  for (const OrderStatus status : {OrderStatus::pending, OrderStatus::cancelled}) {
    const auto change = std::get<Change>(pay_badly(online_order(status)));
    CHECK(change.status == status);
    CHECK(change.payment_status == PaymentStatus::failed);
    CHECK(change.razorpay_payment_id.empty());
    CHECK_FALSE(change.write_log);
    REQUIRE(change.rejection);
    check_is_verification_failure(*change.rejection);
  }
}

TEST_CASE("a payment signed for another order does not pay this one", "[payments]") {
  const auto change = std::get<Change>(pay(online_order(), "pay_1", "order_B"));
  CHECK(change.payment_status == PaymentStatus::failed);
  REQUIRE(change.rejection);
  check_is_verification_failure(*change.rejection);
}

TEST_CASE("an order without a Razorpay order of its own can't be paid with an empty one",
          "[payments]") {
  Order order = online_order();
  order.razorpay_order_id.clear();
  const Decision decision = pay(order, "pay_1", "");
  CHECK(std::get<Change>(decision).payment_status == PaymentStatus::failed);
}

TEST_CASE("a payment without an id is a bad one", "[payments]") {
  const Decision decision = pay(online_order(), "");
  CHECK(std::get<Change>(decision).payment_status == PaymentStatus::failed);
}

TEST_CASE("a bad signature is refused and changes nothing once the payment is decided",
          "[payments]") {
  Order refunded = paid_order();
  refunded.payment_status = PaymentStatus::refunded;
  for (const Order& order :
       {paid_order(), refunded, online_order(OrderStatus::pending, PaymentStatus::failed)}) {
    const Decision decision = pay_badly(order);
    check_is_verification_failure(std::get<Rejection>(decision));
  }
}

TEST_CASE("a cash-on-delivery order can't be paid online and stays as it is", "[payments]") {
  Order order = online_order();
  order.payment_method = PaymentMethod::cod;
  CHECK(std::get<Rejection>(pay(order)).status_code == 400);
  CHECK(std::get<Rejection>(pay_badly(order)).status_code == 400);
}

}  // namespace order_server
