// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace order_server::sqlite {

/// Watches the contents of a database's three files for another program that shortens or overwrites
/// them in place (`> shop.db-wal`), which keeps their inodes. SQLite believes in its log: it would
/// go on behind a hole, and the next start would find nothing of it. It maps the log's index into
/// memory, where a missing page ends the process (SIGBUS).
///
/// The index says how many frames the log has, and holds the salts of the log's header and the
/// checksum of its last frame, so a few small reads compare the two
/// (https://sqlite.org/walformat.html). What is in the middle of a file is not looked at.
///
/// Any thread once `open` has returned. It keeps descriptors of the files, and closing any of them
/// ends SQLite's locks in this process: it must outlive all connections.
class LogGuard {
 public:
  LogGuard() = default;
  LogGuard(const LogGuard&) = delete;
  LogGuard(LogGuard&&) = delete;
  LogGuard& operator=(const LogGuard&) = delete;
  LogGuard& operator=(LogGuard&&) = delete;
  ~LogGuard();

  /// `database`: a descriptor that outlives this. Throws StoreError.
  void open(int database, const std::string& log, const std::string& index);

  /// Returns the file that was shortened or overwritten, now or at any call before, and nullopt if
  /// none was. Nothing to do before `open`. Call it where no change of this process is half done,
  /// or from any thread that only reads.
  [[nodiscard]] std::optional<std::string> damaged();

  /// Gives an index that was shortened its length back, so that nothing that is mapped is missing,
  /// and marks it as unusable, so that SQLite makes it anew from the log. Costs one system call
  /// where there is nothing to do.
  void mend_index() noexcept;

  /// Call it after a commit, which may have written to an index that was mended meanwhile.
  void note_commit() noexcept;

 private:
  /// What the index says of the log at one moment.
  struct Summary;

  void distrust_index() noexcept;
  [[nodiscard]] std::optional<Summary> read_summary() const;
  [[nodiscard]] bool is_log_whole();
  [[nodiscard]] bool is_log_as(const Summary& summary) const;
  [[nodiscard]] bool is_database_long_enough();

  int database_ = -1;  // Another's.
  int log_ = -1;
  int index_ = -1;
  std::string database_name_;
  std::string log_name_;
  std::string index_name_;
  std::atomic<std::int64_t> index_bytes_{0};     // The longest that was seen.
  std::atomic<std::int64_t> database_bytes_{0};  // The last that was seen and right.
  std::atomic<const std::string*> damaged_{nullptr};
  std::mutex mending_;
};

}  // namespace order_server::sqlite
