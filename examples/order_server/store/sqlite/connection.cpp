// SPDX-License-Identifier: MIT
#include "store/sqlite/connection.hpp"

#include "store/store.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cassert>
#include <system_error>
#include <utility>

namespace order_server::sqlite {
namespace {

/// "cannot OPERATION FILE: what SQLite says: what the system says". SQLite's own texts name tables
/// and columns, never a bound value.
[[noreturn]] void fail(sqlite3* handle, int result, std::string_view operation,
                       const std::string& file) {
  std::string message = "cannot ";
  message += operation;
  message += " \"" + file + "\": ";
  message += handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(result);
  const int primary = result & 0xFF;
  const int system_error = handle != nullptr ? sqlite3_system_errno(handle) : 0;
  if (system_error != 0 && (primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR)) {
    message += ": " + std::generic_category().message(system_error);
  }
  throw StoreError(message);
}

/// The name of a statement for error messages: its first word, in lower case.
std::string operation_of(sqlite3_stmt* statement) {
  std::string word;
  for (const char* c = sqlite3_sql(statement); *c != '\0' && *c != ' ' && *c != '\n'; ++c) {
    word += (*c >= 'A' && *c <= 'Z') ? static_cast<char>(*c - 'A' + 'a') : *c;
  }
  return word;
}

}  // namespace

void require_file_name(const std::string& file) {
  if (!file.empty() && file.front() != ':' && file.rfind("file:", 0) != 0) return;
  throw StoreError("cannot open \"" + file + "\": not the name of a file; a name that begins so " +
                   "is written with ./ before it");
}

void create_private(const std::string& file) {
  const int descriptor = open(file.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) close(descriptor);
}

Query::Query(Query&& other) noexcept
    : handle_(other.handle_),
      statement_(std::exchange(other.statement_, nullptr)),
      file_(other.file_),
      ends_statement_(other.ends_statement_) {}

Query::~Query() {
  if (statement_ == nullptr) return;
  if (ends_statement_) {
    sqlite3_finalize(statement_);
    return;
  }
  sqlite3_reset(statement_);  // repeats the error that next() has thrown already
  sqlite3_clear_bindings(statement_);
}

void Query::require_ok(int result) const {
  if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE) return;
  fail(handle_, result, operation_of(statement_) + " in", *file_);
}

bool Query::next() {
  const int result = sqlite3_step(statement_);
  require_ok(result);
  return result == SQLITE_ROW;
}

void Query::run() {
  [[maybe_unused]] const bool has_row = next();
  assert(!has_row);
}

std::int64_t Query::integer(int column) const noexcept {
  return sqlite3_column_int64(statement_, column);
}

std::string Query::text(int column) const {
  // The bytes are asked for after the text: the text may be a conversion.
  const unsigned char* text = sqlite3_column_text(statement_, column);
  const int bytes = sqlite3_column_bytes(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(bytes)};
}

bool Query::is_null(int column) const noexcept {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Query::bind(int index, std::optional<std::int64_t> value) {
  require_ok(value ? sqlite3_bind_int64(statement_, index, *value)
                   : sqlite3_bind_null(statement_, index));
}

void Query::bind(int index, std::int64_t value) {
  require_ok(sqlite3_bind_int64(statement_, index, value));
}

void Query::bind(int index, std::string_view value) {
  // An empty view may hold a null pointer, which would bind NULL.
  const char* data = value.empty() ? "" : value.data();
  require_ok(
      sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Query::bind(int index, NullIfEmpty value) {
  if (value.text.empty()) {
    require_ok(sqlite3_bind_null(statement_, index));
  } else {
    bind(index, value.text);
  }
}

void Connection::CloseHandle::operator()(sqlite3* handle) const noexcept {
  sqlite3_close(handle);
}

void Connection::FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Connection::Connection(std::string file, Access access, std::chrono::milliseconds busy_timeout)
    : file_(std::move(file)) {
  require_file_name(file_);
  if (access == Access::read_write_create) create_private(file_);
  // One thread at a time uses a connection, so SQLite's own mutexes would only cost.
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE |
                    (access == Access::read_write_create ? SQLITE_OPEN_CREATE : 0);
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(file_.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);  // most failures leave one to close
  if (result != SQLITE_OK) fail(handle, result, "open", file_);
  // Asked for a writable file, SQLite falls back to a read-only one in silence.
  if (sqlite3_db_readonly(handle, "main") == 1) {
    throw StoreError("cannot write \"" + file_ + "\": the file is read-only");
  }
  set_busy_timeout(busy_timeout);
  if (access == Access::query_only) execute("PRAGMA query_only = ON");
}

void Connection::execute(const char* sql) {
  const int result = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(handle_.get(), result, "set up", file_);
}

sqlite3_stmt* Connection::compile(std::string_view sql, unsigned flags) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        flags, &statement, nullptr);
  if (result != SQLITE_OK) fail(handle_.get(), result, "prepare a statement for", file_);
  return statement;
}

Query Connection::query_once(const std::string& sql) {
  return {handle_.get(), compile(sql, 0), file_, true};
}

Query Connection::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    std::unique_ptr<sqlite3_stmt, FinalizeStatement> owned(compile(sql, SQLITE_PREPARE_PERSISTENT));
    found = statements_.emplace(std::string(sql), std::move(owned)).first;
  }
  assert(sqlite3_stmt_busy(found->second.get()) == 0 && "one run of a statement at a time");
  return {handle_.get(), found->second.get(), file_};
}

std::int64_t Connection::changes() const noexcept {
  return sqlite3_changes64(handle_.get());
}

std::int64_t Connection::last_insert_id() const noexcept {
  return sqlite3_last_insert_rowid(handle_.get());
}

std::string Connection::log_file() const {
  return sqlite3_filename_wal(sqlite3_db_filename(handle_.get(), "main"));
}

void Connection::keep_log_at_close() noexcept {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void Connection::set_busy_timeout(std::chrono::milliseconds busy_timeout) noexcept {
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(busy_timeout.count()));
}

bool Connection::is_autocommit() const noexcept {
  return sqlite3_get_autocommit(handle_.get()) != 0;
}

Transaction::Transaction(Connection& connection, Kind kind) : connection_(connection) {
  connection_.query(kind == Kind::immediate ? "BEGIN IMMEDIATE" : "BEGIN").run();
}

Transaction::~Transaction() {
  // After some errors (disk full) SQLite has rolled back by itself.
  if (connection_.is_autocommit()) return;
  try {
    connection_.query("ROLLBACK").run();
  } catch (const StoreError&) {
    // A rollback fails only where the next statement will, too; that one reports it.
  }
}

void Transaction::commit() {
  connection_.query("COMMIT").run();
}

}  // namespace order_server::sqlite
