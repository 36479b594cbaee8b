// SPDX-License-Identifier: MIT
#pragma once

#include "store/store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct pg_conn;
struct pg_result;

/// A thin RAII layer over libpq: connections with a deadline, prepared statements, transactions.
///
/// A connection and everything from it belong to one thread at a time. Every error is thrown as an
/// `Error`, which contains no bound value: the server's details, which would, are left out.
namespace order_server::postgres {

using TimePoint = std::chrono::steady_clock::time_point;

/// Why the database failed.
enum class Fault : std::uint8_t {
  refused,   ///< The statement is wrong, a constraint forbids it, or the disk is full: trying again
             ///< does not help.
  conflict,  ///< Deadlock or serialization failure: nothing was done, and trying again may help.
  lost,      ///< The connection ended, or could not be made.
  late,      ///< No answer within the deadline; the connection was given up.
  unknown,   ///< The connection ended within a commit: it may have been done.
  no_text,   ///< A text can't be stored: it has U+0000 or is not UTF-8. So nothing exists under it
             ///< as a key.
};

class Error : public StoreError {
 public:
  Error(Fault fault, const std::string& what) : StoreError(what), fault_(fault) {}
  [[nodiscard]] Fault fault() const noexcept { return fault_; }

 private:
  Fault fault_;
};

/// Whether the database can store it: UTF-8 without U+0000.
[[nodiscard]] bool is_text(std::string_view text) noexcept;

/// Binds SQL NULL for an empty text.
struct NullIfEmpty {
  std::string_view text;
};

/// Binds bytes, which need not be a text.
struct Bytes {
  std::string_view bytes;
};

/// A statement's parameters, in binary: no byte of a text has a meaning in SQL.
class Parameters {
 public:
  template <class... Values>
  explicit Parameters(const Values&... values) {
    values_.reserve(sizeof...(values));
    types_.reserve(sizeof...(values));
    (add(values), ...);
  }

  void add(const char*) = delete;  // would be taken for a bool

  [[nodiscard]] int count() const noexcept { return static_cast<int>(types_.size()); }
  [[nodiscard]] const std::vector<unsigned>& types() const noexcept { return types_; }

  /// For libpq, which wants arrays. They refer to this object.
  struct Arrays {
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
  };
  [[nodiscard]] Arrays arrays() const;

 private:
  struct Value {
    std::string bytes;
    bool is_null = false;
  };

  void add(std::int64_t value);
  void add(bool value);
  void add(std::string_view value);
  void add(const std::string& value) { add(std::string_view(value)); }
  void add(NullIfEmpty value);
  void add(std::optional<std::int64_t> value);
  void add(Bytes value);
  void add(const std::vector<std::int64_t>& values);
  void add(const std::vector<std::string>& values);

  std::vector<Value> values_;
  std::vector<unsigned> types_;
};

/// The rows of one statement, all of them in memory.
class Result {
 public:
  explicit Result(pg_result* result) noexcept : result_(result) {}

  [[nodiscard]] int rows() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return rows() == 0; }
  [[nodiscard]] std::int64_t integer(int row, int column) const;  ///< 0 for NULL.
  [[nodiscard]] std::string text(int row, int column) const;      ///< "" for NULL.
  [[nodiscard]] bool flag(int row, int column) const;             ///< False for NULL.
  [[nodiscard]] bool is_null(int row, int column) const noexcept;
  /// Rows that an INSERT, UPDATE or DELETE touched.
  [[nodiscard]] std::int64_t changed() const;
  /// The server's name for what was done: "COMMIT".
  [[nodiscard]] std::string_view command() const noexcept;
  [[nodiscard]] const pg_result* handle() const noexcept { return result_.get(); }

 private:
  struct Clear {
    void operator()(pg_result* result) const noexcept;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// One row of a result, which must outlive it.
class Row {
 public:
  Row(const Result& result, int row) noexcept : result_(result), row_(row) {}

  [[nodiscard]] std::int64_t integer(int column) const { return result_.integer(row_, column); }
  [[nodiscard]] std::string text(int column) const { return result_.text(row_, column); }
  [[nodiscard]] bool is_null(int column) const noexcept { return result_.is_null(row_, column); }

 private:
  const Result& result_;
  int row_;
};

/// What `read` makes of each row.
template <class Read>
auto read_all(const Result& result, Read read) {
  std::vector<decltype(read(Row(result, 0)))> all;
  all.reserve(static_cast<std::size_t>(result.rows()));
  for (int row = 0; row < result.rows(); ++row) all.push_back(read(Row(result, row)));
  return all;
}

/// The server's address and the user, as libpq's keywords and values. Contains a password.
using Address = std::vector<std::pair<std::string, std::string>>;

/// One connection. Not thread-safe. Statements are prepared once per SQL text and kept, so texts
/// must come from a fixed set. After an error of fault `lost`, `late` or `unknown` it can't be used
/// any more.
class Connection {
 public:
  /// Throws Error if the server can't be reached by `deadline`, or refuses. `name` is the
  /// database's name in errors.
  Connection(const Address& address, std::string name, TimePoint deadline);
  Connection(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection& operator=(Connection&&) = delete;
  ~Connection();

  /// Sets the deadline for the next answers. A server that hangs costs no more time.
  void set_deadline(TimePoint deadline) noexcept { deadline_ = deadline; }
  [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }

  /// Runs SQL without parameters, several statements too. Returns the last one's result.
  Result execute(const std::string& sql);

  /// Runs `sql` with `values` bound to $1, $2 ...
  template <class... Values>
  Result query(std::string_view sql, const Values&... values) {
    return run(sql, Parameters(values...));
  }

  /// Closes it and throws, for example because it leads to the wrong server.
  [[noreturn]] void discard(const std::string& why);

  /// Whether it is open and in no transaction, as far as is known without asking the server.
  [[nodiscard]] bool is_idle() const noexcept;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  struct Finish {
    void operator()(pg_conn* handle) const noexcept;
  };

  void connect(const Address& address);
  Result run(std::string_view sql, const Parameters& parameters);
  const std::string& prepare(std::string_view sql, const Parameters& parameters);
  Result wait(std::string_view sql);
  /// Waits until the socket is ready; throws if the deadline comes first.
  void wait_for_socket(short events, std::string_view sql);
  [[noreturn]] void give_up(Fault fault, const std::string& what);
  [[noreturn]] void throw_failure(const Result& result, std::string_view sql);

  std::string name_;
  TimePoint deadline_;
  std::unique_ptr<pg_conn, Finish> handle_;
  std::map<std::string, std::string, std::less<>> statements_;  // SQL to its name
};

/// A transaction: rolled back at the end of its scope unless committed.
class Transaction {
 public:
  enum class Kind : std::uint8_t {
    snapshot,     ///< Reads one snapshot of the database.
    change,       ///< Durable when committed.
    bookkeeping,  ///< A crash of the server may undo the last of them; repeating them is
                  ///< harmless.
  };

  Transaction(Connection& connection, Kind kind);
  Transaction(const Transaction&) = delete;
  Transaction(Transaction&&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  /// When it throws, nothing has been written, unless the fault is `unknown`.
  void commit();

 private:
  Connection& connection_;
  bool is_open_ = false;
};

}  // namespace order_server::postgres
