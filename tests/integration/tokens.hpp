// SPDX-License-Identifier: MIT
#pragma once

#include "../support/json_helpers.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

/// Tokens and signatures made with OpenSSL alone, so that the server's own code is never asked to
/// vouch for itself.
namespace ordercast::test {

/// HMAC-SHA256 as 32 raw bytes.
[[nodiscard]] inline std::string hmac_sha256(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

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

/// RFC 4648 section 5, without padding.
[[nodiscard]] inline std::string base64url(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group =
          (group << 8U) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4 && i + j <= bytes.size(); ++j) {
      out.push_back(digits[(group >> (18U - 6U * static_cast<unsigned>(j))) & 0x3FU]);
    }
  }
  return out;
}

/// The text that a base64url part stands for; stops at the first strange character.
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

/// The claims of a token, unverified; null when it has none that can be read.
[[nodiscard]] inline Json claims_of(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return {};
  return parse_json(
      from_base64url(token.substr(first + 1, token.find('.', first + 1) - first - 1)));
}

/// A token from the texts of its header and claims, so that they need not be good JSON.
[[nodiscard]] inline std::string sign_token(std::string_view secret, std::string_view header,
                                            std::string_view claims) {
  const std::string signed_part = base64url(header) + "." + base64url(claims);
  return signed_part + "." + base64url(hmac_sha256(secret, signed_part));
}

inline constexpr std::string_view hs256_header = R"({"alg":"HS256","typ":"JWT"})";

[[nodiscard]] inline std::string sign_token(std::string_view secret, const Json& claims) {
  return sign_token(secret, hs256_header, claims.dump());
}

/// The claims of a good access token, to be spoiled where a test needs it.
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
