// SPDX-License-Identifier: MIT
#include "operators/backup_command.hpp"

#include "config_options.hpp"
#include "domain/printable.hpp"
#include "store/sqlite_files.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <stdexcept>

namespace order_server {

bool is_backup_command(const std::vector<std::string>& arguments) {
  return !arguments.empty() && arguments.front() == "backup";
}

int run_backup_command(const std::vector<std::string>& arguments, std::FILE* out, std::FILE* err) {
  CLI::App app(
      "Copies a database, while a server runs on it or while none does. To restore it, stop the "
      "server, remove the database with its -wal and -shm files, put the copy in its place, and "
      "start.",
      "order_server backup");
  std::string db = "order_server.db";
  std::string file;
  app.add_option("FILE", file, "The copy; a file that is not there yet")->required();
  app.add_option("--db", db, "SQLite database file [default: order_server.db]");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend() - 1));
    if (file.empty()) throw CLI::ValidationError("FILE: is empty; give the name of the copy");
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), out);
    return 0;
  } catch (const CLI::Error& error) {
    std::fprintf(err, "order_server backup: %s (--help lists all options)\n",
                 one_line(complaint_of(error, app)).c_str());
    return 2;
  }
  try {
    if (!std::filesystem::exists(db)) {
      throw std::runtime_error("there is no database '" + db + "'; --db names it");
    }
    sqlite::back_up(db, file);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(err, "order_server backup: %s\n", one_line(error.what()).c_str());
    return 1;
  }
}

}  // namespace order_server
