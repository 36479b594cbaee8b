// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/client/backoff.hpp>
#include <ordercast/clock.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The orders that a client watches, in order of subscription, and the check that versions never go
/// back. Bounded; every call is O(watched + remembered orders), a hundred of each by default. One
/// thread.
namespace ordercast::client::detail {

/// The most bytes of entries in one message: the protocol's 4 KiB less what stands around them.
/// They are never more than `max_batch`.
inline constexpr std::size_t max_batch_bytes = 3500;

/// At least the bytes that an entry of a batch takes, whatever escapes its id needs.
[[nodiscard]] inline std::size_t entry_bytes(std::string_view order_id) noexcept {
  const bool is_plain = std::all_of(order_id.begin(), order_id.end(), [](char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
  });
  return 40 + order_id.size() * (is_plain ? 1 : 6);
}

class WatchedOrders {
 public:
  struct Watched {
    std::string order_id;
    std::uint64_t version = 0;  ///< The application's version.
    std::uint64_t floor = 0;    ///< The newest version ever seen, if it was watched before.
    /// When to ask again after `unavailable`, and how often that happened.
    std::optional<TimePoint> again_at = std::nullopt;
    std::optional<Backoff> backoff = std::nullopt;
  };
  enum class Verdict : std::uint8_t { newer, stale, unwatched };

  explicit WatchedOrders(std::size_t max_remembered) : max_remembered_(max_remembered) {}

  [[nodiscard]] Watched* find(std::string_view order_id) noexcept {
    for (auto& watched : watched_) {
      if (watched.order_id == order_id) return &watched;
    }
    return nullptr;
  }

  /// Watches an order. Precondition: it is not watched.
  Watched& add(std::string order_id, std::uint64_t version) {
    std::uint64_t floor = 0;
    const auto left = std::find_if(left_.begin(), left_.end(),
                                   [&](const auto& o) { return o.first == order_id; });
    if (left != left_.end()) {
      floor = left->second;
      left_.erase(left);
    }
    return watched_.emplace_back(Watched{std::move(order_id), version, floor, {}, {}});
  }

  /// Ends a subscription and remembers its version. Returns false if there is none.
  bool leave(std::string_view order_id) {
    const auto* watched = find(order_id);
    if (watched == nullptr) return false;
    if (const auto seen = (std::max)(watched->version, watched->floor); seen > 0) {
      left_.emplace_back(watched->order_id, seen);
      if (left_.size() > max_remembered_) left_.pop_front();
    }
    watched_.erase(watched_.begin() + (watched - watched_.data()));
    return true;
  }

  /// Decides whether this version of an order is new; if so, it becomes the application's.
  [[nodiscard]] Verdict offer(std::string_view order_id, std::uint64_t version) noexcept {
    auto* watched = find(order_id);
    if (watched == nullptr) return Verdict::unwatched;
    if (version <= watched->version || version < watched->floor) return Verdict::stale;
    watched->version = version;
    return Verdict::newer;
  }

  /// Forgets all versions: those of another store can't be compared with earlier ones.
  void forget_versions() noexcept {
    left_.clear();
    for (auto& watched : watched_) watched.version = watched.floor = 0;
  }

  [[nodiscard]] std::size_t size() const noexcept { return watched_.size(); }
  [[nodiscard]] std::size_t remembered() const noexcept { return left_.size(); }
  [[nodiscard]] auto begin() noexcept { return watched_.begin(); }
  [[nodiscard]] auto end() noexcept { return watched_.end(); }
  [[nodiscard]] auto begin() const noexcept { return watched_.begin(); }
  [[nodiscard]] auto end() const noexcept { return watched_.end(); }

 private:
  std::size_t max_remembered_;
  std::vector<Watched> watched_;
  std::deque<std::pair<std::string, std::uint64_t>> left_;  ///< Oldest first.
};

}  // namespace ordercast::client::detail
