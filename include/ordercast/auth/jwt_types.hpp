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

/// What jwt_authenticator.hpp takes and answers: keys, options, claims. Plain values: distinct
/// objects may be used from any thread, one object by one thread at a time.
namespace ordercast {

/// What a key may be used for. A key has one algorithm, so a token can't choose.
enum class JwtAlgorithm : std::uint8_t { hs256, rs256, es256 };

/// The `alg` value of an algorithm (RFC 7518 section 3.1).
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

/// Fits any token of ours several times over; see `JwtOptions::max_token_bytes`.
inline constexpr std::size_t default_max_token_bytes = 4096;

/// Tells the time of day, which tokens are dated in. Called on every thread that verifies.
using WallClock = std::function<std::chrono::system_clock::time_point()>;

/// A whole second of Unix time, as tokens carry it.
using UnixSeconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

/// A key that tokens are verified with.
struct JwtKey {
  /// Matches a token's `kid`. Empty: no token can name it, so `without_kid` must be set.
  std::string id;
  JwtAlgorithm algorithm = JwtAlgorithm::hs256;
  /// HS256: the secret, any bytes. RS256, ES256: the public key as PEM (`BEGIN PUBLIC KEY`).
  std::string material;
  /// Verifies the tokens that have no `kid` too. At most one key may.
  bool without_kid = false;
};

/// What a `role` claim means: a row of the table that an application gives. A role whose reach is
/// an organization goes with the claim `organizationId`, which other roles' tokens may not need.
///
///     options.roles = {{"BUYER", Reach::own},
///                      {"SELLER", Reach::organization},
///                      {"OPS", Reach::everything}};
struct JwtRole {
  std::string name;
  Reach reach = Reach::own;
};

/// How to verify. Rotation: add the new key, let the issuer use it, and take the old one out when
/// its last token has expired.
struct JwtOptions {
  /// At least one. Look-up is linear.
  std::vector<JwtKey> keys;

  /// The roles that tokens may name, at least one, no name twice. Tokens with another role are
  /// refused. Look-up is linear.
  std::vector<JwtRole> roles;

  /// What `iss` must be. Empty: anything, or nothing.
  std::string issuer;

  /// What `aud` must be, or hold if it is an array. Empty: a token with an `aud` is refused, since
  /// it is meant for somebody else (RFC 7519 section 4.1.3).
  std::string audience;

  /// How long a token is good after its `exp`. 0: refused from the second of `exp` on. At most an
  /// hour.
  std::chrono::seconds expiry_leeway{0};

  /// How far `nbf` may lie in the future, for issuers whose clock is ahead. 0: not at all. At most
  /// an hour. `iat` is information (RFC 7519 section 4.1.6) and never a reason to refuse.
  std::chrono::seconds clock_skew{60};

  /// Longer tokens are refused unread. This bounds the cost of a token. 1 to 65,536.
  std::size_t max_token_bytes = default_max_token_bytes;

  /// How many verified access tokens are remembered, so that a client who reconnects, or asks
  /// again, costs a SHA-256 of its token instead of the check of its signature. A remembered token
  /// expires as any other. 0: none. At most a million, of some 300 bytes each.
  std::size_t max_cached_tokens = 0;

  /// Lets HMAC secrets be shorter than 32 bytes, for benchmarks. An empty one is always refused.
  bool allow_short_secret = false;

  WallClock now = &std::chrono::system_clock::now;
};

/// Which tokens are asked for.
enum class TokenKind : std::uint8_t {
  access,   ///< Has no `type` claim at all.
  refresh,  ///< Has `"type":"refresh"`.
};

/// What a verified token says.
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
