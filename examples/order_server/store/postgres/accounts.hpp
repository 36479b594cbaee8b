// SPDX-License-Identifier: MIT
#pragma once

#include "store/account_store.hpp"
#include "store/postgres/connection.hpp"
#include "store/session_store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The statements about users, their sign-ins and their devices; see `AccountStore`, `SessionStore`
/// and `Store` for what each means. What writes must be called within a transaction, which the
/// caller commits. All throw StoreError.
namespace order_server::postgres {

void insert_user(Connection& connection, const User& user);
[[nodiscard]] bool has_users(Connection& connection);
[[nodiscard]] std::optional<User> find_user(Connection& connection, std::string_view id);
[[nodiscard]] std::optional<User> find_user_by_email(Connection& connection,
                                                     std::string_view email);
[[nodiscard]] std::vector<User> list_users(Connection& connection);
[[nodiscard]] bool set_disabled(Connection& connection, std::string_view user_id, bool is_disabled,
                                std::int64_t now_ms);
void set_password(Connection& connection, std::string_view user_id, std::string_view password_hash,
                  std::int64_t now_ms);
[[nodiscard]] std::vector<std::string> disabled_users(Connection& connection);
[[nodiscard]] std::vector<AccountChange> account_changes_after(Connection& connection,
                                                               std::int64_t sequence);
[[nodiscard]] std::int64_t last_account_change(Connection& connection);

void add_session(Connection& connection, std::string_view id, std::string_view user_id,
                 std::int64_t now_ms, std::int64_t expires_at_ms);
[[nodiscard]] std::optional<std::int64_t> session_ended_at(Connection& connection,
                                                           std::string_view id,
                                                           std::string_view user_id);
void bind_device(Connection& connection, std::string_view session_id, std::string_view user_id,
                 std::string_view device_token);
void end_session(Connection& connection, std::string_view id, std::string_view user_id,
                 std::int64_t now_ms);
std::vector<std::string> end_all_sessions(Connection& connection, std::string_view user_id,
                                          std::int64_t now_ms);
[[nodiscard]] std::vector<EndedSession> sessions_ended_since(Connection& connection,
                                                             std::int64_t since_ms);

std::optional<std::string> add_device(Connection& connection, std::string_view user_id,
                                      std::string_view token, std::string_view platform,
                                      std::int64_t now_ms);
void remove_device(Connection& connection, std::string_view user_id, std::string_view token);

}  // namespace order_server::postgres
