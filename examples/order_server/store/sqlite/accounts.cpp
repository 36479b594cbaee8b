// SPDX-License-Identifier: MIT
#include "store/sqlite/rows.hpp"
#include "store/sqlite/sqlite_store.hpp"

/// Users as operators handle them. A row in `account_changes` tells the server that runs.
namespace order_server {

using sqlite::Connection;
using sqlite::Query;

namespace {

/// How many changes are kept. A server reads them every half second, so that it needs far fewer.
constexpr std::int64_t kept_changes = 10'000;

void note_change(Connection& connection, std::string_view user_id) {
  connection.query("INSERT INTO account_changes (user_id) VALUES (?1)", user_id).run();
  connection
      .query("DELETE FROM account_changes WHERE sequence <= ?1",
             connection.last_insert_id() - kept_changes)
      .run();
}

}  // namespace

std::vector<User> SqliteStore::list_users() {
  static const std::string sql = std::string(sqlite::user_columns) + "1 ORDER BY email";
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(sql);
  std::vector<User> users;
  while (auto user = sqlite::read_user(query)) users.push_back(std::move(*user));
  return users;
}

bool SqliteStore::set_disabled(std::string_view user_id, bool is_disabled, std::int64_t now_ms) {
  Write write(*this, durability_);
  if (is_disabled) {
    write
        ->query(
            "INSERT INTO disabled_users (user_id, disabled_at) "
            "SELECT id, ?2 FROM users WHERE id = ?1 ON CONFLICT (user_id) DO NOTHING",
            user_id, now_ms)
        .run();
  } else {
    write->query("DELETE FROM disabled_users WHERE user_id = ?1", user_id).run();
  }
  const bool is_news = write->changes() != 0;
  if (is_news) {
    if (is_disabled) end_sessions(*write, user_id, now_ms);
    note_change(*write, user_id);
  }
  write.commit();
  return is_news;
}

void SqliteStore::set_password(std::string_view user_id, std::string_view password_hash,
                               std::int64_t now_ms) {
  Write write(*this, durability_);
  write->query("UPDATE users SET password_hash = ?2 WHERE id = ?1", user_id, password_hash).run();
  end_sessions(*write, user_id, now_ms);
  note_change(*write, user_id);
  write.commit();
}

std::vector<std::string> SqliteStore::disabled_users() {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query("SELECT user_id FROM disabled_users");
  std::vector<std::string> ids;
  while (query.next()) ids.push_back(query.text(0));
  return ids;
}

std::vector<AccountChange> SqliteStore::account_changes_after(std::int64_t sequence) {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(
      "SELECT sequence, user_id FROM account_changes WHERE sequence > ?1 ORDER BY sequence",
      sequence);
  return read_all(std::move(query), rows::account_change<Query>);
}

std::int64_t SqliteStore::last_account_change() {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query("SELECT ifnull(max(sequence), 0) FROM account_changes");
  return query.next() ? query.integer(0) : 0;
}

}  // namespace order_server
