// SPDX-License-Identifier: MIT
#pragma once

#include "store/database.hpp"

#include <cstddef>
#include <memory>
#include <string>

/// Opens the database that `--db` names: a file is for SQLite, a URL for PostgreSQL.
namespace order_server {

struct DatabaseOptions {
  std::string db;  ///< A file, or postgres://USER@HOST:PORT/DATABASE.

  std::string password;  ///< Of a server; "": as libpq finds it.

  /// How many threads use it at once. Each costs a connection, and with SQLite up to 2 MB of cache.
  std::size_t threads = 1;

  /// True for a server, false for a single command.
  bool serves = false;
};

/// Whether `db` is on a server that several nodes may share.
[[nodiscard]] bool is_shared_database(const std::string& db);

/// Says what is wrong with `--db`; "" if nothing is. Opens nothing, and shows no password.
[[nodiscard]] std::string complaint_of_database(const std::string& db);

/// `--db` as a log may show it, without a password.
[[nodiscard]] std::string shown_database(const std::string& db);

/// Says why a start could not use the database; "" if it could, or if it would create the file.
/// Changes nothing. Asks a server for its tables, for up to 5 s.
[[nodiscard]] std::string unusable_database(const DatabaseOptions& options);

/// Opens the database, and makes its tables or brings them up to date. Throws StoreError.
[[nodiscard]] std::unique_ptr<Database> open_database(const DatabaseOptions& options);

}  // namespace order_server
