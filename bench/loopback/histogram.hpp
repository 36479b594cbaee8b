// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

/// Latencies in nanoseconds, precise to 1.6%: 64 buckets for each power of two.
namespace ordercast::bench {

class Histogram {
 public:
  Histogram() : counts_(buckets) {}

  void add(std::uint64_t value) noexcept {
    ++counts_[std::min(bucket_of(value), buckets - 1)];
    ++total_;
  }

  /// Returns the value that this share (0 to 1) of all values doesn't exceed; 0 if there are none.
  [[nodiscard]] std::uint64_t at(double share) const noexcept {
    const auto rank = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
      seen += counts_[i];
      if (seen > 0 && seen >= rank) return upper_bound(i);
    }
    return 0;
  }

  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

 private:
  static constexpr std::size_t per_power = 64;
  static constexpr std::size_t buckets = per_power * 40;

  static std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value < per_power) return static_cast<std::size_t>(value);
    const auto power = static_cast<std::size_t>(63 - __builtin_clzll(value));
    return (power - 5) * per_power + ((value >> (power - 6)) & (per_power - 1));
  }
  static std::uint64_t upper_bound(std::size_t bucket) noexcept {
    if (bucket < per_power) return bucket;
    const auto power = bucket / per_power + 5;
    return (per_power + bucket % per_power + 1) << (power - 6);
  }

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

}  // namespace ordercast::bench
