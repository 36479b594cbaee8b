// SPDX-License-Identifier: MIT
#include "store/rows.hpp"
#include "store/sqlite/sqlite_store.hpp"

/// The sign-ins: a row each in `sessions`, and in `ended_users` when a user was signed out
/// everywhere, for tokens that name no sign-in.
namespace order_server {

using sqlite::Query;

namespace {

/// How long an unknown sign-in is remembered as ended: longer than a refresh token lives. Another
/// server with the same secret may have made it.
constexpr std::int64_t longest_life_ms = 366LL * 24 * 60 * 60 * 1000;

}  // namespace

void SqliteStore::add_session(std::string_view id, std::string_view user_id, std::int64_t now_ms,
                              std::int64_t expires_at_ms) {
  Write write(*this, durability_);
  write
      ->query(
          "DELETE FROM sessions WHERE id IN "
          "(SELECT id FROM sessions WHERE expires_at < ?1 ORDER BY expires_at LIMIT 10)",
          now_ms)
      .run();
  write
      ->query("INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
              id, user_id, now_ms, expires_at_ms)
      .run();
  write.commit();
}

std::optional<std::int64_t> SqliteStore::session_ended_at(std::string_view id,
                                                          std::string_view user_id) {
  const ReaderPool::Lease reader(readers_);
  Query query =
      id.empty() ? reader->query("SELECT ended_at FROM ended_users WHERE user_id = ?1", user_id)
                 : reader->query(
                       "SELECT ended_at FROM sessions WHERE id = ?1 AND ended_at IS NOT NULL", id);
  if (!query.next()) return std::nullopt;
  return query.integer(0);
}

void SqliteStore::bind_device(std::string_view session_id, std::string_view user_id,
                              std::string_view device_token) {
  Write write(*this, durability_);
  // A device that has signed in again no longer belongs to the old sign-in.
  write
      ->query(
          "UPDATE sessions SET device_token = NULL "
          "WHERE user_id = ?1 AND ended_at IS NULL AND device_token = ?2",
          user_id, device_token)
      .run();
  write
      ->query("UPDATE sessions SET device_token = ?3 WHERE id = ?1 AND user_id = ?2", session_id,
              user_id, device_token)
      .run();
  write.commit();
}

void SqliteStore::end_session(std::string_view id, std::string_view user_id, std::int64_t now_ms) {
  Write write(*this, durability_);
  write
      ->query(
          "DELETE FROM devices WHERE user_id = ?2 AND token = "
          "(SELECT device_token FROM sessions WHERE id = ?1 AND user_id = ?2)",
          id, user_id)
      .run();
  write
      ->query(
          "INSERT INTO sessions (id, user_id, created_at, expires_at, ended_at) "
          "VALUES (?1, ?2, ?3, ?3 + ?4, ?3) ON CONFLICT (id) DO UPDATE SET "
          "ended_at = excluded.ended_at WHERE user_id = excluded.user_id AND ended_at IS NULL",
          id, user_id, now_ms, longest_life_ms)
      .run();
  write.commit();
}

std::vector<std::string> SqliteStore::end_all_sessions(std::string_view user_id,
                                                       std::int64_t now_ms) {
  Write write(*this, durability_);
  auto ended = end_sessions(*write, user_id, now_ms);
  write.commit();
  return ended;
}

std::vector<std::string> SqliteStore::end_sessions(sqlite::Connection& connection,
                                                   std::string_view user_id, std::int64_t now_ms) {
  std::vector<std::string> ended;
  {
    Query live = connection.query("SELECT id FROM sessions WHERE user_id = ?1 AND ended_at IS NULL",
                                  user_id);
    while (live.next()) ended.push_back(live.text(0));
  }
  connection
      .query("UPDATE sessions SET ended_at = ?2 WHERE user_id = ?1 AND ended_at IS NULL", user_id,
             now_ms)
      .run();
  connection
      .query(
          "INSERT INTO ended_users (user_id, ended_at) VALUES (?1, ?2) "
          "ON CONFLICT (user_id) DO UPDATE SET ended_at = excluded.ended_at",
          user_id, now_ms)
      .run();
  connection.query("DELETE FROM devices WHERE user_id = ?1", user_id).run();
  return ended;
}

std::vector<EndedSession> SqliteStore::sessions_ended_since(std::int64_t since_ms) {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(
      "SELECT id, user_id, ended_at FROM sessions WHERE ended_at >= ?1 "
      "UNION ALL SELECT '', user_id, ended_at FROM ended_users WHERE ended_at >= ?1",
      since_ms);
  return read_all(std::move(query), rows::ended_session<Query>);
}

}  // namespace order_server
