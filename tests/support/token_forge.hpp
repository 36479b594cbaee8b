// SPDX-License-Identifier: MIT
#pragma once

#include "signing.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// Makes tokens, good and evil, out of any header and payload text. It uses OpenSSL alone, so that
/// the code under test never vouches for itself.
namespace ordercast::test::forge {

/// A secret of the least length that is allowed.
inline const std::string secret = "0123456789abcdef0123456789abcdef";

/// The second at which all forged times are relative.
inline constexpr std::int64_t now = 1'700'000'000;

inline std::chrono::system_clock::time_point at(std::int64_t second) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(second));
}

inline const std::string hs256_header = R"({"alg":"HS256","typ":"JWT"})";

inline std::string with_times(const std::string& claims, const std::string& times) {
  return "{" + claims + (claims.empty() || times.empty() ? "" : ",") + times + "}";
}

/// A customer's claims but for the times.
inline const std::string customer = R"("sub":"u-1","role":"CUSTOMER")";
inline const std::string fresh = R"("iat":1700000000,"exp":1700000900)";
inline const std::string good_payload = with_times(customer, fresh);

/// Header and payload, encoded and joined: what a signature covers.
[[nodiscard]] inline std::string signed_input(std::string_view header, std::string_view payload) {
  return base64url(header) + "." + base64url(payload);
}

[[nodiscard]] inline std::string attach(const std::string& input, std::string_view signature) {
  return input + "." + base64url(signature);
}

/// A well signed HS256 token, whatever it says.
[[nodiscard]] inline std::string hs256(std::string_view header, std::string_view payload,
                                       std::string_view key = secret) {
  const auto input = signed_input(header, payload);
  return attach(input, hmac_sha256(key, input));
}

/// A private key, made anew.
class KeyPair {
 public:
  [[nodiscard]] static KeyPair rsa(unsigned bits = 2048) { return KeyPair(EVP_RSA_gen(bits)); }
  [[nodiscard]] static KeyPair ec(const char* curve = "P-256") {
    return KeyPair(EVP_EC_gen(curve));
  }
  /// RSA, but for RSASSA-PSS only.
  [[nodiscard]] static KeyPair rsa_pss() {
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr), &EVP_PKEY_CTX_free);
    EVP_PKEY* key = nullptr;
    require(EVP_PKEY_keygen_init(context.get()));
    require(EVP_PKEY_generate(context.get(), &key));
    return KeyPair(key);
  }
  [[nodiscard]] static KeyPair ed25519() {
    return KeyPair(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }

  [[nodiscard]] std::string public_pem() const {
    return pem([this](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key_.get()); });
  }
  [[nodiscard]] std::string private_pem() const {
    return pem([this](BIO* bio) {
      return PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  /// RS256, or the DER that OpenSSL makes for ECDSA.
  [[nodiscard]] std::string sign(std::string_view input) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    std::string signature(1024, '\0');
    std::size_t size = signature.size();
    require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()));
    require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(input.data()), input.size()));
    signature.resize(size);
    return signature;
  }

  /// ES256: r and s as 32 bytes each.
  [[nodiscard]] std::string sign_raw(std::string_view input) const {
    const std::string der = sign(input);
    const auto* cursor = reinterpret_cast<const unsigned char*>(der.data());
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> signature(
        d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(der.size())), &ECDSA_SIG_free);
    std::string raw(64, '\0');
    auto* out = reinterpret_cast<unsigned char*>(raw.data());
    require(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, 32) == 32);
    require(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + 32, 32) == 32);
    return raw;
  }

 private:
  explicit KeyPair(EVP_PKEY* key) : key_(key, &EVP_PKEY_free) { require(key != nullptr); }

  static void require(bool done) {
    if (!done) throw std::runtime_error("OpenSSL refused");
  }
  static void require(int status) { require(status == 1); }

  template <class Write>
  [[nodiscard]] std::string pem(Write write) const {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), &BIO_free_all);
    require(write(bio.get()) == 1);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }

  std::shared_ptr<EVP_PKEY> key_;
};

/// Generated once: an RSA key takes a while.
inline const KeyPair& rsa_key() {
  static const KeyPair key = KeyPair::rsa();
  return key;
}
inline const KeyPair& ec_key() {
  static const KeyPair key = KeyPair::ec();
  return key;
}

[[nodiscard]] inline std::string rs256(std::string_view header, std::string_view payload) {
  const auto input = signed_input(header, payload);
  return attach(input, rsa_key().sign(input));
}

[[nodiscard]] inline std::string es256(std::string_view header, std::string_view payload) {
  const auto input = signed_input(header, payload);
  return attach(input, ec_key().sign_raw(input));
}

/// The roles of the tests' tokens.
[[nodiscard]] inline std::vector<JwtRole> roles() {
  return {{"SUPER_ADMIN", Reach::everything},     {"ORG_ADMIN", Reach::organization},
          {"STORE_MANAGER", Reach::organization}, {"STAFF", Reach::organization},
          {"RIDER", Reach::organization},         {"CUSTOMER", Reach::own}};
}

/// One HS256 key for tokens without `kid`, and a clock that stands at `now`.
[[nodiscard]] inline JwtOptions options() {
  JwtOptions options;
  options.keys = {{"", JwtAlgorithm::hs256, secret, true}};
  options.roles = roles();
  options.now = [] { return at(now); };
  return options;
}

/// What became of a token: "accepted", or the refusal's detail.
[[nodiscard]] inline std::string outcome(const JwtResult& result) {
  const auto* failure = std::get_if<AuthFailure>(&result);
  return failure == nullptr ? "accepted" : std::string(failure->detail);
}

/// As above, for a well signed HS256 token.
[[nodiscard]] inline std::string outcome(const std::string& header, const std::string& payload,
                                         const JwtOptions& with = options(),
                                         TokenKind kind = TokenKind::access) {
  return outcome(JwtAuthenticator(with).verify(hs256(header, payload), kind));
}

/// As above, for the claims alone.
[[nodiscard]] inline std::string outcome_of_claims(const std::string& claims,
                                                   const JwtOptions& with = options(),
                                                   TokenKind kind = TokenKind::access) {
  return outcome(hs256_header, "{" + claims + "}", with, kind);
}

}  // namespace ordercast::test::forge
