// SPDX-License-Identifier: MIT
#pragma once

#include "store/rows.hpp"
#include "store/sqlite/connection.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Rows of the tables that more than one part of the store reads or writes. All throw StoreError.
namespace order_server::sqlite {

/// Ends where the condition begins.
inline constexpr std::string_view user_columns =
    "SELECT id, email, name, password_hash, role, organization_id, "
    "EXISTS (SELECT 1 FROM disabled_users WHERE user_id = users.id), phone FROM users WHERE ";

/// The next row of `user_columns`; nullopt if there is none.
[[nodiscard]] std::optional<User> read_user(Query& query);

}  // namespace order_server::sqlite
