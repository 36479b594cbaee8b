// SPDX-License-Identifier: MIT
#include "store/postgres/connection.hpp"

#include <ordercast/detail/utf8.hpp>

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>

namespace order_server::postgres {
namespace {

using std::chrono::milliseconds;

// As pg_type has them; they never change.
constexpr Oid bool_type = 16;
constexpr Oid bytea_type = 17;
constexpr Oid int8_type = 20;
constexpr Oid text_type = 25;
constexpr Oid text_array_type = 1009;
constexpr Oid int8_array_type = 1016;

void append_int32(std::string& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
}

std::string int64_bytes(std::int64_t value) {
  std::string bytes;
  const auto bits = static_cast<std::uint64_t>(value);
  append_int32(bytes, static_cast<std::uint32_t>(bits >> 32));
  append_int32(bytes, static_cast<std::uint32_t>(bits));
  return bytes;
}

/// The head of an array of one dimension without NULL.
std::string array_head(std::size_t count, Oid type) {
  std::string bytes;
  append_int32(bytes, count == 0 ? 0 : 1);
  append_int32(bytes, 0);
  append_int32(bytes, type);
  if (count == 0) return bytes;
  append_int32(bytes, static_cast<std::uint32_t>(count));
  append_int32(bytes, 1);
  return bytes;
}

void append_element(std::string& bytes, std::string_view element) {
  append_int32(bytes, static_cast<std::uint32_t>(element.size()));
  bytes.append(element);
}

void require_text(std::string_view text) {
  if (is_text(text)) return;
  throw Error(Fault::no_text, "a text with U+0000 or bytes that are no UTF-8 can't be stored");
}

/// The start of a statement for error messages, such as "INSERT INTO orders".
std::string verb_of(std::string_view sql) {
  const auto begin = sql.find_first_not_of(" \n");
  if (begin == std::string_view::npos) return "ask";
  sql.remove_prefix(begin);
  std::string verb(sql.substr(0, sql.find_first_of(" \n;")));
  std::transform(verb.begin(), verb.end(), verb.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return verb;
}

/// The text without libpq's line ends.
std::string trimmed(const char* message) {
  std::string text = message == nullptr ? "" : message;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

Fault fault_of(std::string_view state) {
  if (state == "40001" || state == "40P01") return Fault::conflict;
  if (state == "22021" || state == "22P05") return Fault::no_text;
  // Class 08: connection; 57P: the operator or a crash ends sessions. 25006: it is a standby now,
  // and the primary is another. 25P03: this node was so slow that its session was ended.
  if (state.substr(0, 2) == "08" || state.substr(0, 3) == "57P" || state == "25006" ||
      state == "25P03") {
    return Fault::lost;
  }
  return Fault::refused;
}

void ignore_notice(void* /*context*/, const char* /*message*/) {}

}  // namespace

bool is_text(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos &&
         ordercast::detail::utf8_valid_prefix(text) == text.size();
}

// ---- Parameters --------------------------------------------------------------------------------

void Parameters::add(std::int64_t value) {
  values_.push_back({int64_bytes(value), false});
  types_.push_back(int8_type);
}

void Parameters::add(bool value) {
  values_.push_back({std::string(1, value ? '\1' : '\0'), false});
  types_.push_back(bool_type);
}

void Parameters::add(std::string_view value) {
  require_text(value);
  values_.push_back({std::string(value), false});
  types_.push_back(text_type);
}

void Parameters::add(NullIfEmpty value) {
  add(value.text);
  values_.back().is_null = value.text.empty();
}

void Parameters::add(std::optional<std::int64_t> value) {
  add(value.value_or(0));
  values_.back().is_null = !value;
}

void Parameters::add(Bytes value) {
  values_.push_back({std::string(value.bytes), false});
  types_.push_back(bytea_type);
}

void Parameters::add(const std::vector<std::int64_t>& values) {
  auto bytes = array_head(values.size(), int8_type);
  for (const auto value : values) append_element(bytes, int64_bytes(value));
  values_.push_back({std::move(bytes), false});
  types_.push_back(int8_array_type);
}

void Parameters::add(const std::vector<std::string>& values) {
  auto bytes = array_head(values.size(), text_type);
  for (const auto& value : values) {
    require_text(value);
    append_element(bytes, value);
  }
  values_.push_back({std::move(bytes), false});
  types_.push_back(text_array_type);
}

Parameters::Arrays Parameters::arrays() const {
  Arrays arrays;
  for (const auto& value : values_) {
    arrays.values.push_back(value.is_null ? nullptr : value.bytes.data());
    arrays.lengths.push_back(static_cast<int>(value.bytes.size()));
    arrays.formats.push_back(1);
  }
  return arrays;
}

// ---- Results -----------------------------------------------------------------------------------

void Result::Clear::operator()(pg_result* result) const noexcept {
  PQclear(result);
}

int Result::rows() const noexcept {
  return PQntuples(result_.get());
}

bool Result::is_null(int row, int column) const noexcept {
  return PQgetisnull(result_.get(), row, column) != 0;
}

std::string Result::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t Result::integer(int row, int column) const {
  if (is_null(row, column)) return 0;
  const char* begin = PQgetvalue(result_.get(), row, column);
  const char* end = begin + PQgetlength(result_.get(), row, column);
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc{} || stop != end) {
    throw Error(Fault::refused, "the database answers no number where one should be");
  }
  return value;
}

bool Result::flag(int row, int column) const {
  return !is_null(row, column) && *PQgetvalue(result_.get(), row, column) == 't';
}

std::string_view Result::command() const noexcept {
  return PQcmdStatus(result_.get());
}

std::int64_t Result::changed() const {
  const std::string_view count = PQcmdTuples(result_.get());
  std::int64_t value = 0;
  std::from_chars(count.data(), count.data() + count.size(), value);
  return value;
}

// ---- Connections -------------------------------------------------------------------------------

void Connection::Finish::operator()(pg_conn* handle) const noexcept {
  PQfinish(handle);
}

Connection::Connection(const Address& address, std::string name, TimePoint deadline)
    : name_(std::move(name)), deadline_(deadline) {
  connect(address);
}

Connection::~Connection() = default;

void Connection::connect(const Address& address) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : address) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  handle_.reset(PQconnectStartParams(keys.data(), values.data(), 0));
  if (!handle_) throw Error(Fault::lost, "cannot connect to " + name_ + ": out of memory");
  PQsetNoticeProcessor(handle_.get(), &ignore_notice, nullptr);
  auto state =
      PQstatus(handle_.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
    wait_for_socket(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, "connect to");
    state = PQconnectPoll(handle_.get());
  }
  if (state == PGRES_POLLING_OK && PQsetnonblocking(handle_.get(), 1) == 0) return;
  give_up(Fault::lost,
          "cannot connect to " + name_ + ": " + trimmed(PQerrorMessage(handle_.get())));
}

