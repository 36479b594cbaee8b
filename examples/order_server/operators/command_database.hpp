// SPDX-License-Identifier: MIT
#pragma once

#include "operators/command_line.hpp"
#include "secrets.hpp"
#include "store/open_database.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

/// The database of an operator's command.
namespace order_server {

/// The default of `--db`.
inline constexpr const char* usual_database = "order_server.db";

/// Adds `--db`.
inline void add_database_option(CLI::App& command, std::string& db) {
  command
      .add_option("--db", db,
                  "SQLite database file, or postgres://USER@HOST:PORT/DATABASE with the password "
                  "in DB_PASSWORD or DB_PASSWORD_FILE [default: order_server.db]")
      ->check(CLI::Validator(&complaint_of_database, ""));
}

/// Throws std::runtime_error if `--db` names a file that does not exist: a mistyped name must not
/// create a database.
inline void require_database(const std::string& db) {
  if (is_shared_database(db) || std::filesystem::exists(db)) return;
  throw std::runtime_error("there is no database '" + db + "'; name it with --db");
}

/// Opens the database that `--db` names, or creates it. Throws StoreError, and std::runtime_error
/// if a given password can't be used.
[[nodiscard]] inline std::unique_ptr<Database> open_for_command(const std::string& db) {
  DatabaseOptions options;
  options.db = db;
  if (is_shared_database(db)) {
    auto password = read_secret(
        [](const char* name) -> std::optional<std::string> {
          const char* value = std::getenv(name);
          return value == nullptr ? std::nullopt : std::optional<std::string>(value);
        },
        "DB_PASSWORD");
    if (!password.wrong.empty()) throw std::runtime_error(password.wrong);
    options.password = std::move(password.value).value_or("");
  }
  return open_database(options);
}

}  // namespace order_server
