// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/envelope.hpp"
#include "api/json_body.hpp"
#include "domain/ids.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

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
  return retry_later(
      429, "Too many failed logins; try again in " + std::to_string(wait.count()) + " s", wait);
}

HttpResponse user_is_gone() {
  return problem(401, "This user no longer exists");
}

/// Logs the account by its id: an address that nobody has may be a password in the wrong field.
void note_failure(ApiContext& context, const std::string& email, const std::optional<User>& user) {
  const auto now = context.now();
  const bool is_locked = context.login_limiter.failed(email, now);
  context.metrics.logins_failed.add();
  const auto account = user ? "user " + user->id : std::string("an unknown account");
  if (const auto held_back = context.metrics.failed_login_lines.admit(now)) {
    spdlog::info("a login to {} failed{}", account, more_like_it(*held_back));
  }
  if (!is_locked) return;
  if (const auto held_back = context.metrics.lock_lines.admit(now)) {
    spdlog::warn("{} is locked for a minute after too many failed logins{}", account,
                 more_like_it(*held_back));
  }
}

HttpResponse login(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const std::string email = lower_case(body.text("email", 1, max_email_bytes));
  const std::string password = body.text("password", 1, max_password_bytes);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  if (const auto wait = context.login_limiter.locked_for(email, context.now())) {
    context.metrics.logins_locked.add();
    return too_many_failures(*wait);
  }
  const auto user = context.store.find_user_by_email(email);
  const bool good =
      context.hasher.verify(user ? user->password_hash : context.decoy_hash, password);
  // A person who guesses passwords must not learn that the account is disabled.
  if (!user || !good || user->is_disabled) {
    note_failure(context, email, user);
    return problem(401, "Invalid credentials");
  }
  context.metrics.logins_good.add();
  context.login_limiter.succeeded(email);
  const auto session_id = random_uuid();
  const auto now_ms = context.now_ms();
  const std::chrono::milliseconds life(context.tokens.refresh_lifetime());
  context.sessions.add_session(session_id, user->id, now_ms, now_ms + life.count());
  // An operator may have disabled the user or set a new password during the hashing.
  const auto still = context.store.find_user(user->id);
  if (!still || still->is_disabled || still->password_hash != user->password_hash) {
    context.sessions.end_session(session_id, user->id, context.now_ms());
    return problem(401, "Invalid credentials");
  }
  auto access_token = context.tokens.issue_access(*user, session_id);
  // An operator has just enabled the user, and this server has not heard of it yet. A token that it
  // would refuse is of no use.
  if (!std::holds_alternative<Caller>(context.tokens.caller_of(access_token))) {
    context.sessions.end_session(session_id, user->id, context.now_ms());
    return retry_later(503, "This account was changed just now; try again",
                       std::chrono::seconds(1));
  }
  return success({{"requiresOrgSelection", false},
                  {"accessToken", std::move(access_token)},
                  {"refreshToken", context.tokens.issue_refresh(*user, session_id)}});
}

/// Returns true if a refresh token is no longer good. A token that names no sign-in ends together
/// with all others of its user.
bool has_ended(const RefreshClaims& claims, ApiContext& context) {
  const auto ended_at = context.sessions.session_ended_at(claims.session_id, claims.user_id);
  if (!ended_at) return false;
  constexpr std::int64_t second = 1000;  // `iat` has whole seconds.
  return !claims.session_id.empty() || !claims.issued_at_ms ||
         *claims.issued_at_ms / second <= *ended_at / second;
}

HttpResponse refresh(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const std::string token = body.text("refreshToken", 1, 8192);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  const auto claims = context.tokens.refresh_claims(token);
  if (!claims || has_ended(*claims, context)) return problem(401, "Invalid token");
  const auto user = context.store.find_user(claims->user_id);
  if (!user) return user_is_gone();
  if (user->is_disabled) return problem(401, "Invalid token");
  return success({{"accessToken", context.tokens.issue_access(*user, claims->session_id)}});
}

