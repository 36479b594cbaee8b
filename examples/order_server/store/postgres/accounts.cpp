// SPDX-License-Identifier: MIT
#include "store/postgres/accounts.hpp"

#include "store/rows.hpp"

/// Users, sign-ins and devices. Changes of one user's sign-ins run one after another, under a lock
/// that ends with the transaction. So a sign-in that is under way while all are ended either ends
/// with them, or comes later and is then checked against the changed user.
namespace order_server::postgres {
namespace {

/// Classes of locks beside the one of the schema; the second number is of the user.
constexpr std::int64_t session_lock = 0x7365;

/// One lock for all users: numbers of changes must grow in the order of commits. Otherwise a reader
/// who remembers the last number would skip one that was given out earlier and committed later.
constexpr std::int64_t account_change_lock = 0x6163636F756E7473;

/// How many changes are kept. A server reads them every half second, so that it needs far fewer.
constexpr std::int64_t kept_changes = 10'000;

/// How long an unknown sign-in is remembered as ended: longer than a refresh token lives. Another
/// server with the same secret may have made it.
constexpr std::int64_t longest_life_ms = 366LL * 24 * 60 * 60 * 1000;

/// Ends where the condition begins.
constexpr std::string_view user_columns =
    "SELECT id, email, name, password_hash, role, organization_id, "
    "EXISTS (SELECT 1 FROM disabled_users WHERE user_id = users.id)::int, phone FROM users WHERE ";

std::optional<User> first_user(const Result& rows) {
  if (rows.empty()) return std::nullopt;
  return rows::user(Row(rows, 0));
}

std::vector<std::string> texts_of(const Result& rows) {
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) texts.push_back(rows.text(row, 0));
  return texts;
}

void lock_sessions(Connection& connection, std::string_view user_id) {
  connection.query("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))", user_id, session_lock);
}

void note_change(Connection& connection, std::string_view user_id) {
  connection.query("SELECT pg_advisory_xact_lock($1)", account_change_lock);
  const auto sequence =
      connection
          .query("INSERT INTO account_changes (user_id) VALUES ($1) RETURNING sequence", user_id)
          .integer(0, 0);
  connection.query("DELETE FROM account_changes WHERE sequence <= $1", sequence - kept_changes);
}

/// All sign-ins of a user whose sign-ins are locked, with their devices; returns the ids of those
/// that had not ended.
std::vector<std::string> end_sessions(Connection& connection, std::string_view user_id,
                                      std::int64_t now_ms) {
  auto ended = texts_of(connection.query(
      "UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL RETURNING id",
      user_id, now_ms));
  connection.query(
      "INSERT INTO ended_users (user_id, ended_at) VALUES ($1, $2) "
      "ON CONFLICT (user_id) DO UPDATE SET ended_at = excluded.ended_at",
      user_id, now_ms);
  connection.query("DELETE FROM devices WHERE user_id = $1", user_id);
  return ended;
}

}  // namespace

void insert_user(Connection& connection, const User& user) {
  connection.query(
      "INSERT INTO users (id, email, name, password_hash, role, organization_id, phone) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7)",
      user.id, user.email, user.name, user.password_hash, to_string(user.role),
      NullIfEmpty{user.organization_id}, NullIfEmpty{user.phone});
}

bool has_users(Connection& connection) {
  return !connection.query("SELECT 1 FROM users LIMIT 1").empty();
}

std::optional<User> find_user(Connection& connection, std::string_view id) {
  static const std::string sql = std::string(user_columns) + "id = $1";
  return first_user(connection.query(sql, id));
}

std::optional<User> find_user_by_email(Connection& connection, std::string_view email) {
  // The column compares by bytes, so that lower() changes ASCII letters alone.
  static const std::string sql =
      std::string(user_columns) + "lower(email) = lower($1 COLLATE \"C\")";
  return first_user(connection.query(sql, email));
}

std::vector<User> list_users(Connection& connection) {
  static const std::string sql = std::string(user_columns) + "true ORDER BY lower(email)";
  return read_all(connection.query(sql), rows::user<Row>);
}

bool set_disabled(Connection& connection, std::string_view user_id, bool is_disabled,
                  std::int64_t now_ms) {
  lock_sessions(connection, user_id);
  const Result changed =
      is_disabled ? connection.query(
                        "INSERT INTO disabled_users (user_id, disabled_at) SELECT id, $2 "
                        "FROM users WHERE id = $1 ON CONFLICT (user_id) DO NOTHING",
                        user_id, now_ms)
                  : connection.query("DELETE FROM disabled_users WHERE user_id = $1", user_id);
  if (changed.changed() == 0) return false;
  if (is_disabled) end_sessions(connection, user_id, now_ms);
  note_change(connection, user_id);
  return true;
}

