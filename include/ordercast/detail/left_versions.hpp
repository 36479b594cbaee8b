// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ordercast::detail {

/// The newest version that each order had when the client left it: a later subscription on the same
/// connection must not go back behind it. Orders are named by hash, to be small; an order that is
/// taken for another one misses an update until the next. One thread at a time.
class LeftVersions {
 public:
  static constexpr std::size_t most = 128;

  /// Keeps the version of an order that was left; the oldest goes when there are `limit` (0:
  /// `most`, which is never exceeded). O(orders kept).
  void remember(std::uint64_t order_hash, std::uint64_t version, std::size_t limit) {
    limit = limit == 0 ? most : (std::min)(limit, most);
    if (left_.size() >= limit) left_.erase(left_.begin());
    left_.push_back({order_hash, version});
  }

  /// Takes the version of an order out; 0 when there is none. O(orders kept).
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
