// SPDX-License-Identifier: MIT
#include "store/open_database.hpp"

#include "domain/shown_value.hpp"
#include "store/postgres/address.hpp"
#include "store/postgres/postgres_store.hpp"
#include "store/postgres/schema.hpp"
#include "store/sqlite/files.hpp"
#include "store/sqlite/sqlite_store.hpp"

#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace order_server {
namespace {

/// Whether it begins like the connection string of libpq that is no URL.
bool is_connection_string(std::string_view db) {
  const auto key = db.substr(0, db.find('='));
  if (key.size() == db.size()) return false;
  for (const std::string_view known : {"host", "hostaddr", "port", "dbname", "user", "password",
                                       "passfile", "service", "sslmode"}) {
    if (key == known) return true;
  }
  return false;
}

/// What is wrong with the name of a SQLite database. Neither opens nor creates the file.
std::string complaint_of_database_file(const std::string& db) {
  namespace fs = std::filesystem;
  constexpr auto allowed =
      "; allowed is the name of a file, or postgres://USER@HOST:PORT/DATABASE with the password in "
      "DB_PASSWORD or DB_PASSWORD_FILE";
  if (is_connection_string(db)) return std::string("a connection string is not allowed") + allowed;
  if (db.find("://") != std::string::npos) return shown_value(db) + " is not allowed" + allowed;
  std::error_code error;
  const auto status = fs::status(db, error);
  if (fs::exists(status)) {
    return fs::is_regular_file(status) ? "" : shown_value(db) + " is not a regular file" + allowed;
  }
  if (status.type() == fs::file_type::none) {
    return shown_value(db) + " can't be used: " + error.message();
  }
  return {};
}

}  // namespace

bool is_shared_database(const std::string& db) {
  return postgres::is_url(db);
}

std::string complaint_of_database(const std::string& db) {
  return is_shared_database(db) ? postgres::complaint(db) : complaint_of_database_file(db);
}

std::string shown_database(const std::string& db) {
  return is_shared_database(db) ? postgres::shown(db) : one_line(db);
}

std::string unusable_database(const DatabaseOptions& options) {
  if (!is_shared_database(options.db)) return sqlite::unusable_file(options.db);
  constexpr std::chrono::seconds patience{5};
  try {
    postgres::Connection connection(postgres::address_of(options.db, options.password),
                                    postgres::shown(options.db),
                                    std::chrono::steady_clock::now() + patience);
    postgres::require_own_or_empty(connection);
  } catch (const StoreError& error) {
    return error.what();
  }
  return {};
}

std::unique_ptr<Database> open_database(const DatabaseOptions& options) {
  if (is_shared_database(options.db)) {
    PostgresOptions of_server;
    of_server.url = options.db;
    of_server.password = options.password;
    of_server.pool.connections = options.threads;
    of_server.serves = options.serves;
    return std::make_unique<PostgresStore>(std::move(of_server));
  }
  SqliteOptions of_file;
  of_file.file = options.db;
  of_file.exclusive = options.serves;
  of_file.readers = options.threads;
  return std::make_unique<SqliteStore>(of_file);
}

}  // namespace order_server
