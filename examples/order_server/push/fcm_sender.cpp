// SPDX-License-Identifier: MIT
#include "push/fcm_sender.hpp"

#include "push/push_message.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace order_server {
namespace {

using std::chrono::seconds;

/// FCM's documentation asks for a minute after a 429 without Retry-After.
constexpr seconds default_throttle{60};

/// A token is renewed this long before it expires, or after half of its life.
constexpr seconds renewal_margin{300};

constexpr std::size_t max_access_token = 8192;

const nlohmann::json* member(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string text_member(const nlohmann::json& object, const char* name) {
  const auto* value = member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

/// The fields of an error's body that are used.
struct FcmError {
  std::string status;      ///< "NOT_FOUND".
  std::string error_code;  ///< FCM's own: "UNREGISTERED".
  bool names_other_field = false;
};

FcmError read_error(const std::string& body) {
  FcmError read;
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto* error = member(json, "error");
  if (error == nullptr) return read;
  read.status = text_member(*error, "status");
  const auto* details = member(*error, "details");
  if (details == nullptr || !details->is_array()) return read;
  for (const auto& detail : *details) {
    if (const auto code = text_member(detail, "errorCode"); !code.empty()) read.error_code = code;
    const auto* violations = member(detail, "fieldViolations");
    if (violations == nullptr || !violations->is_array()) continue;
    for (const auto& violation : *violations) {
      read.names_other_field |= text_member(violation, "field") != "message.token";
    }
  }
  return read;
}

/// The error for logs and operators: the status and FCM's code, and no other text from the answer.
std::string describe(int status, const FcmError& error) {
  std::string text = "FCM answered " + std::to_string(status);
  const auto& name = error.error_code.empty() ? error.status : error.error_code;
  const bool is_name = !name.empty() && name.size() < 64 &&
                       name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == std::string::npos;
  return is_name ? text + " " + name : text;
}

PushOutcome unavailable(std::string error) {
  return {PushOutcome::Kind::unavailable, {}, std::move(error)};
}

/// Returns true if APNs or the browser's push service refuses the Firebase project's credential.
/// Our access token is good, and devices of other platforms get their pushes.
bool is_third_party_fault(const FcmError& error) {
  return error.error_code == "THIRD_PARTY_AUTH_ERROR";
}

/// Returns the life of an access token, at most a day; an hour if the answer names none. A value
/// beyond 64 signed bits must not wrap into the past.
seconds lifetime_of(const nlohmann::json* told) {
  constexpr std::int64_t most = 24 * 3600;
  if (told == nullptr || !told->is_number_integer()) return seconds(3600);
  if (told->is_number_unsigned()) {
    return seconds(
        static_cast<std::int64_t>(std::min<std::uint64_t>(told->get<std::uint64_t>(), most)));
  }
  return seconds(std::clamp<std::int64_t>(told->get<std::int64_t>(), 0, most));
}

std::string form_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
  std::string encoded;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos) {
      encoded.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded.append({'%', digits[byte >> 4U], digits[byte & 15U]});
  }
  return encoded;
}

}  // namespace

PushOutcome fcm_outcome(const HttpReply& reply) {
  using Kind = PushOutcome::Kind;
  if (reply.status == 0) return unavailable("FCM can't be reached: " + reply.error);
  if (reply.status == 200) return {};
  const auto error = read_error(reply.body);
  const auto text = describe(reply.status, error);
  switch (reply.status) {
    case 400:
      // A bad token and a bad message look alike unless the error names a field.
      if (error.names_other_field || error.status != "INVALID_ARGUMENT") {
        return {Kind::rejected, {}, text};
      }
      return {Kind::no_device, {}, text};
    case 401:
      if (!is_third_party_fault(error)) return unavailable(text);
      return {Kind::rejected,
              {},
              text + ": check the APNs key or web push certificate of the Firebase project"};
    case 403:
      // The token belongs to another project. Without that code, our account may not send.
      if (error.error_code == "SENDER_ID_MISMATCH") return {Kind::no_device, {}, text};
      return unavailable(text);
    case 404:
      // Without that code, the project does not exist.
      if (error.error_code == "UNREGISTERED") return {Kind::no_device, {}, text};
      return unavailable(text);
    case 429:
      // FCM limits the rate of each device and of the account.
      return {Kind::throttled, reply.retry_after.count() > 0 ? reply.retry_after : default_throttle,
              text, true};
    case 500:
      // "INTERNAL" may be about this message, however often it is sent; one device does not prove
      // an outage.
      return {Kind::unavailable, reply.retry_after, text, true};
    default:
      break;
  }
  // A redirection or 408 comes from a proxy between FCM and us.
  const bool is_in_between = reply.status < 200 || reply.status / 100 == 3 || reply.status == 408;
  if (is_in_between || reply.status > 500) return {Kind::unavailable, reply.retry_after, text};
  return {Kind::rejected, {}, text};
}

