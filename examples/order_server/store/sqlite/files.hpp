// SPDX-License-Identifier: MIT
#pragma once

#include "store/sqlite/log_guard.hpp"

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace order_server::sqlite {

class Connection;

/// Watches the files of a database on disk: which process serves them, whether their names still
/// lead to the open files, and how long the log is.
///
/// SQLite holds its files by descriptor. If a file is removed or replaced under a running process,
/// only that process goes on with it, and everything that it writes is lost when it ends. Device
/// and inode show this; SQLite's open descriptors keep an inode's number from being reused.
///
/// Any thread once `remember` has returned. Must outlive all connections to the database.
class DatabaseFiles {
 public:
  /// `exclusive` locks the database for this process and throws StoreError if another process has
  /// locked it. The lock is on the file itself, so it works through links. It ends with the
  /// process, however that ends.
  DatabaseFiles(std::string file, bool exclusive);
  DatabaseFiles(const DatabaseFiles&) = delete;
  DatabaseFiles(DatabaseFiles&&) = delete;
  DatabaseFiles& operator=(const DatabaseFiles&) = delete;
  DatabaseFiles& operator=(DatabaseFiles&&) = delete;
  ~DatabaseFiles();

  /// Notes which files `connection` has open. Call it when the log exists. Throws StoreError.
  void remember(const Connection& connection);

  /// Throws StoreError if the database, its log or the log's index is no longer where it was, or if
  /// one of a database that was taken for this process has been overwritten or shortened.
  void require_in_place();

  /// The same after a commit.
  void require_in_place_after_commit();

  /// Call it before a read. See LogGuard.
  void mend_index() noexcept { guard_.mend_index(); }

  /// Whether one of the files was overwritten or shortened in place. Nothing may be written to them
  /// any more.
  [[nodiscard]] bool is_overwritten();

  /// Distinguishes this file from a copy, also after a restart: its inode and time of creation.
  /// Call it after `remember`.
  [[nodiscard]] std::string birth() const;

  /// From now on `require_in_place` throws: the file holds another database.
  void note_overwritten() noexcept { is_overwritten_ = true; }

  /// Bytes of the write-ahead log; 0 if there is none.
  [[nodiscard]] std::int64_t log_bytes() const noexcept;

 private:
  struct File {
    std::string name;
    dev_t device = 0;
    ino_t inode = 0;
  };

  void lock();
  void require_own_content();

  const std::string file_;
  int locked_ = -1;
  std::atomic<bool> is_overwritten_{false};
  std::array<File, 3> files_;  ///< The database, -wal, -shm.
  LogGuard guard_;             // Only of a database that was taken for this process.
};

/// Says why the file can't be served as a database: its rights, its kind, or whose it is; "" if it
/// can, or if it does not exist and can be created. Reads its header and changes nothing.
[[nodiscard]] std::string unusable_file(const std::string& file);

/// Copies a database with its log to a new file that only its owner can read. The copy is on disk
/// when it returns. If it throws StoreError, there is no such file.
void back_up(const std::string& database, const std::string& to);

}  // namespace order_server::sqlite
