// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The sign-ins, which a token's `sid` names. Threads and errors as for `Store`.
namespace order_server {

struct EndedSession {
  std::string id;  ///< "": the user's tokens without a `sid`.
  std::string user_id;
  std::int64_t ended_at_ms = 0;
};

class SessionStore {
 public:
  virtual ~SessionStore() = default;

  /// Stores a sign-in, and deletes some that have expired.
  virtual void add_session(std::string_view id, std::string_view user_id, std::int64_t now_ms,
                           std::int64_t expires_at_ms) = 0;
  /// When the sign-in was ended; nullopt if it was not. For id "", when `end_all_sessions` was
  /// called.
  virtual std::optional<std::int64_t> session_ended_at(std::string_view id,
                                                       std::string_view user_id) = 0;
  /// Binds a device to the sign-in in which it registered; it will be removed with the sign-in.
  virtual void bind_device(std::string_view session_id, std::string_view user_id,
                           std::string_view device_token) = 0;
  /// Ends the user's sign-in `id` with its device, in one transaction. Does nothing if it has ended
  /// or belongs to another user. An unknown one is stored as ended.
  virtual void end_session(std::string_view id, std::string_view user_id, std::int64_t now_ms) = 0;
  /// Ends all sign-ins of the user, those without an id too, with all devices. Returns the ids of
  /// those that had not ended.
  virtual std::vector<std::string> end_all_sessions(std::string_view user_id,
                                                    std::int64_t now_ms) = 0;
  /// The sign-ins that have ended since, for a server that starts or may have missed some. The
  /// times are from the clocks of the nodes that ended them: ask from earlier, by as much as clocks
  /// may differ and a commit may take.
  virtual std::vector<EndedSession> sessions_ended_since(std::int64_t since_ms) = 0;
};

}  // namespace order_server
