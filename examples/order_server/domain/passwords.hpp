// SPDX-License-Identifier: MIT
#pragma once

#include "domain/hash_memory.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// Password hashing with argon2id (libargon2; RFC 9106), as text in the PHC string format:
/// `$argon2id$v=19$m=65536,t=2,p=1$salt$hash`, which libsodium's crypto_pwhash_str writes as well.
namespace order_server {

/// What one hash costs. A hash holds its own cost, so verifying needs none.
struct HashCost {
  std::uint32_t passes = 0;
  std::uint32_t memory_kib = 0;
};

/// For logins: about 0.1 s and 64 MiB a hash.
inline constexpr HashCost interactive_hash_cost{2, 65536};

/// The least that there is: microseconds, and no protection. For tests.
inline constexpr HashCost minimal_hash_cost{1, 8};

/// Hashes and verifies passwords. Both calls are slow and take memory on purpose: never on an I/O
/// thread, and only a few at once. Thread-safe.
class PasswordHasher {
 public:
  explicit PasswordHasher(HashCost cost = interactive_hash_cost) noexcept : cost_(cost) {}

  /// The password's hash with a random salt, as printable text. Throws std::bad_alloc without
  /// enough memory.
  [[nodiscard]] std::string hash(std::string_view password) const;

  /// Whether `password` is the one behind `hash`; false for text that is no hash. For a user that
  /// does not exist verify against some other hash, or the time tells who has an account. Throws
  /// std::bad_alloc without enough memory: that says nothing about the password.
  [[nodiscard]] bool verify(std::string_view hash, std::string_view password) const;

  /// Regions of memory that are kept for the next hash.
  [[nodiscard]] std::size_t kept_memory() const { return memory_.kept(); }

 private:
  HashCost cost_;
  mutable HashMemory memory_;
};

}  // namespace order_server
