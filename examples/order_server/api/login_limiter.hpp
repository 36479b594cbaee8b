// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

/// Counts failed logins of each account, so that passwords can't be guessed by trying (CWE-307).
namespace order_server {

struct LoginLimits {
  std::size_t failures = 10;         ///< So many failures within `window` lock the account.
  std::chrono::seconds window{60};   ///< How long a failure counts.
  std::size_t max_accounts = 16384;  ///< Accounts remembered. Cost: about 300 bytes each.
};

/// A sliding window of failures for each account. Counts unknown accounts as well; otherwise a
/// lockout would tell which accounts exist.
///
/// Thread-safe; expected constant time. Bounded: above `max_accounts` it forgets the account whose
/// last failure is oldest. The table holds more accounts than eight login workers (the maximum) can
/// hash passwords in a window, so nobody can push an account out of it before its failures expire.
class LoginLimiter {
 public:
  explicit LoginLimiter(LoginLimits limits = {}) : limits_(limits) {}

  /// nullopt if a login is allowed; otherwise the remaining lockout.
  [[nodiscard]] std::optional<std::chrono::seconds> locked_for(std::string_view account,
                                                               ordercast::TimePoint now) {
    const std::lock_guard lock(mutex_);
    const auto found = failures_.find(std::string(account));
    if (found == failures_.end()) return std::nullopt;
    auto& times = found->second;
    forget_before(times, now - limits_.window);
    if (times.empty()) {
      failures_.erase(found);  // a record is never empty
      return std::nullopt;
    }
    if (times.size() < limits_.failures) return std::nullopt;
    return std::chrono::ceil<std::chrono::seconds>(times.front() + limits_.window - now);
  }

  /// Counts a failure. Returns whether it has locked the account.
  bool failed(std::string_view account, ordercast::TimePoint now) {
    const std::lock_guard lock(mutex_);
    const std::string key(account);
    if (failures_.size() >= limits_.max_accounts && failures_.count(key) == 0) make_room(now);
    auto& times = failures_[key];
    forget_before(times, now - limits_.window);
    times.push_back(now);
    if (times.size() > limits_.failures) times.pop_front();
    return times.size() == limits_.failures;
  }

  /// A correct password clears the account's record.
  void succeeded(std::string_view account) {
    const std::lock_guard lock(mutex_);
    failures_.erase(std::string(account));
  }

  [[nodiscard]] std::size_t accounts() const {
    const std::lock_guard lock(mutex_);
    return failures_.size();
  }

 private:
  using Times = std::deque<ordercast::TimePoint>;

  static void forget_before(Times& times, ordercast::TimePoint oldest) {
    while (!times.empty() && times.front() <= oldest) times.pop_front();
  }

  /// O(accounts); runs only when the table is full.
  void make_room(ordercast::TimePoint now) {
    for (auto it = failures_.begin(); it != failures_.end();) {
      it = it->second.back() <= now - limits_.window ? failures_.erase(it) : std::next(it);
    }
    if (failures_.size() < limits_.max_accounts) return;
    failures_.erase(std::min_element(
        failures_.begin(), failures_.end(),
        [](const auto& a, const auto& b) { return a.second.back() < b.second.back(); }));
  }

  LoginLimits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Times> failures_;
};

}  // namespace order_server
