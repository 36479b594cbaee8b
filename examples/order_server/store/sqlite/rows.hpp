// SPDX-License-Identifier: MIT
#pragma once

#include "store/sqlite/connection.hpp"
#include "store/store.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Rows of the tables that more than one part of the store reads or writes. All throw StoreError.
namespace order_server::sqlite {

/// Ends where the condition begins.
inline constexpr std::string_view user_columns =
    "SELECT id, email, name, password_hash, role, organization_id, "
    "EXISTS (SELECT 1 FROM disabled_users WHERE user_id = users.id), phone FROM users WHERE ";

/// A name that the table's CHECK lets in but this program does not know is a broken database.
template <class Enum>
Enum known(std::optional<Enum> value, const char* column) {
  if (!value) throw StoreError(std::string("unknown value in the database's column ") + column);
  return *value;
}

/// The next row of `user_columns`; nullopt if there is none.
[[nodiscard]] std::optional<User> read_user(Query& query);

}  // namespace order_server::sqlite
