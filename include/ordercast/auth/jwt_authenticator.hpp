// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/auth/detail/jwt_verifier.hpp>
#include <ordercast/auth/detail/role_table.hpp>
#include <ordercast/auth/jwt_types.hpp>
#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <jwt/jwt.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// JSON Web Tokens (RFC 7519) as access and refresh tokens: `JwtAuthenticator` verifies them,
/// `JwtIssuer` makes them. Nothing outside this folder sees cpp-jwt.
///
///     JwtOptions options;
///     options.keys = {{"2024-06", JwtAlgorithm::hs256, secret, true}};
///     options.roles = {{"BUYER", Reach::own}, {"SELLER", Reach::organization}};
///     const JwtAuthenticator authenticator(options);
///     const AuthResult who = authenticator.authenticate(token);
///
/// cpp-jwt issues the tokens and computes their HMAC. It is never given a token to decode: its
/// decoder reads claims before it has checked the signature, and unsigned tokens can crash it.
/// Here a token goes through bounds, strict base64url and a strict reader of the header; the header
/// names one key, which stands for one algorithm; the signature is checked; and only what the key's
/// owner has signed is read further. docs/adr/0002-jwt-verification.md gives the reasons.
namespace ordercast {

/// Verifies JSON Web Tokens; an Authenticator for `Services`.
///
/// Immutable, except for its cache of tokens (`JwtOptions::max_cached_tokens`): many threads may
/// use one object at once, and copies share one state. The cost is linear in the token, which is
/// bounded: a few microseconds for HS256, tens for RS256 and ES256, and less than one for a cached
/// token. A moved-from object may only be assigned to or destroyed.
class JwtAuthenticator {
 public:
  /// Parses and checks every key and role. Throws std::invalid_argument if an option is out of
  /// range; if there is no key, two keys have the same id, or two serve tokens without `kid`; if a
  /// key is empty, weak, malformed, or of the wrong type for its algorithm; if there are no roles,
  /// or a role's name is empty or repeated. No message contains key material.
  explicit JwtAuthenticator(JwtOptions options);

  /// Returns the identity in an access token. An empty token fails with `Missing token`, anything
  /// else with `Invalid token`. Never throws. The failure's `detail` lives as long as the
  /// authenticator or a copy of it.
  [[nodiscard]] AuthResult authenticate(std::string_view token) const noexcept;

  /// Returns the claims of a token of that kind. Fails like `authenticate`. Never throws.
  [[nodiscard]] JwtResult verify(std::string_view token,
                                 TokenKind kind = TokenKind::access) const noexcept;

 private:
  std::shared_ptr<const detail::jose::Verifier> verifier_;
};

/// The user of an access token.
struct JwtUser {
  std::string_view id;
  std::string_view role;
  std::string_view organization_id = {};  ///< Used only if the role's reach is an organization.
};

/// Options of a `JwtIssuer`.
struct JwtIssuerOptions {
  /// The HS256 secret.
  std::string secret;

  /// As in `JwtOptions`: at least one, no name twice.
  std::vector<JwtRole> roles;

  /// Goes into `kid`. Empty: no `kid`.
  std::string key_id;

  /// Goes into `iss`. Empty: no `iss`.
  std::string issuer;

  /// Goes into `aud`. Empty: no `aud`.
  std::string audience;

  /// How long a token is valid. Positive, and at most ten years.
  std::chrono::seconds access_lifetime = std::chrono::minutes(15);
  std::chrono::seconds refresh_lifetime = std::chrono::hours(24 * 30);

  /// As in `JwtOptions`.
  bool allow_short_secret = false;

  WallClock now = &std::chrono::system_clock::now;
};

/// Issues HS256 tokens that a `JwtAuthenticator` with the same secret accepts.
///
/// Immutable: many threads may use one object at once. Takes microseconds for each token.
class JwtIssuer {
 public:
  /// Throws std::invalid_argument for a secret or roles that `JwtAuthenticator` would refuse, and
  /// for a lifetime that is out of range.
  explicit JwtIssuer(JwtIssuerOptions options);

  /// Issues an access token for that user. Throws std::invalid_argument for a user that no
  /// authenticator would accept: an id that is empty or over 128 bytes, an unknown role, a missing
  /// organization, text that is not UTF-8 or contains NUL, claims too long for a token. Omits an
  /// empty email. `session_id` goes into `sid`; empty: no `sid`.
  [[nodiscard]] std::string issue_access(const JwtUser& user, std::string_view email,
                                         std::string_view session_id = {}) const;

  /// Issues a refresh token. It names only the user, so that a changed role takes effect with the
  /// next access token. Throws like `issue_access`.
  [[nodiscard]] std::string issue_refresh(std::string_view user_id,
                                          std::string_view session_id = {}) const;