void Connection::discard(const std::string& why) {
  give_up(Fault::lost, why);
}

bool Connection::is_idle() const noexcept {
  if (!handle_ || PQstatus(handle_.get()) != CONNECTION_OK ||
      PQtransactionStatus(handle_.get()) != PQTRANS_IDLE) {
    return false;
  }
  // An idle server only sends something when it ends the session.
  pollfd socket{PQsocket(handle_.get()), POLLIN, 0};
  return ::poll(&socket, 1, 0) == 0;
}

void Connection::give_up(Fault fault, const std::string& what) {
  handle_.reset();
  throw Error(fault, what);
}

void Connection::wait_for_socket(short events, std::string_view sql) {
  pollfd socket{PQsocket(handle_.get()), events, 0};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    const auto most = std::min<std::int64_t>(left.count(), std::numeric_limits<int>::max());
    const int ready = ::poll(&socket, 1, static_cast<int>(most));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) break;
  }
  give_up(Fault::late, "cannot " + verb_of(sql) + " " + name_ + ": it does not answer in time");
}

Result Connection::execute(const std::string& sql) {
  if (!handle_ || PQsendQuery(handle_.get(), sql.c_str()) == 0) {
    give_up(Fault::lost, "cannot ask " + name_ + ": the connection is lost");
  }
  return wait(sql);
}

