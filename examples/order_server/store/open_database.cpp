// SPDX-License-Identifier: MIT
#include "store/open_database.hpp"

#include "domain/printable.hpp"
#include "store/postgres/address.hpp"
#include "store/postgres/postgres_store.hpp"
#include "store/postgres/schema.hpp"
#include "store/sqlite/files.hpp"
#include "store/sqlite/sqlite_store.hpp"

#include <chrono>
#include <utility>

namespace order_server {

bool is_shared_database(const std::string& db) {
  return postgres::is_url(db);
}

std::string complaint_of_database(const std::string& db) {
  return is_shared_database(db) ? postgres::complaint(db) : std::string();
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
