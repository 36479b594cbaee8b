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

/// Of an error's text.
constexpr std::size_t max_description = 200;

/// How long a call is waited for after the end has begun.
constexpr std::chrono::milliseconds poll_time{100};

bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= max_id &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string::npos;
}

/// For operators: what the provider says against it, where it says that.
std::string description_in(const nlohmann::json& json, int status) {
  std::string text = "the payment provider answered " + std::to_string(status);
  const nlohmann::json::json_pointer where("/error/description");
  if (json.is_object() && json.contains(where) && json.at(where).is_string()) {
    text += ": " + json.at(where).get<std::string>().substr(0, max_description);
  }
  return text;
}

std::string text_in(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_of_sum(const nlohmann::json& json, const char* name, std::int64_t amount_minor) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_integer() && *found == amount_minor;
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

RefundAnswer read_refund(const HttpReply& reply, const RefundJob& job) {
  using Kind = RefundAnswer::Kind;
  const std::chrono::milliseconds later = reply.retry_after;
  if (reply.status == 0) {
    return {Kind::unavailable, {}, "the payment provider can't be reached: " + reply.error, later};
  }
  const auto json = nlohmann::json::parse(reply.body, nullptr, false);
  if (reply.status != 200) {
    // A request that is wrong stays wrong. Of the others, 401 and 403 are about our account, 404 is
    // also what a wrong base URL answers, and 409 says that the first request is still at work.
    const bool is_final = reply.status == 400 || reply.status == 422;
    return {is_final ? Kind::refused : Kind::unavailable,
            {},
            description_in(json, reply.status),
            later};
  }
  const auto id = json.is_object() ? text_in(json, "id") : std::string();
  if (!is_id(id) || text_in(json, "payment_id") != job.payment_id ||
      !is_of_sum(json, "amount", job.amount_minor)) {
    return {
        Kind::unavailable, {}, "the payment provider's answer is no refund of this payment", later};
  }
  const auto status = text_in(json, "status");
  if (status == "processed") return {Kind::done, id, {}, later};
  if (status == "failed") return {Kind::refused, id, "the payment provider says failed", later};
  return {Kind::requested, id, {}, later};
}

HttpCall RazorpayRefunds::call_to(const std::string& path) const {
  HttpCall call;
  call.url = options_.base_url + path;
  call.basic_auth = options_.key_id + ":" + options_.key_secret;
  return call;
}

HttpReply RazorpayRefunds::fetch(HttpCall call, const std::atomic<bool>& is_stopping) {
  HttpReply answer;
  answer.error = "the server is ending";
  bool is_done = false;
  client_.start(std::move(call), [&](HttpReply reply) {
    answer = std::move(reply);
    is_done = true;
  });
  while (!is_done && !is_stopping) client_.poll(poll_time);
  // One that is left behind is the last: the worker ends, and the client with it.
  return answer;
}

RefundAnswer RazorpayRefunds::refund(const RefundJob& job, const std::atomic<bool>& is_stopping) {
  if (!is_id(job.payment_id)) {
    return {RefundAnswer::Kind::refused,
            {},
            "the payment's id is none of the provider's",
            std::chrono::milliseconds(0)};
  }
  if (!job.refund_id.empty()) {
    auto look = call_to("/v1/refunds/" + job.refund_id);
    look.is_get = true;
    return read_refund(fetch(std::move(look), is_stopping), job);
  }
  auto ask = call_to("/v1/payments/" + job.payment_id + "/refund");
  ask.headers = {"Content-Type: application/json", "X-Refund-Idempotency: " + job.payment_id +
                                                       "-refund-" + std::to_string(job.round)};
  ask.body = nlohmann::ordered_json{{"amount", job.amount_minor}}.dump();
  auto answer = read_refund(fetch(std::move(ask), is_stopping), job);
  if (answer.kind != RefundAnswer::Kind::refused || !answer.refund_id.empty()) return answer;
  // Refused perhaps because the money is back already, by the staff or an earlier round.
  auto look = call_to("/v1/payments/" + job.payment_id);
  look.is_get = true;
  const auto payment = fetch(std::move(look), is_stopping);
  const auto json = nlohmann::json::parse(payment.body, nullptr, false);
  if (payment.status == 200 && json.is_object() && text_in(json, "id") == job.payment_id &&
      is_of_sum(json, "amount_refunded", job.amount_minor)) {
    return {RefundAnswer::Kind::done, {}, {}, std::chrono::milliseconds(0)};
  }
  if (payment.status == 0) answer.kind = RefundAnswer::Kind::unavailable;
  return answer;
}

}  // namespace order_server
