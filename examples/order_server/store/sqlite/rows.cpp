// SPDX-License-Identifier: MIT
#include "store/sqlite/rows.hpp"

namespace order_server::sqlite {

std::optional<User> read_user(Query& query) {
  if (!query.next()) return std::nullopt;
  return User{query.text(0),
              query.text(1),
              query.text(2),
              query.text(3),
              known(role_from_string(query.text(4)), "users.role"),
              query.text(5),
              query.integer(6) != 0,
              query.text(7)};
}

}  // namespace order_server::sqlite
