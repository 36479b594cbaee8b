// SPDX-License-Identifier: MIT
#include "auth/tokens.hpp"

#include <ordercast/auth/jwt_authenticator.hpp>

#include <utility>
#include <variant>

namespace order_server {
namespace {

ordercast::JwtOptions verify_options(const TokenOptions& options) {
  ordercast::JwtOptions verify;
  // Tokens that other tools sign with the shared secret name no key, as the reference's don't.
  verify.keys = {{"", ordercast::JwtAlgorithm::hs256, options.secret, true}};
  verify.now = options.now;
  verify.max_cached_tokens = 1'000;  // Some 0.3 MB: who comes back, and who asks again.
  return verify;
}

ordercast::JwtIssuerOptions issue_options(const TokenOptions& options) {
  ordercast::JwtIssuerOptions issue;
  issue.secret = options.secret;
  issue.access_lifetime = options.access_lifetime;
  issue.refresh_lifetime = options.refresh_lifetime;
  issue.now = options.now;
  return issue;
}

}  // namespace

struct Tokens::State {
  ordercast::JwtAuthenticator authenticator;
  ordercast::JwtIssuer issuer;
};

Tokens::Tokens(const TokenOptions& options)
    : state_(
          std::make_shared<const State>(State{ordercast::JwtAuthenticator(verify_options(options)),
                                              ordercast::JwtIssuer(issue_options(options))})) {}

ordercast::AuthResult Tokens::authenticate(std::string_view token) const noexcept {
  return state_->authenticator.authenticate(token);
}

std::optional<std::string> Tokens::refresh_subject(std::string_view token) const noexcept {
  auto result = state_->authenticator.verify(token, ordercast::TokenKind::refresh);
  auto* claims = std::get_if<ordercast::JwtClaims>(&result);
  if (claims == nullptr) return std::nullopt;
  return std::move(claims->subject);
}

std::string Tokens::issue_access(const User& user) const {
  return state_->issuer.issue_access({user.id, user.role, user.organization_id}, user.email);
}

std::string Tokens::issue_refresh(const User& user) const {
  return state_->issuer.issue_refresh(user.id);
}

}  // namespace order_server
