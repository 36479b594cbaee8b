// SPDX-License-Identifier: MIT
#include "domain/order_json.hpp"

#include "domain/money.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <stdexcept>

namespace order_server {
namespace {

constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();

Order full_order() {
  Order order;
  order.id = "o-1";
  order.user_id = "u-1";
  order.store_id = "s-1";
  order.organization_id = "org-1";
  order.status = OrderStatus::out_for_delivery;
  order.payment_status = PaymentStatus::paid;
  order.payment_method = PaymentMethod::online;
  order.fulfillment_type = FulfillmentType::delivery;
  order.total_minor = 12305;
  order.delivery_address = "1 Road";
  order.razorpay_order_id = "order_1";
  order.razorpay_payment_id = "pay_1";
  order.note = "ring \"twice\"";
  order.items = {{"i-1", "p-1", "Tea", 3, 4100}, {"i-2", "p-2", "Salt", 1, 5}};
  order.status_logs = {
      {"l-1", OrderStatus::pending, "", 1714567890123},
      {"l-2", OrderStatus::out_for_delivery, "on its way", 1714567890999, {"u-9", "RIDER"}}};
  order.version = 9;
  order.created_at_ms = 1714567890123;
  order.updated_at_ms = 1714567890999;
  order.number = 1042;
  order.refund_status = RefundStatus::due;
  order.estimated_ready_at_ms = 1714571490999;
  order.customer = {"Asha", "asha@example.org", "+91 1"};
  order.store = {"Corner Shop", "+91 2"};
  return order;
}

}  // namespace

TEST_CASE("the JSON of an order has the contract's fields in the contract's sequence",
          "[order_json]") {
  CHECK(order_json(full_order()) ==
        R"({"id":"o-1","userId":"u-1","storeId":"s-1","organizationId":"org-1",)"
        R"("status":"OUT_FOR_DELIVERY","paymentStatus":"PAID","paymentMethod":"ONLINE",)"
        R"("fulfillmentType":"DELIVERY","totalAmount":"123.05","deliveryAddress":"1 Road",)"
        R"("razorpayOrderId":"order_1","note":"ring \"twice\"","items":[)"
        R"({"id":"i-1","productId":"p-1","name":"Tea","quantity":3,"unitPrice":"41.00",)"
        R"("totalPrice":"123.00","product":{"id":"p-1","name":"Tea"}},)"
        R"({"id":"i-2","productId":"p-2","name":"Salt","quantity":1,"unitPrice":"0.05",)"
        R"("totalPrice":"0.05","product":{"id":"p-2","name":"Salt"}}],"statusLogs":[)"
        R"({"id":"l-1","status":"PENDING","note":null,"createdAt":"2024-05-01T12:51:30.123Z",)"
        R"("actorRole":null},)"
        R"({"id":"l-2","status":"OUT_FOR_DELIVERY","note":"on its way",)"
        R"("createdAt":"2024-05-01T12:51:30.999Z","actorRole":"RIDER"}],"version":9,)"
        R"("createdAt":"2024-05-01T12:51:30.123Z","updatedAt":"2024-05-01T12:51:30.999Z",)"
        R"("number":1042,)"
        R"("user":{"id":"u-1","name":"Asha","email":"asha@example.org","phone":"+91 1"},)"
        R"("store":{"id":"s-1","name":"Corner Shop","phone":"+91 2"},)"
        R"("refundStatus":"DUE","estimatedReadyAt":"2024-05-01T13:51:30.999Z"})");
}

TEST_CASE("what an order does not have is null, and empty lists are lists", "[order_json]") {
  const auto json = order_to_json(Order{});
  for (const char* field :
       {"deliveryAddress", "razorpayOrderId", "note", "refundStatus", "estimatedReadyAt"}) {
    CHECK(json.at(field).is_null());
  }
  CHECK(json.at("user").at("phone").is_null());
  CHECK(json.at("store").at("phone").is_null());
  CHECK(json.at("items") == nlohmann::ordered_json::array());
  CHECK(json.at("statusLogs") == nlohmann::ordered_json::array());
}

TEST_CASE("bytes that are not UTF-8 do not stop an order from being written", "[order_json]") {
  Order order;
  order.note =
      "a\xFF"
      "b";
  CHECK(nlohmann::json::parse(order_json(order)).at("note") ==
        "a\xEF\xBF\xBD"
        "b");
}

TEST_CASE("a line whose total does not fit is an error, not a wrong number", "[order_json]") {
  Order order;
  order.items = {{"i-1", "p-1", "Gold", 2, int64_max}};
  CHECK_THROWS_AS(order_json(order), std::overflow_error);
}

TEST_CASE("times are ISO 8601 in UTC with milliseconds", "[order_json]") {
  CHECK(iso8601(0) == "1970-01-01T00:00:00.000Z");
  CHECK(iso8601(1709210096007) == "2024-02-29T12:34:56.007Z");
  CHECK(iso8601(-1) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("money has two decimals whatever its size", "[money]") {
  CHECK(format_minor(0) == "0.00");
  CHECK(format_minor(5) == "0.05");
  CHECK(format_minor(12300) == "123.00");
  CHECK(format_minor(99) == "0.99");
  CHECK(format_minor(-105) == "-1.05");
  CHECK(format_minor(int64_max) == "92233720368547758.07");
  CHECK(format_minor(std::numeric_limits<std::int64_t>::min()) == "-92233720368547758.08");
}

TEST_CASE("totals that are negative or do not fit have no value", "[money]") {
  CHECK(line_total(250, 4) == 1000);
  CHECK(line_total(int64_max, 1) == int64_max);
  CHECK(line_total(int64_max, 0) == 0);
  CHECK_FALSE(line_total(int64_max / 2 + 1, 2));
  CHECK_FALSE(line_total(-1, 1));
  CHECK_FALSE(line_total(1, -1));

  CHECK(order_total({}) == 0);
  CHECK(order_total(full_order().items) == 12305);
  CHECK(order_total({{"", "", "", 1, int64_max - 1}, {"", "", "", 1, 1}}) == int64_max);
  CHECK_FALSE(order_total({{"", "", "", 1, int64_max}, {"", "", "", 1, 1}}));
  CHECK_FALSE(order_total({{"", "", "", 2, int64_max}}));
}

}  // namespace order_server