/// The organizations that a member of the staff works for, with their role there. The super admin
/// works for all that have a store.
ordered_json organizations_of(const User& user, const std::vector<Shop>& shops) {
  std::vector<std::string> ids;
  if (!user.organization_id.empty()) ids.push_back(user.organization_id);
  if (user.role == Role::super_admin) {
    for (const auto& shop : shops) ids.push_back(shop.organization_id);
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  }
  auto organizations = ordered_json::array();
  // An organization has no name of its own here.
  for (const auto& id : ids) {
    organizations.push_back({{"id", id}, {"name", id}, {"role", to_string(user.role)}});
  }
  return organizations;
}

/// The stores that a member of the staff works for.
ordered_json stores_of(const User& user, const std::vector<Shop>& shops) {
  auto stores = ordered_json::array();
  for (const auto& shop : shops) {
    const bool is_theirs =
        user.role == Role::super_admin ||
        (!user.organization_id.empty() && shop.organization_id == user.organization_id);
    if (is_theirs) stores.push_back({{"id", shop.id}, {"name", shop.name}});
  }
  return stores;
}

HttpResponse me(const ApiRequest& request, ApiContext& context) {
  const auto user = context.store.find_user(request.caller.user_id);
  if (!user) return user_is_gone();
  ordered_json data{{"id", user->id},
                    {"email", user->email},
                    {"name", user->name},
                    {"role", to_string(user->role)},
                    {"organizationId", nullptr}};
  if (!user->organization_id.empty()) data["organizationId"] = user->organization_id;
  const auto shops = is_staff(user->role) ? context.store.list_shops() : std::vector<Shop>{};
  data["organizations"] = organizations_of(*user, shops);
  data["stores"] = stores_of(*user, shops);
  return success(std::move(data));
}

/// Ends all sign-ins of a user. Returns how many sockets it closed.
std::optional<std::size_t> end_everywhere(const std::string& user_id, ApiContext& context) {
  const auto now_ms = context.now_ms();
  for (const auto& id : context.sessions.end_all_sessions(user_id, now_ms)) {
    context.tokens.revoke(user_id, id, now_ms);
  }
  context.tokens.revoke(user_id, "", now_ms);
  return context.disconnect_user(user_id, "Logged out");
}

/// Ends the sign-in of the refresh token, or of the access token if there is no refresh token, or
/// all sign-ins. Revokes the tokens before it closes the sockets, so that no socket can reconnect
/// with them.
HttpResponse logout(const ApiRequest& request, ApiContext& context) {
  std::string refresh_token;
  std::string device_token;
  bool everywhere = false;
  if (!request.http.body.empty()) {
    JsonBody body(request.http);
    refresh_token = body.optional_text("refreshToken", 8192);
    device_token = body.optional_text("deviceToken", 4096);
    everywhere = body.optional_flag("everywhere");
    if (auto refusal = body.refusal()) return std::move(*refusal);
  }
  const auto& user_id = request.caller.user_id;
  std::string session_id = request.caller.session_id;
  if (!refresh_token.empty()) {
    const auto claims = context.tokens.refresh_claims(refresh_token);
    if (claims && claims->user_id != user_id) {
      return problem(400, "refreshToken is another user's");
    }
    // A refresh token that is no longer good has nothing to end: end the caller's own sign-in.
    if (claims) session_id = claims->session_id;
  }
  if (!device_token.empty()) context.store.remove_device(user_id, device_token);

  std::optional<std::size_t> closed;
  if (everywhere || session_id.empty()) {  // Without a `sid` the sign-in is unknown.
    closed = end_everywhere(user_id, context);
  } else {
    const auto now_ms = context.now_ms();
    context.sessions.end_session(session_id, user_id, now_ms);
    context.tokens.revoke(user_id, session_id, now_ms);
    closed = context.disconnect_session(user_id, session_id, "Logged out");
  }
  // The sign-in has ended even if the count of sockets is unknown: then the server is stopping.
  return success({{"disconnected", closed.value_or(0)}});
}

}  // namespace

Routes auth_routes() {
  return {{"POST", "/api/v1/auth/login", Access::open, Lane::login, &login},
          {"POST", "/api/v1/auth/refresh", Access::open, Lane::reader, &refresh},
          {"POST", "/api/v1/auth/logout", Access::signed_in, Lane::writer, &logout},
          {"GET", "/api/v1/auth/me", Access::signed_in, Lane::reader, &me}};
}

}  // namespace order_server
