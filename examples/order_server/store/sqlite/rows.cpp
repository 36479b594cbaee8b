// SPDX-License-Identifier: MIT
#include "store/sqlite/rows.hpp"

namespace order_server::sqlite {

std::optional<User> read_user(Query& query) {
  if (!query.next()) return std::nullopt;
  return rows::user(query);
}

}  // namespace order_server::sqlite
