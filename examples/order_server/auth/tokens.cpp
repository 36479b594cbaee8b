// SPDX-License-Identifier: MIT
#include "auth/tokens.hpp"

#include <ordercast/auth/jwt_authenticator.hpp>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

namespace order_server {
namespace {

/// Maps each role to what it reaches. Tokens with any other role are refused.
std::vector<ordercast::JwtRole> token_roles() {
  std::vector<ordercast::JwtRole> roles;
  roles.reserve(all_roles.size());
  for (const auto& [role, name] : all_roles) roles.push_back({std::string(name), reach_of(role)});
  return roles;
}

ordercast::JwtOptions verify_options(const TokenOptions& options) {
  ordercast::JwtOptions verify;
  // Tokens that other tools sign with the shared secret name no key; neither do the reference's.
  verify.keys = {{"", ordercast::JwtAlgorithm::hs256, options.secret, true}};
  verify.roles = token_roles();
  verify.now = options.now;
  verify.max_cached_tokens = 1'000;  // About 0.3 MB: speeds up reconnects and repeated calls.
  return verify;
}

ordercast::JwtIssuerOptions issue_options(const TokenOptions& options) {
  ordercast::JwtIssuerOptions issue;
  issue.secret = options.secret;
  issue.roles = token_roles();
  issue.access_lifetime = options.access_lifetime;
  issue.refresh_lifetime = options.refresh_lifetime;
  issue.now = options.now;
  return issue;
}

}  // namespace

struct Tokens::State {
  explicit State(const TokenOptions& options)
      : authenticator(verify_options(options)),
        issuer(issue_options(options)),
        access_lifetime(options.access_lifetime),
        refresh_lifetime(options.refresh_lifetime),
        now(options.now) {}

  ordercast::JwtAuthenticator authenticator;
  ordercast::JwtIssuer issuer;
  std::chrono::seconds access_lifetime;
  std::chrono::seconds refresh_lifetime;
  std::function<std::chrono::system_clock::time_point()> now;
  mutable Revocations revocations;
};

Tokens::Tokens(const TokenOptions& options) : state_(std::make_shared<const State>(options)) {}

CallerResult Tokens::caller_of(std::string_view token) const noexcept {
  auto result = state_->authenticator.verify(token);
  if (auto* failure = std::get_if<ordercast::AuthFailure>(&result)) return std::move(*failure);
  auto& claims = std::get<ordercast::JwtClaims>(result);
  try {
    if (state_->revocations.is_void(claims.subject, claims.session_id, claims.issued_at)) {
      return ordercast::AuthFailure{"Invalid token", "the sign-in has ended"};
    }
  } catch (...) {  // no memory
    return ordercast::AuthFailure{"Invalid token", "internal error"};
  }
  const auto role = role_from_string(claims.role);
  if (!role)
    return ordercast::AuthFailure{
        "Invalid token", "internal error"};  // Can't happen: the authenticator knows the roles.
  return Caller{std::move(claims.subject), *role, std::move(claims.organization_id),
                std::move(claims.session_id)};
}

ordercast::AuthResult Tokens::authenticate(std::string_view token) const noexcept {
  auto result = caller_of(token);
  if (auto* failure = std::get_if<ordercast::AuthFailure>(&result)) return std::move(*failure);
  auto& caller = std::get<Caller>(result);
  return ordercast::Identity{std::move(caller.user_id), reach_of(caller.role),
                             std::move(caller.organization_id), std::move(caller.session_id)};
}

std::optional<RefreshClaims> Tokens::refresh_claims(std::string_view token) const noexcept {
  auto result = state_->authenticator.verify(token, ordercast::TokenKind::refresh);
  auto* claims = std::get_if<ordercast::JwtClaims>(&result);
  if (claims == nullptr) return std::nullopt;
  RefreshClaims refresh{std::move(claims->subject), std::move(claims->session_id), std::nullopt};
  if (claims->issued_at) {
    refresh.issued_at_ms = std::chrono::milliseconds(claims->issued_at->time_since_epoch()).count();
  }
  return refresh;
}

std::string Tokens::issue_access(const User& user, std::string_view session_id) const {
  return state_->issuer.issue_access({user.id, to_string(user.role), user.organization_id},
                                     user.email, session_id);
}

std::string Tokens::issue_refresh(const User& user, std::string_view session_id) const {
  return state_->issuer.issue_refresh(user.id, session_id);
}

void Tokens::revoke(std::string_view user_id, std::string_view session_id,
                    std::int64_t at_ms) const {
  using std::chrono::floor;
  using std::chrono::seconds;
  const auto now = floor<seconds>(state_->now());
  const Revocations::Seconds at(floor<seconds>(std::chrono::milliseconds(at_ms)));
  // Other tools may sign tokens that live longer than ours.
  const auto until =
      std::max(now, at) + std::max<seconds>(2 * state_->access_lifetime, std::chrono::hours(24));
  if (session_id.empty()) {
    state_->revocations.end_unnamed(user_id, at, until);
  } else {
    state_->revocations.end_session(session_id, now, until);
  }
}

void Tokens::set_disabled(std::string_view user_id, bool is_disabled) const {
  state_->revocations.set_disabled(user_id, is_disabled);
}

std::chrono::seconds Tokens::access_lifetime() const noexcept {
  return state_->access_lifetime;
}

std::chrono::seconds Tokens::refresh_lifetime() const noexcept {
  return state_->refresh_lifetime;
}

}  // namespace order_server
