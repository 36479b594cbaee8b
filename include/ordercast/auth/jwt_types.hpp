// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The types of jwt_authenticator.hpp: keys, options, claims. Plain values: distinct objects may be
/// used from any thread, one object by one thread at a time.
namespace ordercast {

/// The algorithm of a key. A key has only one, so a token can't choose.
enum class JwtAlgorithm : std::uint8_t { hs256, rs256, es256 };

/// Returns the `alg` value of an algorithm (RFC 7518 section 3.1).
[[nodiscard]] constexpr std::string_view to_string(JwtAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case JwtAlgorithm::hs256:
      return "HS256";
    case JwtAlgorithm::rs256:
      return "RS256";
    case JwtAlgorithm::es256:
      return "ES256";
  }
  return "HS256";
}

/// RFC 7518 section 3.2: an HMAC key is at least as long as the hash.
inline constexpr std::size_t min_hmac_secret_bytes = 32;

/// Several times the length of any token issued here; see `JwtOptions::max_token_bytes`.
inline constexpr std::size_t default_max_token_bytes = 4096;

/// Returns the wall-clock time, which tokens use. Called on every thread that verifies.
using WallClock = std::function<std::chrono::system_clock::time_point()>;

/// A whole second of Unix time, as tokens carry it.
using UnixSeconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

/// A key that tokens are verified with.
struct JwtKey {
  /// Matches a token's `kid`. If empty, no token can name it, so `without_kid` must be set.
  std::string id;
  JwtAlgorithm algorithm = JwtAlgorithm::hs256;
  /// HS256: the secret, any bytes. RS256, ES256: the public key as PEM (`BEGIN PUBLIC KEY`).
  std::string material;
  /// Also verifies tokens without `kid`. At most one key may.
  bool without_kid = false;
};

/// A row of the application's table of roles: maps a `role` claim to a reach. A role whose reach is
/// an organization requires the claim `organizationId`; other roles don't.
///
///     options.roles = {{"BUYER", Reach::own},
///                      {"SELLER", Reach::organization},
///                      {"OPS", Reach::everything}};
struct JwtRole {
  std::string name;
  Reach reach = Reach::own;
};

/// Options of a `JwtAuthenticator`. To rotate a key, add the new one, let the issuer use it, and
/// remove the old one when its last token has expired.
struct JwtOptions {
  /// At least one. Look-up is linear.
  std::vector<JwtKey> keys;

  /// The roles that tokens may name: at least one, without repeated names. Tokens with any other
  /// role are refused. Look-up is linear.
  std::vector<JwtRole> roles;

  /// The required `iss`. Empty: any or none.
  std::string issuer;

  /// The required `aud`, or an element of it if it is an array. Empty: refuses a token with an
  /// `aud`, since it is meant for somebody else (RFC 7519 section 4.1.3).
  std::string audience;

  /// How long a token is valid after its `exp`. 0: refused from the second of `exp` on. At most an
  /// hour.
  std::chrono::seconds expiry_leeway{0};

  /// How far `nbf` may lie in the future, for issuers whose clock is ahead. 0: not at all. At most
  /// an hour. `iat` is information (RFC 7519 section 4.1.6) and never a reason to refuse.
  std::chrono::seconds clock_skew{60};

  /// Longer tokens are refused unread. This bounds the cost of a token. 1 to 65,536.
  std::size_t max_token_bytes = default_max_token_bytes;

  /// How many verified access tokens are cached, so that a reconnect or a further call costs a
  /// SHA-256 of the token instead of a signature check. A cached token expires like any other. 0:
  /// none. At most a million, about 300 bytes each.
  std::size_t max_cached_tokens = 0;

  /// Lets HMAC secrets be shorter than 32 bytes, for benchmarks. An empty one is always refused.
  bool allow_short_secret = false;

  WallClock now = &std::chrono::system_clock::now;
};

/// The kind of a token.
enum class TokenKind : std::uint8_t {
  access,   ///< Has no `type` claim at all.
  refresh,  ///< Has `"type":"refresh"`.
};

/// The claims of a verified token.
struct JwtClaims {
  std::string subject;          ///< `sub`: the user id, 1 to 128 bytes.
  std::string role;             ///< Its name; empty in a refresh token without one.
  Reach reach = Reach::own;     ///< What the role reaches.
  std::string organization_id;  ///< Empty unless the reach is an organization.
  std::string email;            ///< Empty when absent.
  std::optional<UnixSeconds> issued_at;
  std::optional<UnixSeconds> not_before;
  UnixSeconds expires_at;
  std::string session_id;  ///< `sid`: the sign-in that the token comes from; empty when absent.
  std::string type;        ///< Empty in an access token.
};

using JwtResult = std::variant<JwtClaims, AuthFailure>;

}  // namespace ordercast
