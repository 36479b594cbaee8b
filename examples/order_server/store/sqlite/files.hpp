// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace order_server::sqlite {

class Connection;

/// The files of a database as they lie on disk: who serves them, whether their names still lead to
/// what is open, and how long the log is.
///
/// SQLite holds its files by descriptor. A file that is removed or replaced under a running
/// process goes on working for it alone, and all that is written is lost when it ends. Device and
/// inode tell; SQLite's open descriptors keep an inode's number from being given to another file.
///
/// Any thread once `remember` has returned. Must outlive all connections to the database.
class DatabaseFiles {
 public:
  /// `exclusive` takes the database for this process and throws StoreError if another has done so.
  /// The lock is on the file itself, so that links to it are seen through, and it ends with the
  /// process, however that ends.
  DatabaseFiles(std::string file, bool exclusive);
  DatabaseFiles(const DatabaseFiles&) = delete;
  DatabaseFiles(DatabaseFiles&&) = delete;
  DatabaseFiles& operator=(const DatabaseFiles&) = delete;
  DatabaseFiles& operator=(DatabaseFiles&&) = delete;
  ~DatabaseFiles();

  /// Notes which files `connection` has open. Call it when the log is there. Throws StoreError.
  void remember(const Connection& connection);

  /// Throws StoreError if the database, its log or the log's index is no longer where it was, or if
  /// a database that was taken for this process has been overwritten.
  void require_in_place() const;

  /// What tells this file from a copy of it, also after a restart: its inode and when it was made.
  /// After `remember`.
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
  void require_own_content() const;

  const std::string file_;
  int locked_ = -1;
  std::atomic<bool> is_overwritten_{false};
  std::array<File, 3> files_;  ///< The database, -wal, -shm.
};

/// Copies a database, log and all, to a file that is not there yet, readable for its owner only. On
/// disk when it returns. Throws StoreError; then there is no such file.
void back_up(const std::string& database, const std::string& to);

}  // namespace order_server::sqlite
