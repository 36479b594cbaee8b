// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

/// Counts the live connections of each user across all managers of a process, so that a user's
/// limit holds across shards.
///
/// Thread-safe. Takes its lock when a connection opens or closes, never to publish. O(log users).
/// Must outlive the managers that share it.
namespace ordercast {

class ConnectionBudget {
 public:
  /// Takes a place for the user. Returns false if `limit` places are taken (0: no limit).
  [[nodiscard]] bool try_acquire(std::string_view user_id, std::size_t limit) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = taken_.find(user_id);
    if (found == taken_.end()) {
      taken_.emplace(user_id, 1);
      return true;
    }
    if (limit != 0 && found->second >= limit) return false;
    ++found->second;
    return true;
  }

  /// Returns a place that `try_acquire` granted. Needs no memory.
  void release(std::string_view user_id) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = taken_.find(user_id);
    if (found != taken_.end() && --found->second == 0) taken_.erase(found);
  }

  /// How many users hold a place.
  [[nodiscard]] std::size_t users() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return taken_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::size_t, std::less<>> taken_;  // Ordered, for look-ups by string_view.
};

}  // namespace ordercast
