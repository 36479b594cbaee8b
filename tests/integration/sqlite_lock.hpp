// SPDX-License-Identifier: MIT
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>
#include <string>

/// A disk that has stopped, as far as the server can see: another process holds SQLite's write
/// lock.
namespace ordercast::test {

/// Takes the lock, and gives it back with `release` or at the end of its life. Throws
/// `std::runtime_error` when it can't be had.
class SqliteLock {
 public:
  explicit SqliteLock(const std::filesystem::path& database) {
    const bool locked =
        sqlite3_open_v2(database.c_str(), &connection_, SQLITE_OPEN_READWRITE, nullptr) ==
            SQLITE_OK &&
        sqlite3_busy_timeout(connection_, 10'000) == SQLITE_OK &&
        sqlite3_exec(connection_, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) == SQLITE_OK;
    if (!locked) {
      const std::string why = sqlite3_errmsg(connection_);
      release();
      throw std::runtime_error("no lock on the database: " + why);
    }
  }
  SqliteLock(const SqliteLock&) = delete;
  SqliteLock& operator=(const SqliteLock&) = delete;
  ~SqliteLock() { release(); }

  /// Closing the connection rolls its (empty) transaction back.
  void release() noexcept {
    sqlite3_close(connection_);
    connection_ = nullptr;
  }

 private:
  sqlite3* connection_ = nullptr;
};

}  // namespace ordercast::test