FcmSender::FcmSender(ServiceAccount account, FcmOptions options)
    : account_(std::move(account)),
      options_(std::move(options)),
      send_url_(options_.base_url + "/v1/projects/" + account_.project_id + "/messages:send"),
      http_(options_.http) {}

void FcmSender::start(const PushJob& job, Done done) {
  const auto wall = options_.wall_now().time_since_epoch();
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count();
  submit({fcm_message(job, now_ms), std::move(done)});
}

void FcmSender::submit(Message message) {
  const auto now = options_.now();
  const bool is_good = token_ && now < token_->expires_at;
  const bool is_to_renew = !is_good || now >= token_->renew_at;
  if (is_good) {
    send(std::move(message));
  } else {
    waiting_.push_back(std::move(message));
  }
  if (is_to_renew && !is_asking_) ask_for_token();
}

void FcmSender::send(Message message) {
  HttpCall call;
  call.url = send_url_;
  call.headers = {"Content-Type: application/json", "Authorization: Bearer " + token_->text};
  call.body = message.body;
  http_.start(std::move(call),
              [this, token = token_->text, message = std::move(message)](
                  const HttpReply& reply) mutable { on_sent(std::move(message), token, reply); });
}

void FcmSender::on_sent(Message message, const std::string& token, const HttpReply& reply) {
  // Another access token would not help against a third party's refusal.
  if (reply.status == 401 && !is_third_party_fault(read_error(reply.body))) {
    if (token_ && token_->text == token) token_.reset();
    if (!message.is_second_try) {
      message.is_second_try = true;
      submit(std::move(message));
      return;
    }
  }
  message.done(fcm_outcome(reply));
}

void FcmSender::ask_for_token() {
  is_asking_ = true;
  HttpCall call;
  call.url = options_.token_url.empty() ? account_.token_url : options_.token_url;
  call.headers = {"Content-Type: application/x-www-form-urlencoded"};
  try {
    call.body = "grant_type=" + form_encoded("urn:ietf:params:oauth:grant-type:jwt-bearer") +
                "&assertion=" + form_encoded(sign_assertion(account_, options_.wall_now()));
  } catch (const std::exception& error) {
    HttpReply failed;
    failed.error = error.what();
    on_token(failed);
    return;
  }
  http_.start(std::move(call), [this](const HttpReply& reply) { on_token(reply); });
}

void FcmSender::on_token(const HttpReply& reply) {
  is_asking_ = false;
  const auto json = nlohmann::json::parse(reply.body, nullptr, false);
  const auto text = text_member(json, "access_token");
  const auto* lifetime = member(json, "expires_in");
  auto waiting = std::exchange(waiting_, {});
  if (reply.status == 200 && !text.empty() && text.size() <= max_access_token &&
      text.find_first_of("\r\n") == std::string::npos) {
    const seconds life = lifetime_of(lifetime);
    const auto now = options_.now();
    token_ = {text, now + life - std::min(renewal_margin, life / 2), now + life};
    for (auto& message : waiting) send(std::move(message));
    return;
  }
  // Keep using a token that is still good; the next message tries again to renew it.
  const auto error = reply.status == 0 ? "no access token: " + reply.error
                                       : "no access token: the token service answered " +
                                             std::to_string(reply.status);
  for (auto& message : waiting) {
    message.done({PushOutcome::Kind::unavailable, reply.retry_after, error});
  }
}

}  // namespace order_server
