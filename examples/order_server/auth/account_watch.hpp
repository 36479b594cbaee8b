// SPDX-License-Identifier: MIT
#pragma once

#include "auth/tokens.hpp"
#include "store/account_store.hpp"
#include "store/session_store.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

/// Tells a running server that an operator has disabled a user or set a password. The operator's
/// command is another process, so the news comes through the database.
namespace order_server {

/// One thread at a time but for `refuse_changed`. The constructor's arguments must outlive it.
/// Every call blocks on the database and may throw StoreError; the next call does what a failed one
/// did not.
class AccountWatch {
 public:
  /// Closes every WebSocket of that user with 4001 and the reason. Returns false if it should be
  /// called again. May block.
  using Disconnect = std::function<bool(const std::string& user_id, std::string reason)>;

  AccountWatch(AccountStore& accounts, SessionStore& sessions, const Tokens& tokens,
               Disconnect disconnect, std::function<std::int64_t()> now_ms);

  /// Loads which users are disabled, and which sign-ins ended while their access tokens may still
  /// be in use. Call before the first client connects.
  void start();

  /// Acts on changes since the last call. Cheap if there are none.
  void look();

  /// Refuses the tokens that changes since the last call have ended; their sockets wait for `look`.
  /// Any thread. One look-up if there are none.
  void refuse_changed();

 private:
  bool refuse_ended(const std::string& user_id);
  void revoke_ended(const std::string& user_id);
  [[nodiscard]] std::int64_t oldest_that_matters() const;

  AccountStore& accounts_;
  SessionStore& sessions_;
  const Tokens& tokens_;
  const Disconnect disconnect_;
  const std::function<std::int64_t()> now_ms_;
  std::int64_t seen_ = 0;                 // the last change
  std::atomic<std::int64_t> refused_{0};  // the last change for `refuse_changed`
  std::mutex mutex_;                      // of what is read and then written to the tokens
};

}  // namespace order_server