Result Connection::run(std::string_view sql, const Parameters& parameters) {
  const std::string& statement = prepare(sql, parameters);
  const auto arrays = parameters.arrays();
  if (PQsendQueryPrepared(handle_.get(), statement.c_str(), parameters.count(),
                          arrays.values.data(), arrays.lengths.data(), arrays.formats.data(),
                          0) == 0) {
    give_up(Fault::lost, "cannot ask " + name_ + ": the connection is lost");
  }
  return wait(sql);
}

const std::string& Connection::prepare(std::string_view sql, const Parameters& parameters) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return known->second;
  std::string name = "s" + std::to_string(statements_.size());
  const std::string text(sql);
  if (!handle_ || PQsendPrepare(handle_.get(), name.c_str(), text.c_str(), parameters.count(),
                                parameters.types().data()) == 0) {
    give_up(Fault::lost, "cannot ask " + name_ + ": the connection is lost");
  }
  static_cast<void>(wait(sql));
  return statements_.emplace(text, std::move(name)).first->second;
}

Result Connection::wait(std::string_view sql) {
  const auto require_sent = [&](int result) {
    if (result >= 0) return;
    give_up(Fault::lost, "lost " + name_ + ": " + trimmed(PQerrorMessage(handle_.get())));
  };
  for (int unsent = PQflush(handle_.get()); unsent != 0; unsent = PQflush(handle_.get())) {
    require_sent(unsent);
    wait_for_socket(POLLIN | POLLOUT, sql);
    require_sent(PQconsumeInput(handle_.get()) - 1);
  }
  Result last(nullptr);
  bool has_failed = false;
  for (;;) {
    while (PQisBusy(handle_.get()) != 0) {
      wait_for_socket(POLLIN, sql);
      // What the server said before it hung up is still to be read.
      if (PQconsumeInput(handle_.get()) == 0 && PQisBusy(handle_.get()) != 0) require_sent(-1);
    }
    Result next(PQgetResult(handle_.get()));
    if (next.handle() == nullptr) break;
    if (has_failed) continue;  // the first error is the cause
    const auto status = PQresultStatus(next.handle());
    has_failed = status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
    last = std::move(next);
  }
  if (last.handle() == nullptr) require_sent(-1);
  if (has_failed) throw_failure(last, sql);
  return last;
}

void Connection::throw_failure(const Result& result, std::string_view sql) {
  const char* state = PQresultErrorField(result.handle(), PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(result.handle(), PG_DIAG_MESSAGE_PRIMARY);
  // The detail would name the values.
  std::string what = "cannot " + verb_of(sql) + " in " + name_ + ": ";
  what += trimmed(message != nullptr ? message : PQerrorMessage(handle_.get()));
  if (state != nullptr) what.append(" (").append(state).append(")");
  const bool is_lost = PQstatus(handle_.get()) != CONNECTION_OK;
  const auto fault = is_lost || state == nullptr ? Fault::lost : fault_of(state);
  if (fault == Fault::lost) give_up(fault, what);
  throw Error(fault, what);
}

// ---- Transactions ------------------------------------------------------------------------------

Transaction::Transaction(Connection& connection, Kind kind) : connection_(connection) {
  switch (kind) {
    case Kind::snapshot:
      connection_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      break;
    case Kind::change:
      connection_.execute("BEGIN ISOLATION LEVEL READ COMMITTED");
      break;
    case Kind::bookkeeping:
      connection_.execute(
          "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off");
      break;
  }
  is_open_ = true;
}

Transaction::~Transaction() {
  if (!is_open_) return;
  try {
    connection_.execute("ROLLBACK");
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch)
    // A lost connection rolls back by itself, and the pool drops one that is not idle.
  }
}

void Transaction::commit() {
  is_open_ = false;
  try {
    if (connection_.execute("COMMIT").command() == "COMMIT") return;
  } catch (const Error& error) {
    if (error.fault() != Fault::lost && error.fault() != Fault::late) throw;
    throw Error(Fault::unknown,
                std::string(error.what()) + "; it may have been stored: the order's version tells");
  }
  throw Error(Fault::refused, "cannot commit in " + connection_.name() + ": it was rolled back");
}

}  // namespace order_server::postgres
