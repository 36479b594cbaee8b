// SPDX-License-Identifier: MIT
#include "auth/session_watch.hpp"

#include <chrono>

namespace order_server {
namespace {

/// How far back it looks: longer than a node is cut off from the store without being noticed, and
/// than clocks of nodes are apart.
constexpr std::chrono::milliseconds look_back = std::chrono::minutes(30);

}  // namespace

SessionWatch::SessionWatch(SessionStore& sessions, const Tokens& tokens, Disconnect disconnect,
                           std::function<std::int64_t()> now_ms)
    : sessions_(sessions),
      tokens_(tokens),
      disconnect_(std::move(disconnect)),
      now_ms_(std::move(now_ms)) {}

void SessionWatch::look() {
  decltype(seen_) now_seen;
  for (const auto& ended : sessions_.sessions_ended_since(now_ms_() - look_back.count())) {
    const std::pair key(ended.user_id, ended.id);
    const auto before = seen_.find(key);
    const bool is_new = before == seen_.end() || before->second != ended.ended_at_ms;
    now_seen[key] = ended.ended_at_ms;
    if (!is_new) continue;
    tokens_.revoke(ended.user_id, ended.id, ended.ended_at_ms);
    if (!ended.id.empty()) disconnect_(ended.user_id, ended.id);
  }
  seen_ = std::move(now_seen);
}

}  // namespace order_server
