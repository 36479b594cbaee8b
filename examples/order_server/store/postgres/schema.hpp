// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"

#include <cstdint>

namespace order_server::postgres {

/// The version of the tables that this program reads and writes.
inline constexpr std::int64_t schema_version = 2;

/// Creates the tables if there are none, or brings older ones up to date, in one transaction under
/// a lock, so that many nodes may start at once; leaves current ones alone. Accepts tables of a
/// later version if they say that this program may still use them: during an upgrade of a cluster,
/// nodes of two releases share a database. Throws StoreError, also if the tables belong to another
/// program.
void update_schema(Connection& connection);

/// Throws StoreError if `update_schema` would refuse the tables. Changes nothing.
void require_own_or_empty(Connection& connection);

/// Gives the store another epoch if it is not the database that was last served: one that was
/// restored, copied, or recovered to an earlier time. Call it after `update_schema`.
void notice_restored(Connection& connection);

}  // namespace order_server::postgres
