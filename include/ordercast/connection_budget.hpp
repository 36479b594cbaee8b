// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/hash.hpp>

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

/// Counts the live connections of each user across all managers of a process, so that the limit of
/// a user holds on whatever shard the connections fell on.
///
/// Thread-safe; its lock is taken when a connection opens or closes, never when something is
/// published. Expected O(1). The managers that share it must not outlive it.
namespace ordercast {

class ConnectionBudget {
 public:
  /// Takes a place for the user, or answers false when `limit` are taken (0: no limit).
  [[nodiscard]] bool try_acquire(std::string_view user_id, std::size_t limit) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::size_t& taken = taken_[std::string(user_id)];
    if (limit != 0 && taken >= limit) return false;
    ++taken;
    return true;
  }

  /// Gives back a place that `try_acquire` granted.
  void release(std::string_view user_id) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = taken_.find(std::string(user_id));
    if (found != taken_.end() && --found->second == 0) taken_.erase(found);
  }

  /// How many users hold a place.
  [[nodiscard]] std::size_t users() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return taken_.size();
  }

 private:
  struct Hash {
    std::size_t operator()(const std::string& text) const noexcept {
      return static_cast<std::size_t>(detail::hash_bytes(text, detail::hash_seed()));
    }
  };

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::size_t, Hash> taken_;
};

}  // namespace ordercast
