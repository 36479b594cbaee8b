// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/auth/detail/base64url.hpp>
#include <ordercast/auth/detail/public_key.hpp>
#include <ordercast/auth/detail/role_table.hpp>
#include <ordercast/auth/detail/strict_json.hpp>
#include <ordercast/auth/detail/verified_tokens.hpp>
#include <ordercast/auth/jwt_types.hpp>
#include <ordercast/http.hpp>
#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <jwt/jwt.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// Verifies a token, step by step. Values here are immutable or local to one call.
namespace ordercast::detail::jose {

inline constexpr std::size_t max_id_bytes = 128;

[[noreturn]] inline void refuse_key(const std::string& id, std::string_view why) {
  throw std::invalid_argument("jwt key '" + id + "': " + std::string(why));
}

/// Throws std::invalid_argument for a secret that is empty, too short (unless allowed), or a PEM
/// file: a public key used as a secret would let everyone sign.
inline void check_secret(const std::string& id, std::string_view secret, bool allow_short) {
  if (secret.empty()) refuse_key(id, "the secret is empty");
  if (!allow_short && secret.size() < min_hmac_secret_bytes) {
    refuse_key(id, "the secret is shorter than 32 bytes");
  }
  if (secret.find("-----BEGIN ") != std::string_view::npos) {
    refuse_key(id, "a PEM file can't be an HS256 secret");
  }
}

/// Returns the HMAC-SHA256 of `input`; empty if OpenSSL fails.
[[nodiscard]] inline std::string hmac_sha256(std::string_view secret, std::string_view input) {
  auto [mac, error] = jwt::HMACSign<jwt::algo::HS256>::sign({secret.data(), secret.size()},
                                                            {input.data(), input.size()});
  return error ? std::string{} : std::move(mac);
}

/// A configured key, ready for use.
class VerificationKey {
 public:
  VerificationKey(JwtKey key, bool allow_short_secret)
      : id_(std::move(key.id)), algorithm_(key.algorithm), without_kid_(key.without_kid) {
    if (id_.empty() && !without_kid_) refuse_key(id_, "no token could choose it");
    if (algorithm_ == JwtAlgorithm::hs256) {
      check_secret(id_, key.material, allow_short_secret);
      secret_ = std::move(key.material);
      return;
    }
    try {
      public_key_ = algorithm_ == JwtAlgorithm::rs256 ? PublicKey::rs256(key.material)
                                                      : PublicKey::es256(key.material);
    } catch (const std::invalid_argument& error) {
      refuse_key(id_, error.what());
    }
  }

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] JwtAlgorithm algorithm() const noexcept { return algorithm_; }
  [[nodiscard]] bool without_kid() const noexcept { return without_kid_; }

  [[nodiscard]] bool verify(std::string_view input, std::string_view signature) const {
    if (public_key_) return public_key_->verify(input, signature);
    const OpensslErrorScope errors;
    const std::string mac = hmac_sha256(secret_, input);
    return !mac.empty() && equal_in_constant_time(mac, signature);
  }

 private:
  std::string id_;
  JwtAlgorithm algorithm_;
  bool without_kid_;
  std::string secret_;
  std::optional<PublicKey> public_key_;
};

/// The three parts of a compact JWS (RFC 7515 section 7.1), still encoded. None is empty.
struct JwtParts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_input;  ///< Header, dot, payload.
};

[[nodiscard]] inline std::optional<JwtParts> split_token(std::string_view token) noexcept {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const JwtParts parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                       token.substr(second + 1), token.substr(0, second)};
  if (parts.header.empty() || parts.payload.empty() || parts.signature.empty() ||
      parts.signature.find('.') != std::string_view::npos) {
    return std::nullopt;
  }
  return parts;
}

[[nodiscard]] inline std::optional<JsonObject> decode_json_object(std::string_view encoded) {
  const auto json = base64url_decode(encoded);
  return json ? parse_json_object(*json) : std::nullopt;
}

/// Returns true for the `typ` of a JWT (RFC 7519 section 5.1) and of an access token (RFC 9068
/// section 4). They are media types: case does not matter, and "application/" may be omitted.
[[nodiscard]] inline bool is_jwt_type(std::string_view typ) noexcept {
  constexpr std::string_view prefix = "application/";
  if (iequals(typ.substr(0, prefix.size()), prefix)) typ.remove_prefix(prefix.size());
  return iequals(typ, "JWT") || iequals(typ, "at+jwt");
}

/// How to round a time to whole seconds.
enum class Rounding : std::uint8_t { down, up };

