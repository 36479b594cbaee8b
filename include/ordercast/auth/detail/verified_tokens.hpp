// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/auth/jwt_types.hpp>

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

/// A cache of verified tokens, so that a reconnect needs no second signature check.
namespace ordercast::detail::jose {

using TokenDigest = std::array<unsigned char, 32>;

/// SHA-256 of the whole token, including its signature. nullopt if OpenSSL has no memory.
/// Thread-safe.
[[nodiscard]] inline std::optional<TokenDigest> digest_of(std::string_view token) noexcept {
  TokenDigest digest{};
  unsigned length = 0;
  const bool done =
      EVP_Digest(token.data(), token.size(), digest.data(), &length, EVP_sha256(), nullptr) == 1;
  if (!done || length != digest.size()) return std::nullopt;
  return digest;
}

/// The claims of the last verified tokens, by digest: stores no token, and a token that differs in
/// any byte is a different one. Holds at most `most`, and drops the oldest first. Takes only
/// verified tokens, so nobody without a key can fill it. Expected O(1); thread-safe.
class VerifiedTokens {
 public:
  explicit VerifiedTokens(std::size_t most) : most_(most) {}

  /// Returns the claims of a cached token. The caller checks that they have not expired.
  [[nodiscard]] std::optional<JwtClaims> find(const TokenDigest& digest) const {
    const std::lock_guard lock(mutex_);
    const auto found = claims_.find(digest);
    if (found == claims_.end()) return std::nullopt;
    return found->second;
  }

  /// Strong guarantee.
  void add(const TokenDigest& digest, const JwtClaims& claims) {
    const std::lock_guard lock(mutex_);
    order_.push_back(digest);
    bool added = false;
    try {
      added = claims_.try_emplace(digest, claims).second;
    } catch (...) {
      order_.pop_back();
      throw;
    }
    if (!added) {
      order_.pop_back();
    } else if (order_.size() > most_) {
      claims_.erase(order_.front());
      order_.pop_front();
    }
  }

 private:
  /// A part of a SHA-256 is already a hash.
  struct Part {
    [[nodiscard]] std::size_t operator()(const TokenDigest& digest) const noexcept {
      std::size_t part = 0;
      std::memcpy(&part, digest.data(), sizeof part);
      return part;
    }
  };

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<TokenDigest, JwtClaims, Part> claims_;
  std::deque<TokenDigest> order_;  // In order of arrival.
};

}  // namespace ordercast::detail::jose
