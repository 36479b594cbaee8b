// SPDX-License-Identifier: MIT
#pragma once

#include "../support/json_helpers.hpp"
#include "../support/signing.hpp"

#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

/// Makes tokens and signatures with OpenSSL only, so that the server's code never checks itself.
namespace ordercast::test {

[[nodiscard]] inline std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(digits[byte >> 4U]);
    out.push_back(digits[byte & 0xFU]);
  }
  return out;
}

/// Decodes base64url; stops at the first invalid character.
[[nodiscard]] inline std::string from_base64url(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) break;
    bits = (bits << 6U) | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> count) & 0xFFU));
    }
  }
  return out;
}

/// Returns the claims of a token without verifying it; null if they can't be read.
[[nodiscard]] inline Json claims_of(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return {};
  return parse_json(
      from_base64url(token.substr(first + 1, token.find('.', first + 1) - first - 1)));
}

/// Signs a token from the texts of its header and claims, which need not be valid JSON.
[[nodiscard]] inline std::string sign_token(std::string_view secret, std::string_view header,
                                            std::string_view claims) {
  const std::string signed_part = base64url(header) + "." + base64url(claims);
  return signed_part + "." + base64url(hmac_sha256(secret, signed_part));
}

inline constexpr std::string_view hs256_header = R"({"alg":"HS256","typ":"JWT"})";

[[nodiscard]] inline std::string sign_token(std::string_view secret, const Json& claims) {
  return sign_token(secret, hs256_header, claims.dump());
}

/// The claims of a valid access token, for a test to change.
[[nodiscard]] inline Json access_claims(const std::string& user_id, const std::string& role,
                                        const std::string& organization_id = {}) {
  const auto now = static_cast<long long>(std::time(nullptr));
  Json claims = {{"sub", user_id},
                 {"role", role},
                 {"email", user_id + "@test.example"},
                 {"iat", now},
                 {"exp", now + 3600}};
  if (!organization_id.empty()) claims["organizationId"] = organization_id;
  return claims;
}

}  // namespace ordercast::test