/// Reads a NumericDate (RFC 7519 section 2), perhaps with a fraction, from 1970 to 9999; nullopt
/// for any other value. So the arithmetic can't overflow, and milliseconds are not taken for
/// seconds.
[[nodiscard]] inline std::optional<UnixSeconds> numeric_date(const JsonMember& member,
                                                             Rounding rounding) noexcept {
  constexpr double end_of_9999 = 253'402'300'799;
  const bool is_number = member.kind == JsonKind::integer || member.kind == JsonKind::number;
  // Written so that NaN fails; -0.5 and -0.0 are negative.
  if (!is_number || std::signbit(member.number) || !(member.number <= end_of_9999)) {
    return std::nullopt;
  }
  const double whole =
      rounding == Rounding::down ? std::floor(member.number) : std::ceil(member.number);
  return UnixSeconds(std::chrono::seconds(static_cast<std::int64_t>(whole)));
}

[[nodiscard]] inline bool is_id(const std::string* text) noexcept {
  return text != nullptr && !text->empty() && text->size() <= max_id_bytes;
}

/// Returns true if there is no `aud` and none is required, or if it is, or contains, the required
/// one.
[[nodiscard]] inline bool audience_matches(const JsonMember* aud, std::string_view wanted) {
  if (aud == nullptr) return wanted.empty();
  if (wanted.empty()) return false;
  if (aud->kind == JsonKind::string) return aud->text == wanted;
  return aud->kind == JsonKind::string_array &&
         std::find(aud->texts.begin(), aud->texts.end(), wanted) != aud->texts.end();
}

/// The steps of a verification in their required order: nothing is decoded before its size is
/// checked, and the payload not before its signature is verified.
///
/// The `check_*` functions return what is wrong, or an empty text, and fill in what they checked.
class Verifier {
 public:
  explicit Verifier(JwtOptions options)
      : options_(std::move(options)), roles_(std::move(options_.roles)) {
    constexpr std::chrono::hours most(1);
    const auto in_range = [&](std::chrono::seconds value) {
      return value >= std::chrono::seconds(0) && value <= most;
    };
    if (!in_range(options_.expiry_leeway) || !in_range(options_.clock_skew)) {
      throw std::invalid_argument("jwt: a leeway is at least 0 s and at most an hour");
    }
    if (options_.max_token_bytes == 0 || options_.max_token_bytes > 65'536) {
      throw std::invalid_argument("jwt: max_token_bytes is 1 to 65,536");
    }
    if (options_.max_cached_tokens > 1'000'000) {
      throw std::invalid_argument("jwt: max_cached_tokens is 0 to 1,000,000");
    }
    if (!options_.now) throw std::invalid_argument("jwt: there is no clock");
    if (options_.keys.empty()) throw std::invalid_argument("jwt: there is no key");
    for (auto& key : options_.keys) add_key(std::move(key));
    options_.keys.clear();
    if (options_.max_cached_tokens != 0) verified_.emplace(options_.max_cached_tokens);
  }

  [[nodiscard]] JwtResult verify(std::string_view token, TokenKind kind) const {
    if (token.empty()) return AuthFailure{"Missing token", "no token"};
    if (token.size() > options_.max_token_bytes) return refused("token too long");
    if (!verified_ || kind != TokenKind::access) return verify_signed(token, kind);

    const auto digest = digest_of(token);
    if (!digest) return verify_signed(token, kind);
    if (auto known = verified_->find(*digest)) {
      if (const auto wrong = check_now(*known); !wrong.empty()) return refused(wrong);
      return std::move(*known);
    }
    auto result = verify_signed(token, kind);
    if (const auto* claims = std::get_if<JwtClaims>(&result)) remember(*digest, *claims);
    return result;
  }

 private:
  void remember(const TokenDigest& digest, const JwtClaims& claims) const {
    try {
      verified_->add(digest, claims);
    } catch (const std::bad_alloc&) {  // Then the token is verified again next time.
    }
  }

  /// Checks what depends on the time. Also applies to cached tokens, since clocks are set forward
  /// and back.
  [[nodiscard]] std::string_view check_now(const JwtClaims& claims) const {
    const auto now = std::chrono::floor<std::chrono::seconds>(options_.now());
    if (claims.expires_at + options_.expiry_leeway <= now) return "expired";
    if (claims.not_before && *claims.not_before > now + options_.clock_skew) {
      return "not valid yet";
    }
    return {};
  }

  [[nodiscard]] JwtResult verify_signed(std::string_view token, TokenKind kind) const {
    const auto parts = split_token(token);
    if (!parts) return refused("not three parts");

    const auto header = decode_json_object(parts->header);
    if (!header) return refused("malformed header");
    const VerificationKey* key = find_key(*header);
    if (const auto bad = check_header(*header, key); !bad.empty()) return refused(bad);

    const auto signature = base64url_decode(parts->signature);
    if (!signature) return refused("malformed signature");
    if (!key->verify(parts->signed_input, *signature)) return refused("bad signature");

    const auto payload = decode_json_object(parts->payload);
    if (!payload) return refused("malformed payload");
    JwtClaims claims;
    auto wrong = check_times(*payload, claims);
    if (wrong.empty()) wrong = check_parties(*payload);
    if (wrong.empty()) wrong = check_kind(*payload, kind, claims);
    if (wrong.empty()) wrong = check_user(*payload, kind, claims);
    if (!wrong.empty()) return refused(wrong);
    return claims;
  }

