// SPDX-License-Identifier: MIT
#include "store/sqlite/log_guard.hpp"

#include "store/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

namespace order_server::sqlite {
namespace {

constexpr std::size_t log_header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::size_t summary_bytes = 48;
/// How often a summary that changes meanwhile is read again. It changes with each commit.
constexpr int most_tries = 10;

std::int64_t size_of(int descriptor) noexcept {
  struct stat status {};
  return fstat(descriptor, &status) == 0 ? static_cast<std::int64_t>(status.st_size) : 0;
}

template <std::size_t Bytes>
bool read_at(int descriptor, std::array<unsigned char, Bytes>& bytes, std::int64_t at) {
  return pread(descriptor, bytes.data(), Bytes, static_cast<off_t>(at)) ==
         static_cast<ssize_t>(Bytes);
}

std::uint32_t big_endian(const unsigned char* bytes) noexcept {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8U | bytes[i];
  return value;
}

template <class Number, std::size_t Bytes>
Number native(const std::array<unsigned char, Bytes>& bytes, std::size_t at) noexcept {
  Number value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

int open_to_keep(const std::string& name, int flags) {
  const int descriptor = ::open(name.c_str(), flags | O_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  throw StoreError("cannot open \"" + name + "\": " + std::generic_category().message(errno));
}

}  // namespace

struct LogGuard::Summary {
  std::array<unsigned char, summary_bytes> bytes{};

  // https://sqlite.org/walformat.html#the_wal_index_header
  [[nodiscard]] std::int64_t page_bytes() const noexcept {
    const auto stored = native<std::uint16_t>(bytes, 14);
    return stored == 1 ? 65'536 : stored;
  }
  [[nodiscard]] std::int64_t frames() const noexcept { return native<std::uint32_t>(bytes, 16); }
  [[nodiscard]] std::int64_t pages() const noexcept { return native<std::uint32_t>(bytes, 20); }
  [[nodiscard]] std::uint32_t checksum(std::size_t part) const noexcept {
    return native<std::uint32_t>(bytes, 24 + 4 * part);
  }
  [[nodiscard]] const unsigned char* salts() const noexcept { return bytes.data() + 32; }
};

LogGuard::~LogGuard() {
  if (log_ >= 0) close(log_);
  if (index_ >= 0) close(index_);
}

void LogGuard::open(int database, const std::string& log, const std::string& index) {
  log_name_ = log;
  index_name_ = index;
  database_name_ = index.substr(0, index.size() - std::string("-shm").size());
  log_ = open_to_keep(log, O_RDONLY);
  index_ = open_to_keep(index, O_RDWR);
  database_ = database;
  index_bytes_ = size_of(index_);
  database_bytes_ = size_of(database_);
}

std::optional<std::string> LogGuard::damaged() {
  if (index_ < 0) return std::nullopt;
  mend_index();
  if (damaged_ == nullptr) {
    if (!is_log_whole()) {
      damaged_ = &log_name_;
    } else if (!is_database_long_enough()) {
      damaged_ = &database_name_;
    }
  }
  const std::string* name = damaged_;
  if (name == nullptr) return std::nullopt;
  return *name;
}

void LogGuard::mend_index() noexcept {
  if (index_ < 0) return;
  // Read before the size is asked for: another thread may see it grow in between.
  auto longest = index_bytes_.load();
  const auto bytes = size_of(index_);
  if (bytes >= longest && damaged_ != &index_name_) {
    while (longest < bytes && !index_bytes_.compare_exchange_weak(longest, bytes)) {
    }
    return;
  }
  const std::lock_guard lock(mending_);
  damaged_ = &index_name_;
  if (size_of(index_) >= index_bytes_) return;
  if (ftruncate(index_, static_cast<off_t>(index_bytes_)) == 0) distrust_index();
}

void LogGuard::note_commit() noexcept {
  mend_index();
  if (damaged_ == &index_name_) distrust_index();
}

/// There are two copies of the summary. SQLite uses neither if their checksums are wrong.
void LogGuard::distrust_index() noexcept {
  constexpr std::array<char, 2 * summary_bytes> nothing{};
  // Fails only for a disk that is full, and then these bytes are a hole in the file already.
  [[maybe_unused]] const auto written = pwrite(index_, nothing.data(), nothing.size(), 0);
}

/// Nullopt: it is being written, or SQLite will make it anew.
std::optional<LogGuard::Summary> LogGuard::read_summary() const {
  std::array<unsigned char, 2 * summary_bytes> both{};
  if (!read_at(index_, both, 0)) return std::nullopt;
  if (!std::equal(both.begin(), both.begin() + summary_bytes, both.begin() + summary_bytes)) {
    return std::nullopt;
  }
  Summary summary;
  std::copy_n(both.begin(), summary_bytes, summary.bytes.begin());
  if (summary.bytes.at(12) == 0 || summary.page_bytes() == 0) return std::nullopt;
  return summary;
}

bool LogGuard::is_log_whole() {
  std::optional<Summary> before;
  for (int i = 0; i < most_tries; ++i) {
    const auto summary = read_summary();
    if (!summary || is_log_as(*summary)) return true;
    // The index changes before the log's header does, and before the log is emptied.
    if (before && before->bytes == summary->bytes) return false;
    before = summary;
  }
  return true;
}

bool LogGuard::is_log_as(const Summary& summary) const {
  if (summary.frames() == 0) return true;
  std::array<unsigned char, log_header_bytes> header{};
  if (!read_at(log_, header, 0)) return false;
  if (std::memcmp(header.data() + 16, summary.salts(), 8) != 0) return false;
  const auto frame_bytes = std::int64_t{frame_header_bytes} + summary.page_bytes();
  const auto end = std::int64_t{log_header_bytes} + summary.frames() * frame_bytes;
  if (size_of(log_) < end) return false;
  std::array<unsigned char, frame_header_bytes> last{};
  return read_at(log_, last, end - frame_bytes) &&
         big_endian(last.data() + 16) == summary.checksum(0) &&
         big_endian(last.data() + 20) == summary.checksum(1);
}

/// Only VACUUM makes a database shorter, down to the pages that it has then.
bool LogGuard::is_database_long_enough() {
  const auto known = database_bytes_.load();
  auto bytes = size_of(database_);
  if (bytes < known) {
    const auto summary = read_summary();
    if (summary && bytes < summary->pages() * summary->page_bytes()) return false;
  }
  if (bytes != known) database_bytes_ = bytes;
  return true;
}

}  // namespace order_server::sqlite
