// SPDX-License-Identifier: MIT
#include "push/push_message.hpp"

#include "push/fcm_sender.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <tuple>

namespace order_server {
namespace {

using Kind = PushOutcome::Kind;

PushJob job_of(const std::string& status) {
  PushJob job;
  job.order_id = "1a2b3c4d-0000-4000-8000-000000000000";
  job.token = "device-token";
  job.status = status;
  job.version = 7;
  job.nth_order = 6;
  return job;
}

nlohmann::json message_of(const PushJob& job, std::int64_t now_ms = 1'700'000'000'000) {
  return nlohmann::json::parse(fcm_message(job, now_ms)).at("message");
}

HttpReply reply_of(int status, const std::string& body = {}) {
  HttpReply reply;
  reply.status = status;
  reply.body = body;
  return reply;
}

std::string fcm_error(const std::string& status, const std::string& code,
                      const std::string& field = {}) {
  nlohmann::json details = nlohmann::json::array();
  if (!code.empty()) {
    details.push_back(
        {{"@type", "type.googleapis.com/google.firebase.fcm.v1.FcmError"}, {"errorCode", code}});
  }
  if (!field.empty()) {
    details.push_back({{"@type", "type.googleapis.com/google.rpc.BadRequest"},
                       {"fieldViolations", {{{"field", field}, {"description", "Invalid"}}}}});
  }
  return nlohmann::json{{"error", {{"code", 1}, {"status", status}, {"details", details}}}}.dump();
}

}  // namespace

TEST_CASE("a push says what the contract says", "[push]") {
  const auto [status, title, words] = GENERATE(table<std::string, std::string, std::string>(
      {std::make_tuple("CONFIRMED", "Order Confirmed", "confirmed"),
       std::make_tuple("PREPARING", "Preparing Your Order", "preparing"),
       std::make_tuple("READY", "Order Ready", "ready"),
       std::make_tuple("OUT_FOR_DELIVERY", "Out for Delivery", "out for delivery"),
       std::make_tuple("DELIVERED", "Order Delivered", "delivered"),
       std::make_tuple("CANCELLED", "Order Cancelled", "cancelled")}));
  const auto message = message_of(job_of(status));
  CHECK(message.at("token") == "device-token");
  CHECK(message.at("notification").at("title") == title);
  CHECK(message.at("notification").at("body") ==
        "Your order #1a2b3c4d has been updated to " + words + ".");
  CHECK(message.at("data") == nlohmann::json{{"orderId", "1a2b3c4d-0000-4000-8000-000000000000"},
                                             {"status", status},
                                             {"version", "7"}});
  CHECK(message.at("android").at("ttl") == "86400s");
  CHECK(message.at("android").at("priority") == (status == "PREPARING" ? "NORMAL" : "HIGH"));
  CHECK(message.at("apns").at("headers").at("apns-expiration") == "1700086400");
}

TEST_CASE("a device is shown one push an order, within the four collapse keys of FCM", "[push]") {
  std::set<std::string> keys;
  std::set<std::string> tags;
  for (int i = 1; i <= 20; ++i) {
    auto job = job_of("READY");
    job.order_id = "order-" + std::to_string(i);
    job.nth_order = i;
    const auto message = message_of(job);
    keys.insert(message.at("android").at("collapse_key").get<std::string>());
    tags.insert(message.at("android").at("notification").at("tag").get<std::string>());
    CHECK(message == message_of(job));
  }
  CHECK(keys.size() == 4);
  CHECK(tags.size() == 20);
}

TEST_CASE("an order id of any length makes ids within the limits of APNs and web push", "[push]") {
  auto job = job_of("READY");
  job.order_id = std::string(128, 'x');
  const auto message = message_of(job);
  CHECK(message.at("apns").at("headers").at("apns-collapse-id").get<std::string>().size() <= 64);
  CHECK(message.at("webpush").at("headers").at("Topic").get<std::string>().size() <= 32);
}

TEST_CASE("FCM's answers are told apart", "[push][fcm]") {
  CHECK(fcm_outcome(reply_of(200, R"({"name":"projects/p/messages/1"})")).kind == Kind::sent);
  CHECK(fcm_outcome(reply_of(404, fcm_error("NOT_FOUND", "UNREGISTERED"))).kind == Kind::no_device);
  CHECK(fcm_outcome(reply_of(400, fcm_error("INVALID_ARGUMENT", "INVALID_ARGUMENT"))).kind ==
        Kind::no_device);
  CHECK(
      fcm_outcome(reply_of(400, fcm_error("INVALID_ARGUMENT", "INVALID_ARGUMENT", "message.token")))
          .kind == Kind::no_device);
  CHECK(fcm_outcome(reply_of(403, fcm_error("PERMISSION_DENIED", "SENDER_ID_MISMATCH"))).kind ==
        Kind::no_device);
  // Our own fault must not remove customers' devices.
  CHECK(
      fcm_outcome(reply_of(400, fcm_error("INVALID_ARGUMENT", "INVALID_ARGUMENT", "message.data")))
          .kind == Kind::rejected);
  CHECK(fcm_outcome(reply_of(400, "no JSON")).kind == Kind::rejected);
  CHECK(fcm_outcome(reply_of(413)).kind == Kind::rejected);
  CHECK(fcm_outcome(reply_of(403, fcm_error("PERMISSION_DENIED", ""))).kind == Kind::unavailable);
  CHECK(fcm_outcome(reply_of(404, fcm_error("NOT_FOUND", ""))).kind == Kind::unavailable);
  CHECK(fcm_outcome(reply_of(401, fcm_error("UNAUTHENTICATED", ""))).kind == Kind::unavailable);
  CHECK(fcm_outcome(reply_of(500, fcm_error("INTERNAL", "INTERNAL"))).kind == Kind::unavailable);
  CHECK(fcm_outcome(reply_of(503)).kind == Kind::unavailable);
  CHECK(fcm_outcome(reply_of(0)).kind == Kind::unavailable);
  CHECK(fcm_outcome(reply_of(429)).retry_after == std::chrono::seconds(60));
  auto throttled = reply_of(429);
  throttled.retry_after = std::chrono::seconds(7);
  CHECK(fcm_outcome(throttled).kind == Kind::throttled);
  CHECK(fcm_outcome(throttled).retry_after == std::chrono::seconds(7));
}

TEST_CASE("an error of FCM names its code and nothing that an attacker could have planted",
          "[push][fcm]") {
  CHECK(fcm_outcome(reply_of(404, fcm_error("NOT_FOUND", "UNREGISTERED"))).error ==
        "FCM answered 404 UNREGISTERED");
  CHECK(fcm_outcome(reply_of(400, fcm_error("bad\nlog line", "x"))).error == "FCM answered 400");
  const std::string deep(100'000, '[');
  CHECK(fcm_outcome(reply_of(500, deep)).kind == Kind::unavailable);
}

TEST_CASE("what may be the fault of one device is told from an outage for all", "[push][fcm]") {
  const auto third_party =
      fcm_outcome(reply_of(401, fcm_error("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR")));
  CHECK(third_party.kind == Kind::rejected);
  CHECK(third_party.error.find("APNs key") != std::string::npos);

  const auto quota = fcm_outcome(reply_of(429, fcm_error("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")));
  CHECK(quota.kind == Kind::throttled);
  CHECK(quota.may_be_the_device);
  const auto internal = fcm_outcome(reply_of(500, fcm_error("INTERNAL", "INTERNAL")));
  CHECK(internal.kind == Kind::unavailable);
  CHECK(internal.may_be_the_device);
  for (const int status : {0, 302, 401, 403, 404, 408, 502, 503, 504}) {
    INFO(status);
    const auto outcome = fcm_outcome(reply_of(status));
    CHECK(outcome.kind == Kind::unavailable);
    CHECK_FALSE(outcome.may_be_the_device);
  }
  for (const char* code : {"UNSPECIFIED_ERROR", "A_CODE_OF_TOMORROW", ""}) {
    CHECK(fcm_outcome(reply_of(400, fcm_error("FAILED_PRECONDITION", code))).kind ==
          Kind::rejected);
  }
}

}  // namespace order_server
