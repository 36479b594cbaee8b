// SPDX-License-Identifier: MIT
#include "payments/razorpay.hpp"

#include "domain/money.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace order_server {
namespace {

constexpr std::size_t max_id = 128;

/// A receipt has at most 40 characters.
constexpr std::size_t max_receipt = 40;

bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= max_id &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string::npos;
}

}  // namespace

ProviderOrder read_provider_order(const HttpReply& reply, std::int64_t amount_minor) {
  if (reply.status == 0) return {{}, "the payment provider can't be reached: " + reply.error};
  if (reply.status != 200) {
    return {{}, "the payment provider answered " + std::to_string(reply.status)};
  }
  const auto json = nlohmann::json::parse(reply.body, nullptr, false);
  if (!json.is_object() || !json.contains("id") || !json["id"].is_string() ||
      !is_id(json["id"].get<std::string>())) {
    return {{}, "the payment provider's answer has no id"};
  }
  // Compare as integers: a double can't tell large sums apart.
  if (!json.contains("amount") || !json["amount"].is_number_integer() ||
      json["amount"] != amount_minor) {
    return {{}, "the payment provider's order has a different amount"};
  }
  if (json.contains("currency") && json["currency"] != currency_code) {
    return {{}, "the payment provider's order has a different currency"};
  }
  return {json["id"].get<std::string>(), {}};
}

HttpReply Razorpay::fetch(HttpCall call) {
  std::unique_ptr<HttpClient> client;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      client = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!client) client = std::make_unique<HttpClient>(options_.http);
  auto reply = client->fetch(std::move(call));
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(client));
  return reply;
}

ProviderOrder Razorpay::create_order(const Order& order) {
  HttpCall call;
  call.url = options_.base_url + "/v1/orders";
  call.headers = {"Content-Type: application/json"};
  call.basic_auth = options_.key_id + ":" + options_.key_secret;
  const nlohmann::ordered_json body{{"amount", order.total_minor},
                                    {"currency", currency_code},
                                    {"receipt", order.id.substr(0, max_receipt)},
                                    {"notes", {{"orderId", order.id}}}};
  call.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return read_provider_order(fetch(std::move(call)), order.total_minor);
}

}  // namespace order_server
