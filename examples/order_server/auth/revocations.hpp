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

/// Which sign-ins have ended while access tokens of theirs may still be about. Asked for each token
/// after its signature, also when that was remembered, so that a logout counts at once.
namespace order_server {

/// Thread-safe; expected constant time. Holds a sign-in for no longer than an access token lives,
/// so it grows with logouts within that time alone, about 150 bytes each, and with disabled users.
class Revocations {
 public:
  using Seconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

  /// `until`: when the last access token of the sign-in has expired.
  void end_session(std::string_view session_id, Seconds now, Seconds until) {
    const std::lock_guard lock(mutex_);
    sweep(now);
    sessions_[std::string(session_id)] = until;
  }

  /// For the user's tokens that name no sign-in, or one that nobody knows: those of before `now`
  /// are void.
  void end_unnamed(std::string_view user_id, Seconds now, Seconds until) {
    const std::lock_guard lock(mutex_);
    sweep(now);
    users_[std::string(user_id)] = {now, until};
  }

  /// Every token of a disabled user is void, until they are enabled again.
  void set_disabled(std::string_view user_id, bool is_disabled) {
    const std::lock_guard lock(mutex_);
    if (is_disabled) {
      disabled_.emplace(user_id);
    } else {
      disabled_.erase(std::string(user_id));
    }
  }

  /// Whether a token is void. One that does not say when it was issued counts as old.
  [[nodiscard]] bool is_void(std::string_view user_id, std::string_view session_id,
                             std::optional<Seconds> issued_at) const {
    const std::lock_guard lock(mutex_);
    const std::string user(user_id);
    if (disabled_.count(user) != 0) return true;
    if (sessions_.count(std::string(session_id)) != 0) return true;
    const auto found = users_.find(user);
    if (found == users_.end()) return false;
    // Tokens are dated in whole seconds. A sign-in that the store knows has been ended by its id,
    // and a new one may be of the same second.
    const auto ended_at = found->second.ended_at;
    if (!session_id.empty()) return issued_at && *issued_at < ended_at;
    return !issued_at || *issued_at <= ended_at;
  }

 private:
  struct Ended {
    Seconds ended_at;
    Seconds until;
  };

  /// At most once a minute, since it is linear.
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
