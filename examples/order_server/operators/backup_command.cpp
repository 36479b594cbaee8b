// SPDX-License-Identifier: MIT
#include "operators/command_database.hpp"
#include "operators/commands.hpp"
#include "store/sqlite/files.hpp"

#include <CLI/CLI.hpp>

#include <stdexcept>

namespace order_server {

bool is_backup_command(const std::vector<std::string>& arguments) {
  return !arguments.empty() && arguments.front() == "backup";
}

int run_backup_command(const std::vector<std::string>& arguments, std::FILE* out, std::FILE* err) {
  CLI::App app(
      "Copies a database, whether a server runs on it or not. To restore a copy, stop the server, "
      "remove the database with its -wal and -shm files, put the copy in its place, and start the "
      "server.",
      "order_server backup");
  std::string db = usual_database;
  std::string file;
  app.add_option("FILE", file, "Name of the copy; the file must not exist")->required();
  app.add_option("--db", db, "SQLite database file [default: order_server.db]");
  const auto copy = [&] {
    if (file.empty()) throw CLI::ValidationError("FILE: is empty; give the name of the copy");
    if (is_shared_database(db)) {
      throw std::runtime_error(
          "a PostgreSQL database is copied with its own tools: pg_dump --format=custom writes all "
          "of it, pg_basebackup and its log what a recovery to any time takes");
    }
    require_database(db);
    sqlite::back_up(db, file);
  };
  return run_command_line(app, "order_server backup", {arguments.begin() + 1, arguments.end()},
                          copy, out, err);
}

}  // namespace order_server
