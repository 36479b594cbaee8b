// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/envelope.hpp"
#include "api/json_body.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace order_server {
namespace {

using nlohmann::ordered_json;
using ordercast::HttpResponse;

constexpr std::size_t max_email_bytes = 254;  // RFC 5321 section 4.5.3.1.3
constexpr std::size_t max_password_bytes = 1024;

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

HttpResponse too_many_failures(std::chrono::seconds wait) {
  return retry_later(429, "Too many failed logins; try again later", wait);
}

HttpResponse user_is_gone() {
  return problem(401, "This user no longer exists");
}

HttpResponse login(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const std::string email = lower_case(body.text("email", 1, max_email_bytes));
  const std::string password = body.text("password", 1, max_password_bytes);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  if (const auto wait = context.login_limiter.locked_for(email, context.now())) {
    return too_many_failures(*wait);
  }
  const auto user = context.store.find_user_by_email(email);
  const bool good =
      context.hasher.verify(user ? user->password_hash : context.decoy_hash, password);
  if (!user || !good) {
    context.login_limiter.failed(email, context.now());
    return problem(401, "Invalid credentials");
  }
  context.login_limiter.succeeded(email);
  return success({{"requiresOrgSelection", false},
                  {"accessToken", context.tokens.issue_access(*user)},
                  {"refreshToken", context.tokens.issue_refresh(*user)}});
}

HttpResponse refresh(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const std::string token = body.text("refreshToken", 1, 8192);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  const auto user_id = context.tokens.refresh_subject(token);
  if (!user_id) return problem(401, "Invalid token");
  const auto user = context.store.find_user(*user_id);
  if (!user) return user_is_gone();
  return success({{"accessToken", context.tokens.issue_access(*user)}});
}

HttpResponse me(const ApiRequest& request, ApiContext& context) {
  const auto user = context.store.find_user(request.caller.user_id);
  if (!user) return user_is_gone();
  ordered_json data{{"id", user->id},
                    {"email", user->email},
                    {"name", user->name},
                    {"role", ordercast::to_string(user->role)},
                    {"organizationId", nullptr}};
  if (!user->organization_id.empty()) data["organizationId"] = user->organization_id;
  return success(std::move(data));
}

/// Ends what the user has open anywhere: tokens are stateless, so which connection belongs to which
/// login is not known.
HttpResponse logout(const ApiRequest& request, ApiContext& context) {
  const auto closed = context.disconnect_user(request.caller.user_id, "Logged out");
  if (!closed) return retry_later(503, "The server is restarting", std::chrono::seconds(1));
  return success({{"disconnected", *closed}});
}

}  // namespace

Routes auth_routes() {
  return {{"POST", "/api/v1/auth/login", Access::open, Lane::login, &login},
          {"POST", "/api/v1/auth/refresh", Access::open, Lane::reader, &refresh},
          {"POST", "/api/v1/auth/logout", Access::signed_in, Lane::reader, &logout},
          {"GET", "/api/v1/auth/me", Access::signed_in, Lane::reader, &me}};
}

}  // namespace order_server
