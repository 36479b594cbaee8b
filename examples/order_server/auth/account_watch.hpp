// SPDX-License-Identifier: MIT
#pragma once

#include "auth/tokens.hpp"
#include "store/account_store.hpp"
#include "store/session_store.hpp"

#include <cstdint>
#include <functional>
#include <string>

/// How a server that runs learns that an operator has disabled a user or set a password: from the
/// database, as the command is another process.
namespace order_server {

/// One thread at a time. All that it is given must outlive it. Every call blocks on the database
/// and throws StoreError; what it could not do it does with the next call.
class AccountWatch {
 public:
  /// Closes every WebSocket of that user with 4001 and the reason; false if that is to be tried
  /// again. May block.
  using Disconnect = std::function<bool(const std::string& user_id, std::string reason)>;

  AccountWatch(AccountStore& accounts, SessionStore& sessions, const Tokens& tokens,
               Disconnect disconnect, std::function<std::int64_t()> now_ms);

  /// Takes over what was so before: who is disabled, and what ended while access tokens of it may
  /// still be about. Before the first client.
  void start();

  /// Acts on what has changed since. Cheap when nothing has.
  void look();

 private:
  void revoke_ended(const std::string& user_id);
  [[nodiscard]] std::int64_t oldest_that_matters() const;

  AccountStore& accounts_;
  SessionStore& sessions_;
  const Tokens& tokens_;
  const Disconnect disconnect_;
  const std::function<std::int64_t()> now_ms_;
  std::int64_t seen_ = 0;  // the last change
};

}  // namespace order_server
