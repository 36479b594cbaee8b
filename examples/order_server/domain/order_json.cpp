// SPDX-License-Identifier: MIT
#include "domain/order_json.hpp"

#include "domain/money.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <ctime>
#include <stdexcept>
#include <utility>

namespace order_server {
namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json item_to_json(const OrderItem& item) {
  const auto total = line_total(item.unit_price_minor, item.quantity);
  if (!total) throw std::overflow_error("the total of an order's line does not fit");
  return {{"id", item.id},
          {"productId", item.product_id},
          {"name", item.name},
          {"quantity", item.quantity},
          {"unitPrice", format_minor(item.unit_price_minor)},
          {"totalPrice", format_minor(*total)},
          {"product", {{"id", item.product_id}, {"name", item.name}}}};
}

Json log_to_json(const StatusLog& log) {
  return {{"id", log.id},
          {"status", to_string(log.status)},
          {"note", text_or_null(log.note)},
          {"createdAt", iso8601(log.created_at_ms)},
          // No id and no name: the customer sees this.
          {"actorRole", text_or_null(log.actor.role)}};
}

}  // namespace

std::string iso8601(std::int64_t unix_ms) {
  std::int64_t seconds = unix_ms / 1000;
  std::int64_t millis = unix_ms % 1000;
  if (millis < 0) {  // before 1970, division rounds the wrong way
    millis += 1000;
    --seconds;
  }
  const auto time = static_cast<std::time_t>(seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 96> text{};
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                                   utc.tm_min, utc.tm_sec, static_cast<int>(millis));
  return {text.data(), static_cast<std::size_t>(length)};
}

nlohmann::ordered_json order_to_json(const Order& order) {
  Json items = Json::array();
  for (const OrderItem& item : order.items) items.push_back(item_to_json(item));
  Json logs = Json::array();
  for (const StatusLog& log : order.status_logs) logs.push_back(log_to_json(log));
  return {
      {"id", order.id},
      {"userId", order.user_id},
      {"storeId", order.store_id},
      {"organizationId", order.organization_id},
      {"status", to_string(order.status)},
      {"paymentStatus", to_string(order.payment_status)},
      {"paymentMethod", to_string(order.payment_method)},
      {"fulfillmentType", to_string(order.fulfillment_type)},
      {"totalAmount", format_minor(order.total_minor)},
      {"deliveryAddress", text_or_null(order.delivery_address)},
      {"razorpayOrderId", text_or_null(order.razorpay_order_id)},
      {"note", text_or_null(order.note)},
      {"items", std::move(items)},
      {"statusLogs", std::move(logs)},
      {"version", order.version},
      {"createdAt", iso8601(order.created_at_ms)},
      {"updatedAt", iso8601(order.updated_at_ms)},
      {"number", order.number},
      {"user",
       {{"id", order.user_id},
        {"name", text_or_null(order.customer.name)},
        {"email", text_or_null(order.customer.email)},
        {"phone", text_or_null(order.customer.phone)}}},
      {"store",
       {{"id", order.store_id},
        {"name", text_or_null(order.store.name)},
        {"phone", text_or_null(order.store.phone)}}},
      {"refundStatus", order.refund_status ? Json(to_string(*order.refund_status)) : Json(nullptr)},
      {"estimatedReadyAt",
       order.estimated_ready_at_ms ? Json(iso8601(*order.estimated_ready_at_ms)) : Json(nullptr)}};
}

std::string order_json(const Order& order) {
  return order_to_json(order).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace order_server
