// SPDX-License-Identifier: MIT
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdint>
#include <string>
#include <string_view>

/// The arithmetic of signed tokens, by OpenSSL alone: the code under test must not check itself.
namespace ordercast::test {

/// HMAC-SHA256 as 32 raw bytes.
[[nodiscard]] inline std::string hmac_sha256(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

/// RFC 4648 section 5, without padding.
[[nodiscard]] inline std::string base64url(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    count += 8;
    for (; count >= 6; count -= 6) out.push_back(digits[(bits >> (count - 6U)) & 0x3FU]);
  }
  if (count > 0) out.push_back(digits[(bits << (6U - count)) & 0x3FU]);
  return out;
}

}  // namespace ordercast::test
