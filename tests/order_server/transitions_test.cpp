// SPDX-License-Identifier: MIT
#include "domain/transitions.hpp"

#include "domain/ids.hpp"
#include "domain/order.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace order_server {
namespace {

Order order_in(OrderStatus status, FulfillmentType type = FulfillmentType::delivery) {
  Order order;
  order.id = "o-1";
  order.status = status;
  order.fulfillment_type = type;
  return order;
}

std::set<std::pair<OrderStatus, OrderStatus>> allowed(FulfillmentType type) {
  std::set<std::pair<OrderStatus, OrderStatus>> pairs;
  for (const auto& [from, from_name] : all_order_statuses) {
    for (const auto& [to, to_name] : all_order_statuses) {
      if (can_transition(type, from, to)) pairs.emplace(from, to);
    }
  }
  return pairs;
}

using S = OrderStatus;

nlohmann::json rules() {
  std::ifstream file(std::string(ORDERCAST_VECTORS) + "/order_rules.json");
  return nlohmann::json::parse(file);
}

FulfillmentType type_of(const nlohmann::json& row) {
  return fulfillment_type_from_string(row.at("fulfillmentType").get<std::string>()).value();
}

}  // namespace

TEST_CASE("an order moves as the shared rules say", "[transitions]") {
  const auto table = rules();
  std::size_t seen = 0;
  for (const auto& row : table.at("steps")) {
    CAPTURE(row.dump());
    const auto from = order_status_from_string(row.at("status").get<std::string>()).value();
    std::set<std::pair<S, S>> expected;
    for (const auto& to : row.at("staff")) {
      expected.emplace(from, order_status_from_string(to.get<std::string>()).value());
    }
    auto pairs = allowed(type_of(row));
    for (auto pair = pairs.begin(); pair != pairs.end();) {
      pair = pair->first == from ? std::next(pair) : pairs.erase(pair);
    }
    CHECK(pairs == expected);
    const auto cancelled = decide_cancel(order_in(from, type_of(row)));
    CHECK(std::holds_alternative<Change>(cancelled) == row.at("ownerCancels").get<bool>());
    ++seen;
  }
  CHECK(seen == 2 * all_order_statuses.size());
}

TEST_CASE("an allowed status is a change that keeps the payment and carries the note",
          "[transitions]") {
  Order order = order_in(S::pending);
  order.payment_status = PaymentStatus::failed;
  const auto change = std::get<Change>(decide_status(order, S::confirmed, "soon"));
  CHECK(change.status == S::confirmed);
  CHECK(change.payment_status == PaymentStatus::failed);
  CHECK(change.log_note == "soon");
  CHECK(change.write_log);
  CHECK_FALSE(change.rejection);
}

TEST_CASE("the status that an order has already is refused by name", "[transitions]") {
  for (const auto& [status, status_name] : all_order_statuses) {
    const auto rejection = std::get<Rejection>(decide_status(order_in(status), status));
    CHECK(rejection.status_code == 400);
    CHECK(rejection.error == "Invalid Transition");
    CHECK(rejection.message == "Order is already " + std::string(to_string(status)));
  }
}

TEST_CASE("a status out of turn is refused with both names", "[transitions]") {
  const auto rejection =
      std::get<Rejection>(decide_status(order_in(S::delivered), S::out_for_delivery));
  CHECK(rejection.status_code == 400);
  CHECK(rejection.error == "Invalid Transition");
  CHECK(rejection.message == "Cannot transition from DELIVERED to OUT_FOR_DELIVERY");
}

TEST_CASE("a customer cancels from PENDING or CONFIRMED and from nothing else", "[transitions]") {
  for (const auto& [status, status_name] : all_order_statuses) {
    const Decision decision = decide_cancel(order_in(status));
    INFO(to_string(status));
    if (status == S::pending || status == S::confirmed) {
      CHECK(std::get<Change>(decision).status == S::cancelled);
    } else {
      CHECK(std::get<Rejection>(decision).status_code == 400);
      CHECK(std::get<Rejection>(decision).error == "Cannot Cancel");
    }
  }
}

TEST_CASE("applying a change makes the next version with one more log", "[transitions]") {
  Order order = order_in(S::pending);
  order.version = 7;
  order.razorpay_payment_id = "pay_1";
  Change change = change_from(order);
  change.status = S::confirmed;
  change.log_note = "soon";
  const Order next = apply_change(order, change, 1234);
  CHECK(next.version == 8);
  CHECK(next.status == S::confirmed);
  CHECK(next.updated_at_ms == 1234);
  CHECK(next.razorpay_payment_id == "pay_1");
  REQUIRE(next.status_logs.size() == 1);
  CHECK(next.status_logs[0].status == S::confirmed);
  CHECK(next.status_logs[0].note == "soon");
  CHECK(next.status_logs[0].created_at_ms == 1234);
  CHECK(next.status_logs[0].id.size() == 36);
}

TEST_CASE("a change of the payment status alone makes a version and no log", "[transitions]") {
  const Order order = order_in(S::pending);
  Change change = change_from(order);
  change.payment_status = PaymentStatus::failed;
  change.write_log = false;
  const Order next = apply_change(order, change, 1);
  CHECK(next.version == 2);
  CHECK(next.payment_status == PaymentStatus::failed);
  CHECK(next.status_logs.empty());
}

TEST_CASE("every wire name reads back as its value and no other text does", "[transitions]") {
  for (const auto& [status, status_name] : all_order_statuses) {
    CHECK(order_status_from_string(to_string(status)) == status);
    CHECK_FALSE(to_string(status).empty());
    CHECK_FALSE(in_words(status).empty());
  }
  for (const PaymentStatus status : {PaymentStatus::pending, PaymentStatus::paid,
                                     PaymentStatus::failed, PaymentStatus::refunded}) {
    CHECK(payment_status_from_string(to_string(status)) == status);
  }
  for (const PaymentMethod method : {PaymentMethod::online, PaymentMethod::cod}) {
    CHECK(payment_method_from_string(to_string(method)) == method);
  }
  for (const FulfillmentType type : {FulfillmentType::delivery, FulfillmentType::pickup}) {
    CHECK(fulfillment_type_from_string(to_string(type)) == type);
  }
  for (const char* text : {"", "pending", "SHIPPED", "PENDING "}) {
    CHECK_FALSE(order_status_from_string(text));
    CHECK_FALSE(payment_status_from_string(text));
    CHECK_FALSE(payment_method_from_string(text));
    CHECK_FALSE(fulfillment_type_from_string(text));
  }
  CHECK(to_string(OrderStatus::out_for_delivery) == "OUT_FOR_DELIVERY");
  CHECK(in_words(OrderStatus::out_for_delivery) == "out for delivery");
}

TEST_CASE("random ids have their form and do not repeat", "[ids]") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = random_uuid();
    REQUIRE(id.size() == 36);
    CHECK(id.find_first_not_of("0123456789abcdef-") == std::string::npos);
    CHECK((id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-'));
    CHECK(id[14] == '4');
    CHECK(std::string("89ab").find(id[19]) != std::string::npos);
    seen.insert(id);
    const std::string payment = random_razorpay_order_id();
    CHECK(payment.size() == 20);
    CHECK(payment.substr(0, 6) == "order_");
    seen.insert(payment);
  }
  CHECK(seen.size() == 2000);
}

}  // namespace order_server