void set_password(Connection& connection, std::string_view user_id, std::string_view password_hash,
                  std::int64_t now_ms) {
  lock_sessions(connection, user_id);
  connection.query("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, password_hash);
  end_sessions(connection, user_id, now_ms);
  note_change(connection, user_id);
}

std::vector<std::string> disabled_users(Connection& connection) {
  return texts_of(connection.query("SELECT user_id FROM disabled_users"));
}

std::vector<AccountChange> account_changes_after(Connection& connection, std::int64_t sequence) {
  const Result rows = connection.query(
      "SELECT sequence, user_id FROM account_changes WHERE sequence > $1 ORDER BY sequence",
      sequence);
  return read_all(rows, rows::account_change<Row>);
}

std::int64_t last_account_change(Connection& connection) {
  return connection.query("SELECT max(sequence) FROM account_changes").integer(0, 0);
}

void add_session(Connection& connection, std::string_view id, std::string_view user_id,
                 std::int64_t now_ms, std::int64_t expires_at_ms) {
  connection.query(
      "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 "
      "ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED)",
      now_ms);
  lock_sessions(connection, user_id);
  connection.query(
      "INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)", id,
      user_id, now_ms, expires_at_ms);
}

std::optional<std::int64_t> session_ended_at(Connection& connection, std::string_view id,
                                             std::string_view user_id) {
  const Result rows =
      id.empty() ? connection.query("SELECT ended_at FROM ended_users WHERE user_id = $1", user_id)
                 : connection.query(
                       "SELECT ended_at FROM sessions WHERE id = $1 AND ended_at IS NOT NULL", id);
  if (rows.empty()) return std::nullopt;
  return rows.integer(0, 0);
}

void bind_device(Connection& connection, std::string_view session_id, std::string_view user_id,
                 std::string_view device_token) {
  lock_sessions(connection, user_id);
  // A device that has signed in again no longer belongs to the old sign-in.
  connection.query(
      "UPDATE sessions SET device_token = NULL "
      "WHERE user_id = $1 AND ended_at IS NULL AND device_token = $2",
      user_id, device_token);
  connection.query("UPDATE sessions SET device_token = $3 WHERE id = $1 AND user_id = $2",
                   session_id, user_id, device_token);
}

void end_session(Connection& connection, std::string_view id, std::string_view user_id,
                 std::int64_t now_ms) {
  lock_sessions(connection, user_id);
  connection.query(
      "DELETE FROM devices WHERE user_id = $2 AND token = "
      "(SELECT device_token FROM sessions WHERE id = $1 AND user_id = $2)",
      id, user_id);
  connection.query(
      "INSERT INTO sessions AS s (id, user_id, created_at, expires_at, ended_at) "
      "VALUES ($1, $2, $3, $3 + $4, $3) ON CONFLICT (id) DO UPDATE SET "
      "ended_at = excluded.ended_at WHERE s.user_id = excluded.user_id AND s.ended_at IS NULL",
      id, user_id, now_ms, longest_life_ms);
}

std::vector<std::string> end_all_sessions(Connection& connection, std::string_view user_id,
                                          std::int64_t now_ms) {
  lock_sessions(connection, user_id);
  return end_sessions(connection, user_id, now_ms);
}

std::vector<EndedSession> sessions_ended_since(Connection& connection, std::int64_t since_ms) {
  const Result rows = connection.query(
      "SELECT id, user_id, ended_at FROM sessions WHERE ended_at >= $1 "
      "UNION ALL SELECT '', user_id, ended_at FROM ended_users WHERE ended_at >= $1",
      since_ms);
  return read_all(rows, rows::ended_session<Row>);
}

std::optional<std::string> add_device(Connection& connection, std::string_view user_id,
                                      std::string_view token, std::string_view platform,
                                      std::int64_t now_ms) {
  // Also after the clock was set back this device is the newest, not the first to be forgotten.
  const auto registered_at =
      connection
          .query(
              "SELECT greatest($3, (SELECT max(registered_at) + 1 FROM devices "
              "WHERE user_id = $1 AND token <> $2 AND registered_at > $3))",
              user_id, token, now_ms)
          .integer(0, 0);
  // Inserts the row or locks the one that is there, so that a concurrent registration waits.
  const bool is_new = connection
                          .query(
                              "INSERT INTO devices (token, user_id, platform, registered_at) "
                              "VALUES ($1, $2, $3, $4) ON CONFLICT (token) DO NOTHING",
                              token, user_id, platform, registered_at)
                          .changed() == 1;
  std::optional<std::string> before;
  if (!is_new) {
    const Result found =
        connection.query("SELECT user_id FROM devices WHERE token = $1 FOR UPDATE", token);
    if (found.empty()) throw Error(Fault::conflict, "a device was removed while it registered");
    if (found.text(0, 0) != user_id) before = found.text(0, 0);
    connection.query(
        "UPDATE devices SET user_id = $2, platform = $3, registered_at = $4 WHERE token = $1",
        token, user_id, platform, registered_at);
  }
  // A token is one installed app. The user who signed in there last gets its pushes, and none of
  // the earlier user's. This comes after the device's row was changed, because pushes are queued
  // while that row is locked.
  connection.query("DELETE FROM push_jobs WHERE token = $1 AND user_id <> $2", token, user_id);
  connection.query(
      "DELETE FROM devices WHERE token IN (SELECT token FROM devices WHERE user_id = $1 "
      "ORDER BY registered_at DESC, number DESC OFFSET $2)",
      user_id, max_devices_per_user);
  return before;
}

void remove_device(Connection& connection, std::string_view user_id, std::string_view token) {
  connection.query("DELETE FROM devices WHERE token = $1 AND user_id = $2", token, user_id);
}

}  // namespace order_server::postgres
