// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

/// Remembers which sign-ins have ended while their access tokens may still be in use. Every token
/// is checked here after its signature, even if the signature was cached, so a logout takes effect
/// at once.
namespace order_server {

/// Thread-safe; expected constant time. Forgets a sign-in when its last access token has expired,
/// so its size is bounded by the logouts within that time (about 150 bytes each) and by the
/// disabled users.
class Revocations {
 public:
  using Seconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

  /// Revokes the tokens of a sign-in. `until`: when its last access token expires.
  void end_session(std::string_view session_id, Seconds now, Seconds until) {
    const std::lock_guard lock(mutex_);
    sweep(now);
    sessions_[std::string(session_id)] = until;
  }

  /// Revokes the user's tokens that were issued before `now` and that name no sign-in, or an
  /// unknown one.
  void end_unnamed(std::string_view user_id, Seconds now, Seconds until) {
    const std::lock_guard lock(mutex_);
    sweep(now);
    users_[std::string(user_id)] = {now, until};
  }

  /// Revokes every token of a user until the user is enabled again.
  void set_disabled(std::string_view user_id, bool is_disabled) {
    const std::lock_guard lock(mutex_);
    if (is_disabled) {
      disabled_.emplace(user_id);
    } else {
      disabled_.erase(std::string(user_id));
    }
  }

  /// Returns true if a token is revoked. A token without an issue time counts as old.
  [[nodiscard]] bool is_void(std::string_view user_id, std::string_view session_id,
                             std::optional<Seconds> issued_at) const {
    const std::lock_guard lock(mutex_);
    const std::string user(user_id);
    if (disabled_.count(user) != 0) return true;
    if (sessions_.count(std::string(session_id)) != 0) return true;
    const auto found = users_.find(user);
    if (found == users_.end()) return false;
    // `iat` has whole seconds. The store's sign-ins are ended by id; a new one may start in the
    // same second.
    const auto ended_at = found->second.ended_at;
    if (!session_id.empty()) return issued_at && *issued_at < ended_at;
    return !issued_at || *issued_at <= ended_at;
  }

 private:
  struct Ended {
    Seconds ended_at;
    Seconds until;
  };

  /// Runs at most once a minute, since it is O(entries).
  void sweep(Seconds now) {
    if (now < swept_at_ + std::chrono::minutes(1) && now >= swept_at_) return;
    swept_at_ = now;
    for (auto it = sessions_.begin(); it != sessions_.end();) {
      it = it->second < now ? sessions_.erase(it) : std::next(it);
    }
    for (auto it = users_.begin(); it != users_.end();) {
      it = it->second.until < now ? users_.erase(it) : std::next(it);
    }
  }

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Seconds> sessions_;
  std::unordered_map<std::string, Ended> users_;
  std::unordered_set<std::string> disabled_;
  Seconds swept_at_{};
};

}  // namespace order_server
