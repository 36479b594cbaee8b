// SPDX-License-Identifier: MIT
#include "auth/account_watch.hpp"

#include "domain/printable.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace order_server {

AccountWatch::AccountWatch(AccountStore& accounts, SessionStore& sessions, const Tokens& tokens,
                           Disconnect disconnect, std::function<std::int64_t()> now_ms)
    : accounts_(accounts),
      sessions_(sessions),
      tokens_(tokens),
      disconnect_(std::move(disconnect)),
      now_ms_(std::move(now_ms)) {}

void AccountWatch::start() {
  // Read this first: a change that comes during the start is then seen twice, which is harmless.
  seen_ = accounts_.last_account_change();
  refused_ = seen_;
  for (const auto& id : accounts_.disabled_users()) tokens_.set_disabled(id, true);
  revoke_ended({});
}

void AccountWatch::look() {
  for (const auto& change : accounts_.account_changes_after(seen_)) {
    const bool is_disabled = refuse_ended(change.user_id);
    // Revoke the tokens before the sockets close, so that no socket can reconnect. A user who was
    // just enabled has no open socket.
    if (!disconnect_(change.user_id, is_disabled ? "Account disabled" : "Signed out")) return;
    spdlog::info("user {} was changed by an operator and is {}; older sign-ins have ended",
                 printable(change.user_id), is_disabled ? "disabled" : "not disabled");
    seen_ = change.sequence;
  }
}

void AccountWatch::refuse_changed() {
  if (accounts_.last_account_change() <= refused_) return;
  for (const auto& change : accounts_.account_changes_after(refused_)) {
    refuse_ended(change.user_id);
    // Only now, so that another thread does not go on before the tokens are refused.
    auto refused = refused_.load();
    while (refused < change.sequence && !refused_.compare_exchange_weak(refused, change.sequence)) {
    }
  }
}

/// Returns whether the user is disabled. Uses the current state: there may have been several
/// changes.
bool AccountWatch::refuse_ended(const std::string& user_id) {
  const std::lock_guard lock(mutex_);
  const auto disabled = accounts_.disabled_users();
  const bool is_disabled = std::find(disabled.begin(), disabled.end(), user_id) != disabled.end();
  tokens_.set_disabled(user_id, is_disabled);
  revoke_ended(user_id);
  return is_disabled;
}

/// `user_id` "" means all users.
void AccountWatch::revoke_ended(const std::string& user_id) {
  for (const auto& ended : sessions_.sessions_ended_since(oldest_that_matters())) {
    if (!user_id.empty() && ended.user_id != user_id) continue;
    tokens_.revoke(ended.user_id, ended.id, ended.ended_at_ms);
  }
}

std::int64_t AccountWatch::oldest_that_matters() const {
  const std::chrono::milliseconds life(
      std::max<std::chrono::seconds>(2 * tokens_.access_lifetime(), std::chrono::hours(24)));
  return now_ms_() - life.count();
}

}  // namespace order_server