  [[nodiscard]] static AuthFailure refused(std::string_view detail) {
    return {"Invalid token", std::string(detail)};
  }

  void add_key(JwtKey key) {
    for (const auto& other : keys_) {
      if (other.id() == key.id) refuse_key(key.id, "the id is used twice");
      if (other.without_kid() && key.without_kid) {
        refuse_key(key.id, "another key serves the tokens without kid");
      }
    }
    keys_.emplace_back(std::move(key), options_.allow_short_secret);
  }

  /// Returns the key that the header names, or the one for tokens that name none; null if there is
  /// none.
  [[nodiscard]] const VerificationKey* find_key(const JsonObject& header) const noexcept {
    const bool unnamed = header.find("kid") == nullptr;
    const std::string* kid = header.find_text("kid");
    for (const auto& key : keys_) {
      if (unnamed ? key.without_kid() : kid != nullptr && !kid->empty() && key.id() == *kid) {
        return &key;
      }
    }
    return nullptr;
  }

  [[nodiscard]] static std::string_view check_header(const JsonObject& header,
                                                     const VerificationKey* key) noexcept {
    // RFC 7515 section 4.1.11: extensions in `crit` must be supported, and none is.
    if (header.find("crit") != nullptr) return "crit";
    if (header.find("typ") != nullptr) {
      const std::string* typ = header.find_text("typ");
      if (typ == nullptr || !is_jwt_type(*typ)) return "wrong typ";
    }
    const std::string* alg = header.find_text("alg");
    if (alg == nullptr) return "no alg";
    if (key == nullptr) return "unknown key";
    if (*alg != to_string(key->algorithm())) return "wrong alg";
    return {};
  }

  [[nodiscard]] std::string_view check_times(const JsonObject& payload, JwtClaims& claims) const {
    const JsonMember* exp = payload.find("exp");
    if (exp == nullptr) return "no exp";
    // Round so that a token is never valid for longer than it says.
    const auto expires_at = numeric_date(*exp, Rounding::down);
    if (!expires_at) return "malformed exp";
    claims.expires_at = *expires_at;

    if (const JsonMember* nbf = payload.find("nbf")) {
      claims.not_before = numeric_date(*nbf, Rounding::up);
      if (!claims.not_before) return "malformed nbf";
    }
    if (const JsonMember* iat = payload.find("iat")) {
      claims.issued_at = numeric_date(*iat, Rounding::down);
      if (!claims.issued_at) return "malformed iat";
    }
    return check_now(claims);
  }

  [[nodiscard]] std::string_view check_parties(const JsonObject& payload) const {
    if (!options_.issuer.empty()) {
      const std::string* iss = payload.find_text("iss");
      if (iss == nullptr || *iss != options_.issuer) return "wrong issuer";
    }
    if (!audience_matches(payload.find("aud"), options_.audience)) return "wrong audience";
    return {};
  }

  [[nodiscard]] static std::string_view check_kind(const JsonObject& payload, TokenKind kind,
                                                   JwtClaims& claims) {
    const JsonMember* type = payload.find("type");
    if (kind == TokenKind::access) return type == nullptr ? "" : "not an access token";
    const std::string* text = payload.find_text("type");
    if (text == nullptr || *text != "refresh") return "not a refresh token";
    claims.type = *text;
    return {};
  }

  [[nodiscard]] std::string_view check_user(const JsonObject& payload, TokenKind kind,
                                            JwtClaims& claims) const {
    const std::string* sub = payload.find_text("sub");
    if (!is_id(sub)) return "malformed sub";
    claims.subject = *sub;

    if (payload.find("sid") != nullptr) {
      const std::string* sid = payload.find_text("sid");
      if (!is_id(sid)) return "malformed sid";
      claims.session_id = *sid;
    }

    if (const std::string* email = payload.find_text("email")) claims.email = *email;

    if (payload.find("role") == nullptr && kind == TokenKind::refresh) return {};
    const std::string* role = payload.find_text("role");
    const auto reach = role == nullptr ? std::nullopt : roles_.find(*role);
    if (!reach) return roles_.unknown();
    claims.role = *role;
    claims.reach = *reach;

    if (claims.reach == Reach::organization) {
      const std::string* organization_id = payload.find_text("organizationId");
      if (!is_id(organization_id)) return "malformed organizationId";
      claims.organization_id = *organization_id;
    }
    return {};
  }

  JwtOptions options_;  // Its roles and keys have moved to roles_ and keys_.
  RoleTable roles_;
  std::vector<VerificationKey> keys_;
  mutable std::optional<VerifiedTokens> verified_;  // Has its own lock.
};

}  // namespace ordercast::detail::jose
