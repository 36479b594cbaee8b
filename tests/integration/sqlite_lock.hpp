// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>

/// Simulates a disk that hangs: another process holds SQLite's write lock.
namespace ordercast::test {

/// Takes the lock; `release` or the destructor releases it. Throws `std::runtime_error` if it can't
/// get the lock.
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

/// Takes every lock of the write-ahead log, so that nobody can read either. (SQLite's locks, which
/// are bytes 120 to 127 of its -shm file.)
class SqliteTotalLock {
 public:
  explicit SqliteTotalLock(const std::filesystem::path& database)
      : file_(::open((database.string() + "-shm").c_str(), O_RDWR | O_CLOEXEC)) {
    struct flock all {};
    all.l_type = F_WRLCK;
    all.l_whence = SEEK_SET;
    all.l_start = 120;
    all.l_len = 8;
    while (file_ >= 0 && ::fcntl(file_, F_SETLKW, &all) != 0) {
      if (errno != EINTR) release();
    }
    if (file_ < 0) throw std::runtime_error("no lock on the database's log");
  }
  SqliteTotalLock(const SqliteTotalLock&) = delete;
  SqliteTotalLock& operator=(const SqliteTotalLock&) = delete;
  ~SqliteTotalLock() { release(); }

  void release() noexcept {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

 private:
  int file_;
};

}  // namespace ordercast::test
