// SPDX-License-Identifier: MIT
#pragma once

#include "store/database.hpp"

#include <cstddef>
#include <memory>
#include <string>

/// Which database `--db` means: a file is SQLite's, a URL is a PostgreSQL server's.
namespace order_server {

struct DatabaseOptions {
  std::string db;  ///< A file, or postgres://USER@HOST:PORT/DATABASE.

  std::string password;  ///< Of a server; "": as the client library finds it.

  /// How many threads use it at once. Cost: a connection each, with SQLite up to 2 MB of cache too.
  std::size_t threads = 1;

  /// The caller serves it, rather than runs one command.
  bool serves = false;
};

/// Whether `db` is on a server that several nodes may share.
[[nodiscard]] bool is_shared_database(const std::string& db);

/// What is wrong with `--db`; "" if nothing is. Opens nothing, and shows no password.
[[nodiscard]] std::string complaint_of_database(const std::string& db);

/// `--db` as a log may show it, without a password.
[[nodiscard]] std::string shown_database(const std::string& db);

/// Opens the database, and makes its tables or brings them up to date. Throws StoreError.
[[nodiscard]] std::unique_ptr<Database> open_database(const DatabaseOptions& options);

}  // namespace order_server
