// SPDX-License-Identifier: MIT
#pragma once

#include "domain/hash_memory.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// Password hashing with argon2id (libargon2; RFC 9106), encoded in the PHC string format:
/// `$argon2id$v=19$m=65536,t=2,p=1$salt$hash`. libsodium's crypto_pwhash_str writes the same
/// format.
namespace order_server {

/// The cost of one hash. A hash stores its cost, so verifying needs no HashCost.
struct HashCost {
  std::uint32_t passes = 0;
  std::uint32_t memory_kib = 0;
};

/// For logins: about 0.1 s and 64 MiB a hash.
inline constexpr HashCost interactive_hash_cost{2, 65536};

/// The minimum: microseconds, and no protection. For tests.
inline constexpr HashCost minimal_hash_cost{1, 8};

/// Hashes and verifies passwords. Both calls are slow and use much memory on purpose: call them off
/// the I/O threads, and only a few at once. Thread-safe.
class PasswordHasher {
 public:
  explicit PasswordHasher(HashCost cost = interactive_hash_cost) noexcept : cost_(cost) {}

  /// Returns the password's hash with a random salt, as printable text. Throws std::bad_alloc if
  /// there is not enough memory.
  [[nodiscard]] std::string hash(std::string_view password) const;

  /// Returns true if `hash` was made from `password`; false for text that is no hash. For a user
  /// that does not exist, verify against some other hash; otherwise the time tells who has an
  /// account. Throws std::bad_alloc if there is not enough memory, which says nothing about the
  /// password.
  [[nodiscard]] bool verify(std::string_view hash, std::string_view password) const;

  /// How many regions of memory are kept for the next hash.
  [[nodiscard]] std::size_t kept_memory() const { return memory_.kept(); }

 private:
  HashCost cost_;
  mutable HashMemory memory_;
};

}  // namespace order_server
