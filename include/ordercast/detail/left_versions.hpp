// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ordercast::detail {

/// Remembers the newest version of each order that the client unsubscribed from: a later
/// subscription on the same connection must not go back behind it. Stores hashes of ids to stay
/// small; if two collide, an order may miss an update until its next one. One thread at a time.
class LeftVersions {
 public:
  static constexpr std::size_t most = 128;

  /// Stores the version of an order, and drops the oldest entry if there are `limit` (0: `most`,
  /// which is never exceeded). O(entries).
  void remember(std::uint64_t order_hash, std::uint64_t version, std::size_t limit) {
    limit = limit == 0 ? most : (std::min)(limit, most);
    if (left_.size() >= limit) left_.erase(left_.begin());
    left_.push_back({order_hash, version});
  }

  /// Removes and returns the version of an order; 0 if there is none. O(entries).
  [[nodiscard]] std::uint64_t take(std::uint64_t order_hash) noexcept {
    const auto found = std::find_if(left_.begin(), left_.end(),
                                    [&](const Left& one) { return one.order_hash == order_hash; });
    if (found == left_.end()) return 0;
    const auto version = found->version;
    left_.erase(found);
    return version;
  }

  [[nodiscard]] bool empty() const noexcept { return left_.empty(); }

 private:
  struct Left {
    std::uint64_t order_hash = 0;
    std::uint64_t version = 0;
  };
  std::vector<Left> left_;  // The oldest first.
};

}  // namespace ordercast::detail
