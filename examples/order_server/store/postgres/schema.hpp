// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"

#include <cstdint>

namespace order_server::postgres {

/// The version of the tables that this program reads and writes.
inline constexpr std::int64_t schema_version = 1;

/// Makes the tables where there are none, or brings older ones up to date, in one transaction under
/// a lock, so that many nodes may start at once; leaves current ones alone. Tables of a later
/// program are accepted if they say that this one may still use them: while a cluster is upgraded,
/// nodes of two releases share a database. Throws StoreError, also where the tables are another
/// program's.
void update_schema(Connection& connection);

/// Gives the store another epoch where it is not the database that it was last served as: one that
/// was restored, copied, or recovered to an earlier time. After `update_schema`.
void notice_restored(Connection& connection);

}  // namespace order_server::postgres
