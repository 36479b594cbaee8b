// SPDX-License-Identifier: MIT
#pragma once

#include "auth/tokens.hpp"
#include "store/session_store.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

/// How a node learns of sign-ins that ended at another one: from the store that they share. The
/// other node says when to look; it does not depend on that.
namespace order_server {

/// One thread at a time. All that it is given must outlive it.
class SessionWatch {
 public:
  /// Closes the WebSockets of that sign-in with 4001. May block.
  using Disconnect = std::function<void(const std::string& user_id, const std::string& session_id)>;

  SessionWatch(SessionStore& sessions, const Tokens& tokens, Disconnect disconnect,
               std::function<std::int64_t()> now_ms);

  /// Acts on what has ended and was not seen before; the first call on all of it. A sign-in's
  /// tokens are void before its sockets close. Tokens that name no sign-in become void; a socket
  /// that was opened with one stays, as it can't be told from a newer one. StoreError.
  void look();

 private:
  SessionStore& sessions_;
  const Tokens& tokens_;
  const Disconnect disconnect_;
  const std::function<std::int64_t()> now_ms_;
  /// When each ended, by user and sign-in. Holds what the last look found.
  std::map<std::pair<std::string, std::string>, std::int64_t> seen_;
};

}  // namespace order_server
