// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Password hashing with argon2id (libsodium's crypto_pwhash_str; RFC 9106).
namespace order_server {

/// What one hash costs. A hash holds its own limits, so verifying needs none.
struct HashLimits {
  unsigned long long operations = 0;
  std::size_t memory_bytes = 0;
};

/// For logins: about 0.1 s and 64 MiB a hash.
[[nodiscard]] HashLimits interactive_hash_limits() noexcept;

/// The least that libsodium takes: microseconds, and no protection. For tests.
[[nodiscard]] HashLimits minimal_hash_limits() noexcept;

/// Hashes and verifies passwords. Both calls are slow and take memory on purpose: never on an I/O
/// thread, and only a few at once. Thread-safe.
class PasswordHasher {
 public:
  explicit PasswordHasher(HashLimits limits = interactive_hash_limits()) noexcept
      : limits_(limits) {}

  /// The password's hash with a random salt, as printable text. Throws std::bad_alloc when the
  /// memory is not to be had.
  [[nodiscard]] std::string hash(std::string_view password) const;

  /// Whether `password` is the one behind `hash`; false for text that is no hash. For a user that
  /// does not exist verify against some other hash, or the time tells who has an account.
  [[nodiscard]] bool verify(std::string_view hash, std::string_view password) const;

 private:
  HashLimits limits_;
};

}  // namespace order_server
