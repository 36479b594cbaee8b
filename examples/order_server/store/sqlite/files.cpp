// SPDX-License-Identifier: MIT
#include "store/sqlite/files.hpp"

#include "store/sqlite/connection.hpp"
#include "store/sqlite/schema.hpp"
#include "store/store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace order_server::sqlite {
namespace {

/// What the beginning of a database says of it: https://sqlite.org/fileformat2.html
struct Header {
  bool is_database = false;
  std::int64_t application = 0;
  std::int64_t version = 0;  ///< Of our tables.
};

Header header_of(int descriptor) {
  std::array<char, 100> bytes{};
  if (pread(descriptor, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return {};
  }
  const auto number_at = [&bytes](std::size_t at) {
    std::int64_t number = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      number = number * 256 + static_cast<unsigned char>(bytes.at(i));
    }
    return number;
  };
  constexpr std::string_view magic("SQLite format 3\0", 16);
  constexpr std::size_t version_at = 60;
  constexpr std::size_t application_at = 68;
  return {std::string_view(bytes.data(), magic.size()) == magic, number_at(application_at),
          number_at(version_at)};
}

/// Whether the file begins as every database of ours does, whatever is written to it. The
/// application's id of a new one may still be in its log.
bool has_own_header(int descriptor) {
  const Header header = header_of(descriptor);
  return header.is_database && (header.application == 0 || header.application == application_id);
}

std::string error_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace

DatabaseFiles::DatabaseFiles(std::string file, bool exclusive) : file_(std::move(file)) {
  if (exclusive) lock();
}

DatabaseFiles::~DatabaseFiles() {
  if (locked_ >= 0) close(locked_);
}

void DatabaseFiles::lock() {
  create_private(file_);
  locked_ = open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  if (locked_ < 0) return;  // SQLite fails in the same way, and says why
  // SQLite's own locks are fcntl's; this is flock's, which does not meet them.
  while (flock(locked_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error == EINTR) continue;
    close(std::exchange(locked_, -1));
    if (error != EWOULDBLOCK) {
      throw StoreError("cannot lock \"" + file_ + "\": " + error_text(error));
    }
    throw StoreError("cannot use \"" + file_ +
                     "\": another order_server is serving it. End that one first, or give this one "
                     "a file of its own with --db");
  }
}

void DatabaseFiles::remember(const Connection& connection) {
  // The database by the name it was asked for, which may be a link that is turned elsewhere; the
  // log where SQLite has put it, which is beside the file that the link leads to.
  files_[0].name = file_;
  files_[1].name = connection.log_file();
  files_[2].name = connection.log_file();
  files_[2].name.replace(files_[2].name.size() - 3, 3, "shm");
  for (File& each : files_) {
    struct stat status {};
    if (stat(each.name.c_str(), &status) != 0) {
      throw StoreError("cannot find \"" + each.name + "\": " + error_text(errno));
    }
    each.device = status.st_dev;
    each.inode = status.st_ino;
  }
  if (locked_ < 0) return;
  struct stat status {};
  if (fstat(locked_, &status) != 0 || status.st_dev != files_[0].device ||
      status.st_ino != files_[0].inode) {
    throw StoreError("cannot use \"" + file_ + "\": it was replaced while it was opened");
  }
  guard_.open(locked_, files_[1].name, files_[2].name);
}

std::string DatabaseFiles::birth() const {
  std::string text = std::to_string(files_[0].inode);
#ifdef STATX_BTIME  // An inode's number is given to another file once its own has gone.
  struct statx status {};
  if (::statx(AT_FDCWD, file_.c_str(), 0, STATX_BTIME, &status) == 0 &&
      (status.stx_mask & STATX_BTIME) != 0) {
    text += " " + std::to_string(status.stx_btime.tv_sec) + "." +
            std::to_string(status.stx_btime.tv_nsec);
  }
#endif
  return text;
}

void DatabaseFiles::require_in_place() {
  for (const File& each : files_) {
    if (each.name.empty()) continue;
    struct stat status {};
    const char* what = "was replaced by another file";
    if (stat(each.name.c_str(), &status) == 0) {
      if (status.st_dev == each.device && status.st_ino == each.inode) continue;
    } else {
      what = errno == ENOENT ? "was removed" : "can't be reached";
    }
    throw StoreError("cannot write \"" + file_ + "\": \"" + each.name + "\" " + what +
                     " while it was in use. Put the file that was there back, or restart the "
                     "server on what is there now");
  }
  require_own_content();
}

void DatabaseFiles::require_in_place_after_commit() {
  guard_.note_commit();
  require_in_place();
}

bool DatabaseFiles::is_overwritten() {
  return locked_ >= 0 &&
         (is_overwritten_ || !has_own_header(locked_) || guard_.damaged() != std::nullopt);
}

/// Overwriting a file in place (`cp other.db orders.db`, `> orders.db`) keeps its inode.
void DatabaseFiles::require_own_content() {
  if (locked_ < 0) return;
  if (is_overwritten_ || !has_own_header(locked_)) {
    throw StoreError("cannot write \"" + file_ +
                     "\": the file was overwritten while it was in use. Stop the server, put the "
                     "database back, remove what lies beside it (-wal, -shm), and start again");
  }
  if (const auto damaged = guard_.damaged()) {
    throw StoreError("cannot write \"" + file_ + "\": \"" + *damaged +
                     "\" was overwritten while it was in use. Restart the server, which then "
                     "serves what is left, or stop it and put a backup back");
  }
}

std::int64_t DatabaseFiles::log_bytes() const noexcept {
  struct stat status {};
  if (files_[1].name.empty() || stat(files_[1].name.c_str(), &status) != 0) return 0;
  return static_cast<std::int64_t>(status.st_size);
}

namespace {

void sync(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool is_synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!is_synced) throw StoreError("cannot write \"" + path + "\": " + error_text(error));
}

}  // namespace

std::string unusable_file(const std::string& file) {
  try {
    require_file_name(file);
  } catch (const StoreError& error) {
    return error.what();
  }
  const std::string what = "cannot use \"" + file + "\": ";
  const auto folder = std::filesystem::path(file).parent_path();
  // SQLite makes its log beside the database.
  if (access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0) {
    return what + "its folder: " + error_text(errno);
  }
  const int descriptor = open(file.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return errno == ENOENT ? "" : what + error_text(errno);
  struct stat status {};
  const bool is_file = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  const Header header = header_of(descriptor);
  close(descriptor);
  if (!is_file) return what + "it is no file";
  if (status.st_size == 0) return {};
  if (!header.is_database) return what + "it is no SQLite database";
  if (header.application != 0 && header.application != application_id) {
    return what + "it is another program's database";
  }
  if (header.version > schema_version) {
    return what + "it has schema version " + std::to_string(header.version) +
           ", this program knows up to " + std::to_string(schema_version);
  }
  return {};
}

void back_up(const std::string& database, const std::string& to) {
  require_file_name(to);
  Connection connection(database, Access::read_write_create, std::chrono::seconds(5));
  require_own_or_empty(connection);
  // Created here, so that no file is overwritten and no other user can read it. SQLite accepts an
  // empty file.
  const int made = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) {
    throw StoreError("cannot make \"" + to + "\": " +
                     (errno == EEXIST ? "there is such a file already" : error_text(errno)));
  }
  ::close(made);
  try {
    connection.query("VACUUM INTO ?1", to).run();
    sync(to, O_RDONLY);
    const auto folder = std::filesystem::path(to).parent_path();
    sync(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
  } catch (...) {
    ::unlink(to.c_str());
    throw;
  }
}

}  // namespace order_server::sqlite