 private:
  /// Return a text or an id that `JwtAuthenticator` accepts as a claim, or throw
  /// std::invalid_argument.
  [[nodiscard]] static std::string text_claim(std::string_view text);
  [[nodiscard]] static std::string id_claim(std::string_view text);

  /// Starts with the claims that every token has; then signs the token.
  [[nodiscard]] jwt::jwt_object start(std::string_view user_id, std::chrono::seconds life) const;
  [[nodiscard]] static std::string finish(const jwt::jwt_object& token);

  JwtIssuerOptions options_;  // Its roles have moved to roles_.
  detail::jose::RoleTable roles_;
};

inline JwtAuthenticator::JwtAuthenticator(JwtOptions options)
    : verifier_(std::make_shared<const detail::jose::Verifier>(std::move(options))) {}

inline JwtResult JwtAuthenticator::verify(std::string_view token, TokenKind kind) const noexcept {
  try {
    return verifier_->verify(token, kind);
  } catch (...) {                                           // no memory, or the clock threw
    return AuthFailure{"Invalid token", "internal error"};  // Short enough to need no memory.
  }
}

inline AuthResult JwtAuthenticator::authenticate(std::string_view token) const noexcept {
  auto result = verify(token, TokenKind::access);
  if (auto* const failure = std::get_if<AuthFailure>(&result)) return std::move(*failure);
  auto& claims = std::get<JwtClaims>(result);
  return Identity{std::move(claims.subject), claims.reach, std::move(claims.organization_id),
                  std::move(claims.session_id)};
}

inline JwtIssuer::JwtIssuer(JwtIssuerOptions options)
    : options_(std::move(options)), roles_(std::move(options_.roles)) {
  detail::jose::check_secret(options_.key_id, options_.secret, options_.allow_short_secret);
  constexpr std::chrono::hours most(24 * 3653);
  for (const auto lifetime : {options_.access_lifetime, options_.refresh_lifetime}) {
    if (lifetime <= std::chrono::seconds(0) || lifetime > most) {
      throw std::invalid_argument("jwt: a lifetime is positive and at most ten years");
    }
  }
  if (!options_.now) throw std::invalid_argument("jwt: there is no clock");
}

inline std::string JwtIssuer::issue_access(const JwtUser& user, std::string_view email,
                                           std::string_view session_id) const {
  const auto reach = roles_.find(user.role);
  if (!reach) throw std::invalid_argument("jwt: " + roles_.unknown());
  auto token = start(user.id, options_.access_lifetime);
  token.payload().add_claim("role", std::string(user.role));
  if (*reach == Reach::organization) {
    token.payload().add_claim("organizationId", id_claim(user.organization_id));
  }
  if (!email.empty()) token.payload().add_claim("email", text_claim(email));
  if (!session_id.empty()) token.payload().add_claim("sid", id_claim(session_id));
  return finish(token);
}

inline std::string JwtIssuer::issue_refresh(std::string_view user_id,
                                            std::string_view session_id) const {
  auto token = start(user_id, options_.refresh_lifetime);
  token.payload().add_claim("type", std::string("refresh"));
  if (!session_id.empty()) token.payload().add_claim("sid", id_claim(session_id));
  return finish(token);
}

inline std::string JwtIssuer::text_claim(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    throw std::invalid_argument("jwt: a claim holds NUL");
  }
  return std::string(text);
}

inline std::string JwtIssuer::id_claim(std::string_view text) {
  std::string id = text_claim(text);
  if (!detail::jose::is_id(&id)) throw std::invalid_argument("jwt: an id is 1 to 128 bytes");
  return id;
}

inline jwt::jwt_object JwtIssuer::start(std::string_view user_id, std::chrono::seconds life) const {
  jwt::jwt_object token{jwt::params::algorithm(jwt::algorithm::HS256),
                        jwt::params::secret(options_.secret)};
  if (!options_.key_id.empty()) token.header().add_header("kid", text_claim(options_.key_id));
  auto& claims = token.payload();
  const auto now = std::chrono::floor<std::chrono::seconds>(options_.now());
  claims.add_claim("sub", id_claim(user_id));
  claims.add_claim("iat", std::int64_t{now.time_since_epoch().count()});
  claims.add_claim("exp", std::int64_t{(now + life).time_since_epoch().count()});
  if (!options_.issuer.empty()) claims.add_claim("iss", text_claim(options_.issuer));
  if (!options_.audience.empty()) claims.add_claim("aud", text_claim(options_.audience));
  return token;
}

inline std::string JwtIssuer::finish(const jwt::jwt_object& token) {
  std::string text;
  try {
    text = token.signature();
  } catch (const nlohmann::json::exception&) {
    throw std::invalid_argument("jwt: a claim is not UTF-8");
  }
  if (text.size() > default_max_token_bytes) throw std::invalid_argument("jwt: claims too long");
  return text;
}

}  // namespace ordercast
