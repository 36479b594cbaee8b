// SPDX-License-Identifier: MIT
#include "domain/passwords.hpp"

#include "domain/sodium.hpp"

#include <sodium.h>

#include <new>
#include <string>

namespace order_server {

HashLimits interactive_hash_limits() noexcept {
  return {crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE};
}

HashLimits minimal_hash_limits() noexcept {
  return {crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN};
}

std::string PasswordHasher::hash(std::string_view password) const {
  require_sodium();
  std::string text(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_str(text.data(), password.data(), password.size(), limits_.operations,
                        limits_.memory_bytes) != 0) {
    throw std::bad_alloc();
  }
  text.resize(text.find('\0'));
  return text;
}

bool PasswordHasher::verify(std::string_view hash, std::string_view password) const {
  require_sodium();
  const std::string text(hash);  // libsodium wants a NUL behind it
  return crypto_pwhash_str_verify(text.c_str(), password.data(), password.size()) == 0;
}

}  // namespace order_server
