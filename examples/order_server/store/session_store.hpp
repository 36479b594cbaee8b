// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The sign-ins: what a token's `sid` names. Threads and errors as for `Store`.
namespace order_server {

struct EndedSession {
  std::string id;  ///< "": the user's tokens that name none.
  std::string user_id;
  std::int64_t ended_at_ms = 0;
};

class SessionStore {
 public:
  virtual ~SessionStore() = default;

  /// Remembers a sign-in, and forgets some that have expired.
  virtual void add_session(std::string_view id, std::string_view user_id, std::int64_t now_ms,
                           std::int64_t expires_at_ms) = 0;
  /// When the sign-in was ended; nullopt if it was not. For id "" that of `end_all_sessions`.
  virtual std::optional<std::int64_t> session_ended_at(std::string_view id,
                                                       std::string_view user_id) = 0;
  /// The device that registered in this sign-in is removed with it.
  virtual void bind_device(std::string_view session_id, std::string_view user_id,
                           std::string_view device_token) = 0;
  /// Ends the user's sign-in `id` with its device, in one transaction. Nothing if it has ended or
  /// is not that user's. One that is not known is remembered as ended.
  virtual void end_session(std::string_view id, std::string_view user_id, std::int64_t now_ms) = 0;
  /// Ends all of the user's, those without an id too, with all devices; returns the ids of those
  /// that had not ended.
  virtual std::vector<std::string> end_all_sessions(std::string_view user_id,
                                                    std::int64_t now_ms) = 0;
  /// What ended since, for a server that starts or may have missed something. Times are of the
  /// clocks that ended them: ask from so much earlier as clocks may differ and a commit may take.
  virtual std::vector<EndedSession> sessions_ended_since(std::int64_t since_ms) = 0;
};

}  // namespace order_server
