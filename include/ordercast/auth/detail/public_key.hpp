// SPDX-License-Identifier: MIT
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

#include <cstddef>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

/// The public keys of RS256 and ES256 (RFC 7518 sections 3.3 and 3.4), over OpenSSL 3.
namespace ordercast::detail::jose {

/// Restores the thread's OpenSSL error queue: a TLS connection on the same thread would take the
/// error of a bad signature for its own.
class OpensslErrorScope {
 public:
  OpensslErrorScope() noexcept { ERR_set_mark(); }
  ~OpensslErrorScope() { ERR_pop_to_mark(); }
  OpensslErrorScope(const OpensslErrorScope&) = delete;
  OpensslErrorScope& operator=(const OpensslErrorScope&) = delete;
  OpensslErrorScope(OpensslErrorScope&&) = delete;
  OpensslErrorScope& operator=(OpensslErrorScope&&) = delete;
};

struct OpensslDelete {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
  void operator()(BIGNUM* number) const noexcept { BN_free(number); }
  void operator()(ECDSA_SIG* signature) const noexcept { ECDSA_SIG_free(signature); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
};

template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslDelete>;

[[nodiscard]] inline const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Returns true if both have the same bytes, in a time that does not depend on where they differ.
/// The sizes are not secret.
[[nodiscard]] inline bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// A public key that was parsed and checked once, when it was configured.
///
/// Copies share one immutable OpenSSL key. `verify` may run on many threads at once: each call has
/// its own context. Constant time, except for hashing the input.
class PublicKey {
 public:
  /// Parses an RSA key for RSASSA-PKCS1-v1_5 with SHA-256. Throws std::invalid_argument for
  /// anything but a sound RSA key of at least 2048 bits. No message contains any part of the key.
  [[nodiscard]] static PublicKey rs256(const std::string& pem) {
    const OpensslErrorScope errors;
    PublicKey key(pem, false);
    if (EVP_PKEY_get_base_id(key.key_.get()) != EVP_PKEY_RSA) {
      throw std::invalid_argument("RS256 needs an RSA key");
    }
    if (EVP_PKEY_get_bits(key.key_.get()) < 2048) {
      throw std::invalid_argument("RS256 needs an RSA key of 2048 bits or more");
    }
    key.check();
    return key;
  }

  /// Parses a P-256 key for ECDSA with SHA-256. Throws std::invalid_argument for any other key.
  [[nodiscard]] static PublicKey es256(const std::string& pem) {
    const OpensslErrorScope errors;
    PublicKey key(pem, true);
    std::string group(32, '\0');
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key.key_.get(), group.data(), group.size(), &size) != 1 ||
        group.substr(0, size) != SN_X9_62_prime256v1) {
      throw std::invalid_argument("ES256 needs a P-256 key");
    }
    key.check();
    return key;
  }

  /// Returns true if `signature` is this key's signature of `input`. Throws only std::bad_alloc.
  [[nodiscard]] bool verify(std::string_view input, std::string_view signature) const {
    const OpensslErrorScope errors;
    std::string der;
    if (ecdsa_) {
      der = ecdsa_der(signature);
      if (der.empty()) return false;
      signature = der;
    }
    const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
    return context &&
           EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(input),
                            input.size()) == 1;
  }

 private:
  PublicKey(const std::string& pem, bool ecdsa) : ecdsa_(ecdsa) {
    // Without a callback, OpenSSL asks the terminal for the password of an encrypted PEM.
    const auto no_password = [](char*, int, int, void*) { return -1; };
    if (pem.size() <= static_cast<std::size_t>((std::numeric_limits<int>::max)())) {
      const OpensslPtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
      if (bio) {
        key_.reset(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr), OpensslDelete{});
      }
    }
    if (!key_) throw std::invalid_argument("the key is not a PEM public key");
  }

  /// Refuses keys that parse but protect nothing, such as an RSA exponent of 1.
  void check() const {
    const OpensslPtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(key_.get(), nullptr));
    if (!context || EVP_PKEY_public_check(context.get()) != 1) {
      throw std::invalid_argument("the public key is not sound");
    }
  }

  /// Converts r and s, which JWS stores as 32 bytes each (RFC 7518 section 3.4), to DER for
  /// OpenSSL. Empty if the size is wrong.
  [[nodiscard]] static std::string ecdsa_der(std::string_view raw) {
    constexpr int half = 32;
    if (raw.size() != std::size_t{2} * half) return {};
    OpensslPtr<BIGNUM> r(BN_bin2bn(bytes_of(raw), half, nullptr));
    OpensslPtr<BIGNUM> s(BN_bin2bn(bytes_of(raw.substr(half)), half, nullptr));
    const OpensslPtr<ECDSA_SIG> signature(ECDSA_SIG_new());
    if (!r || !s || !signature || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return {};
    static_cast<void>(r.release());  // the signature owns them now
    static_cast<void>(s.release());
    const int size = i2d_ECDSA_SIG(signature.get(), nullptr);
    if (size <= 0) return {};
    std::string der(static_cast<std::size_t>(size), '\0');
    auto* out = reinterpret_cast<unsigned char*>(der.data());
    if (i2d_ECDSA_SIG(signature.get(), &out) != size) return {};
    return der;
  }

  std::shared_ptr<EVP_PKEY> key_;
  bool ecdsa_;
};

}  // namespace ordercast::detail::jose
