// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

/// Seeded hashing for the core's indexes.
///
/// Ids come from the network, so an attacker who can predict the hash can choose ids that collide.
/// The seed is therefore random for each process. Thread-safe.
namespace ordercast::detail {

__extension__ using uint128 = unsigned __int128;

/// Folds a 64 x 64 bit product: every input bit reaches every output bit.
[[nodiscard]] inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  const uint128 product = static_cast<uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

/// The seed of this process, drawn on first use.
[[nodiscard]] inline std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::random_device entropy;
    return (std::uint64_t{entropy()} << 32U) | entropy() | 1U;
  }();
  return seed;
}

inline constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;

/// Hashes bytes, eight at a time. O(length).
[[nodiscard]] inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept {
  std::uint64_t state = seed ^ (bytes.size() * golden);
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    state = mix(state ^ word, golden ^ seed);
  }
  if (left > 0) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, left);
    state = mix(state ^ word, golden ^ seed);
  }
  return mix(state, golden);
}

[[nodiscard]] inline std::uint64_t hash_integer(std::uint64_t value, std::uint64_t seed) noexcept {
  return mix(value ^ seed, golden);
}

}  // namespace ordercast::detail
