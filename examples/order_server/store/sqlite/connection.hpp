// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

/// A thin RAII layer over SQLite's C interface: connections, cached statements, transactions.
///
/// A connection and all that comes from it belong to one thread at a time. Every error is thrown as
/// a `StoreError` that names the operation and the file and holds no bound value.
namespace order_server::sqlite {

/// Binds SQL NULL for an empty text.
struct NullIfEmpty {
  std::string_view text;
};

/// One run of a cached statement, from binding to the last row. Ends with its scope; the connection
/// must outlive it. Ask for columns only after `next()` has returned true.
class Query {
 public:
  /// `ends_statement`: the statement is for this run alone.
  Query(sqlite3* handle, sqlite3_stmt* statement, const std::string& file,
        bool ends_statement = false) noexcept
      : handle_(handle), statement_(statement), file_(&file), ends_statement_(ends_statement) {}
  Query(const Query&) = delete;
  Query(Query&& other) noexcept;
  Query& operator=(const Query&) = delete;
  Query& operator=(Query&&) = delete;
  ~Query();

  /// Steps to the next row. Returns false if there are no more.
  bool next();
  /// Runs a statement that has no rows.
  void run();

  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  [[nodiscard]] std::string text(int column) const;  ///< "" for NULL.
  [[nodiscard]] bool is_null(int column) const noexcept;

  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view value);
  void bind(int index, NullIfEmpty value);
  void bind(int index, std::optional<std::int64_t> value);

 private:
  void require_ok(int result) const;

  sqlite3* handle_;
  sqlite3_stmt* statement_;
  const std::string* file_;
  bool ends_statement_;
};

/// What `read` makes of each row.
template <class Read>
auto read_all(Query query, Read read) {
  std::vector<decltype(read(query))> all;
  while (query.next()) all.push_back(read(query));
  return all;
}

/// Creates a missing file so that only its owner can read it, because it will hold password hashes;
/// its log gets the same rights. SQLite will meet and report any error here.
void create_private(const std::string& file);

/// How a connection is opened.
enum class Access : std::uint8_t {
  read_write_create,  ///< Creates the file, for its owner only, if there is none.
  query_only,         ///< Refuses every write.
};

/// Throws StoreError for a name that SQLite does not take as a file: "" and names with a colon in
/// front are databases that end with the process, and `file:` begins a URI.
void require_file_name(const std::string& file);

/// One connection. Not thread-safe. Statements are prepared once per SQL text and kept, so texts
/// must come from a fixed set.
class Connection {
 public:
  /// Throws StoreError if the file can't be opened, is not a database, or can't be written though
  /// `access` asks for it. `busy_timeout` is how long a statement waits for another's lock.
  Connection(std::string file, Access access, std::chrono::milliseconds busy_timeout);
  Connection(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection& operator=(Connection&&) = delete;
  ~Connection() = default;

  /// Runs SQL that gives no rows and is not worth caching (schema, pragmas).
  void execute(const char* sql);

  /// A run of `sql` with `values` bound to ?1, ?2 ... A text may be used by one run at a time.
  template <class... Values>
  [[nodiscard]] Query query(std::string_view sql, const Values&... values) {
    Query query = prepare(sql);
    int index = 0;
    (query.bind(++index, values), ...);
    return query;
  }

  /// The same for one run, without values: for texts that are put together from what was asked for,
  /// of which there are too many to keep.
  [[nodiscard]] Query query_once(const std::string& sql);

  /// Rows that the last INSERT, UPDATE or DELETE touched.
  [[nodiscard]] std::int64_t changes() const noexcept;
  [[nodiscard]] std::int64_t last_insert_id() const noexcept;
  /// False within a transaction.
  [[nodiscard]] bool is_autocommit() const noexcept;
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  /// The path of the write-ahead log, after following links of the database's name.
  [[nodiscard]] std::string log_file() const;
  /// Leaves the log as it is when this connection, the last one, is closed.
  void keep_log_at_close() noexcept;
  void set_busy_timeout(std::chrono::milliseconds busy_timeout) noexcept;

 private:
  struct CloseHandle {
    void operator()(sqlite3* handle) const noexcept;
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };

  [[nodiscard]] Query prepare(std::string_view sql);
  [[nodiscard]] sqlite3_stmt* compile(std::string_view sql, unsigned flags);

  std::string file_;
  std::unique_ptr<sqlite3, CloseHandle> handle_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, FinalizeStatement>, std::less<>> statements_;
};

/// A transaction: rolled back at the end of its scope unless committed.
class Transaction {
 public:
  enum class Kind : std::uint8_t {
    deferred,   ///< Reads one snapshot of the database.
    immediate,  ///< Takes the write lock at once, so that no one else changes what it reads.
  };

  Transaction(Connection& connection, Kind kind);
  Transaction(const Transaction&) = delete;
  Transaction(Transaction&&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  /// Makes the changes durable (as far as the connection's `synchronous` promises). If it throws,
  /// nothing has been written.
  void commit();

 private:
  Connection& connection_;
};

}  // namespace order_server::sqlite
