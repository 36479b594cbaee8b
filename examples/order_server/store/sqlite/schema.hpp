// SPDX-License-Identifier: MIT
#pragma once

#include "store/sqlite/connection.hpp"

#include <cstdint>

namespace order_server::sqlite {

/// The version of the tables that this program reads and writes (`PRAGMA user_version`).
inline constexpr int schema_version = 7;

/// Marks a file as ours: "OCOS" in ASCII.
inline constexpr std::int64_t application_id = 0x4F434F53;

/// Throws StoreError if the file is not a database, belongs to another program, or has a newer
/// schema. Writes nothing, so a wrong `--db` does no harm.
void require_own_or_empty(Connection& connection);

/// Creates the tables in an empty database, or brings an older schema up to date, in one
/// transaction; leaves a current one alone.
void update_schema(Connection& connection);

}  // namespace order_server::sqlite
