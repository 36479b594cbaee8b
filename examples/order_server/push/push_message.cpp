// SPDX-License-Identifier: MIT
#include "push/push_message.hpp"

#include "domain/sodium.hpp"

#include <nlohmann/json.hpp>
#include <sodium.h>

#include <array>

namespace order_server {
namespace {

using nlohmann::ordered_json;

/// FCM keeps at most four collapse keys for an offline device.
constexpr std::int64_t collapse_keys = 4;

/// The longest collapse id that APNs accepts.
constexpr std::size_t max_collapse_id = 64;

/// Web push topics have at most 32 characters of base64url (RFC 8030 section 5.4).
constexpr std::size_t topic_bytes = 16;

std::string digest_of(std::string_view order_id) {
  require_sodium();
  std::array<unsigned char, topic_bytes> hash{};
  crypto_generichash(hash.data(), hash.size(),
                     reinterpret_cast<const unsigned char*>(order_id.data()), order_id.size(),
                     nullptr, 0);
  return hex_of(hash);
}

std::string collapse_id(const std::string& order_id) {
  return order_id.size() <= max_collapse_id ? order_id : digest_of(order_id);
}

constexpr Names<OrderStatus, 6> titles{{{OrderStatus::confirmed, "Order Confirmed"},
                                        {OrderStatus::preparing, "Preparing Your Order"},
                                        {OrderStatus::ready, "Order Ready"},
                                        {OrderStatus::out_for_delivery, "Out for Delivery"},
                                        {OrderStatus::delivered, "Order Delivered"},
                                        {OrderStatus::cancelled, "Order Cancelled"}}};

}  // namespace

std::string_view push_title(OrderStatus status) noexcept {
  const auto title = name_in(titles, status);
  return title.empty() ? "Order Update" : title;
}

std::string push_body(std::string_view order_id, OrderStatus status) {
  std::string body("Your order #");
  body.append(order_id.substr(0, 8)).append(" has been updated to ");
  return body.append(in_words(status)).append(".");
}

std::string fcm_message(const PushJob& job, std::int64_t now_ms) {
  const auto status = order_status_from_string(job.status).value_or(OrderStatus::pending);
  const auto lifetime = std::chrono::seconds(push_lifetime).count();
  const bool is_urgent = status != OrderStatus::preparing;  // a customer does not wait for this one
  const auto collapse = collapse_id(job.order_id);
  const auto collapse_key = "order-" + std::to_string(job.nth_order % collapse_keys);
  const auto lifetime_text = std::to_string(lifetime);
  const auto expiration = std::to_string(now_ms / 1000 + lifetime);
  // FCM requires all values of `data` to be strings.
  const ordered_json message{
      {"token", job.token},
      {"notification", {{"title", push_title(status)}, {"body", push_body(job.order_id, status)}}},
      {"data",
       {{"orderId", job.order_id},
        {"status", job.status},
        {"version", std::to_string(job.version)}}},
      {"android",
       {{"priority", is_urgent ? "HIGH" : "NORMAL"},
        {"ttl", lifetime_text + "s"},
        {"collapse_key", collapse_key},
        {"notification", {{"tag", collapse}}}}},
      {"apns",
       {{"headers",
         {{"apns-priority", is_urgent ? "10" : "5"},
          {"apns-expiration", expiration},
          {"apns-collapse-id", collapse}}},
        {"payload", {{"aps", {{"sound", "default"}, {"thread-id", collapse}}}}}}},
      {"webpush",
       {{"headers",
         {{"Urgency", is_urgent ? "high" : "normal"},
          {"TTL", lifetime_text},
          {"Topic", digest_of(job.order_id)}}},
        {"notification", {{"tag", collapse}}}}}};
  return ordered_json{{"message", message}}.dump(-1, ' ', false,
                                                 ordered_json::error_handler_t::replace);
}

}  // namespace order_server
