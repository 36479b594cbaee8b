// SPDX-License-Identifier: MIT
#include "store/rows.hpp"
#include "store/sqlite/sqlite_store.hpp"

#include <algorithm>

/// The queue of pushes: `push_jobs` has one row for each order and device that something waits for.
namespace order_server {

using sqlite::Query;

std::size_t SqliteStore::queue_pushes(std::size_t limit, std::int64_t now_ms) {
  {
    // Asks without the lock first: there is mostly nothing to queue, and a write waits for others.
    const ReaderPool::Lease reader(readers_);
    if (!reader->query("SELECT 1 FROM outbox WHERE queued_at IS NULL LIMIT 1").next()) return 0;
  }
  Write write(*this, Durability::process_crash);
  std::int64_t last = 0;
  std::int64_t count = 0;
  {
    Query range = write->query(
        "SELECT max(sequence), count(*) FROM (SELECT sequence FROM outbox "
        "WHERE queued_at IS NULL ORDER BY sequence LIMIT ?1)",
        static_cast<std::int64_t>(limit));
    if (range.next()) {
      last = range.integer(0);
      count = range.integer(1);
    }
  }
  // A push that waits for a retry keeps its time, which the provider may have named. One that was
  // given up starts again, because the newer state is another message.
  write
      ->query(
          "INSERT INTO push_jobs (order_id, token, user_id, version, status, changed_at, due_at) "
          "SELECT o.order_id, d.token, o.owner_id, o.version, o.status, o.created_at, ?2 "
          "FROM outbox AS o JOIN devices AS d ON d.user_id = o.owner_id "
          "WHERE o.queued_at IS NULL AND o.sequence <= ?1 AND o.notify <> 0 ORDER BY o.sequence "
          "ON CONFLICT (order_id, token) DO UPDATE SET version = excluded.version, "
          "status = excluded.status, changed_at = excluded.changed_at, failures = 0, "
          "due_at = CASE WHEN dead_at IS NULL THEN due_at ELSE excluded.due_at END, "
          "dead_at = NULL, error = NULL WHERE excluded.version > version",
          last, now_ms)
      .run();
  write
      ->query("UPDATE outbox SET queued_at = ?2 WHERE queued_at IS NULL AND sequence <= ?1", last,
              now_ms)
      .run();
  write.commit();
  return static_cast<std::size_t>(count);
}

std::vector<PushJob> SqliteStore::due_pushes(std::size_t limit, std::int64_t now_ms) {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(
      "SELECT j.id, j.order_id, j.user_id, j.token, d.platform, j.status, j.version, j.changed_at, "
      "d.registered_at, j.attempts, j.failures, "
      "(SELECT nth_of_user FROM orders WHERE orders.id = j.order_id) "
      "FROM push_jobs AS j JOIN devices AS d ON d.token = j.token AND d.user_id = j.user_id "
      "WHERE j.dead_at IS NULL AND (j.due_at <= ?2 OR j.due_at > ?3) "
      "ORDER BY j.attempts, j.due_at, j.id LIMIT ?1",
      static_cast<std::int64_t>(limit), now_ms, now_ms + retry_horizon_ms);
  return read_all(std::move(query), rows::push_job<Query>);
}

std::optional<std::int64_t> SqliteStore::next_push_at(std::int64_t now_ms) {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(
      "SELECT min(due_at) FROM push_jobs WHERE dead_at IS NULL AND due_at > ?1", now_ms);
  // min() of no row is NULL, which reads as 0; no push is due at 0.
  if (!query.next() || query.integer(0) == 0) return std::nullopt;
  return query.integer(0);
}

void SqliteStore::finish_pushes(const std::vector<PushResult>& results, std::int64_t now_ms) {
  if (results.empty()) return;
  Write write(*this, Durability::process_crash);
  for (const PushResult& result : results) {
    const auto version = static_cast<std::int64_t>(result.version);
    switch (result.verdict) {
      case PushResult::Verdict::done:
        write->query("DELETE FROM push_jobs WHERE id = ?1 AND version = ?2", result.id, version)
            .run();
        break;
      case PushResult::Verdict::retry:
        write
            ->query(
                "UPDATE push_jobs SET attempts = attempts + 1, failures = failures + ?2, "
                "due_at = ?3, error = ?4 WHERE id = ?1",
                result.id, std::int64_t{result.held_against}, result.due_at_ms, result.error)
            .run();
        break;
      case PushResult::Verdict::dead:
        write
            ->query(
                "UPDATE push_jobs SET attempts = attempts + 1, dead_at = ?3, error = ?4 "
                "WHERE id = ?1 AND version = ?2",
                result.id, version, now_ms, result.error)
            .run();
        break;
      case PushResult::Verdict::remove:
        // Deletes the device's pushes with it, unless the app has registered again meanwhile.
        write
            ->query("DELETE FROM devices WHERE token = ?1 AND registered_at = ?2", result.token,
                    result.registered_at_ms)
            .run();
        break;
    }
  }
  write.commit();
}

void SqliteStore::hasten_pushes(std::int64_t now_ms) {
  Write write(*this, Durability::process_crash);
  write->query("UPDATE push_jobs SET due_at = ?1 WHERE dead_at IS NULL AND due_at > ?1", now_ms)
      .run();
  write.commit();
}

PushStats SqliteStore::push_stats(std::int64_t now_ms) {
  const ReaderPool::Lease reader(readers_);
  // Changes that are committed but not queued yet count as waiting.
  Query query = reader->query(
      "SELECT (SELECT count(*) FROM push_jobs WHERE dead_at IS NULL), "
      "(SELECT min(changed_at) FROM push_jobs WHERE dead_at IS NULL), "
      "(SELECT count(*) FROM push_jobs WHERE dead_at IS NOT NULL), "
      "(SELECT count(*) FROM outbox WHERE queued_at IS NULL)");
  PushStats stats;
  if (!query.next()) return stats;
  stats.waiting = query.integer(0) + query.integer(3);
  if (query.integer(0) > 0) {
    stats.oldest_age_ms = std::max<std::int64_t>(now_ms - query.integer(1), 0);
  }
  stats.dead = query.integer(2);
  return stats;
}

std::optional<std::string> SqliteStore::add_device(std::string_view user_id, std::string_view token,
                                                   std::string_view platform, std::int64_t now_ms) {
  Write write(*this, durability_);
  std::optional<std::string> before;
  {
    Query found = write->query("SELECT user_id FROM devices WHERE token = ?1", token);
    if (found.next() && found.text(0) != user_id) before = found.text(0);
  }
  // Also after the clock was set back this device is the newest, not the first to be forgotten.
  // A token is one installed app. The user who signed in there last gets its pushes, and none of
  // the earlier user's.
  write->query("DELETE FROM push_jobs WHERE token = ?1 AND user_id <> ?2", token, user_id).run();
  write
      ->query(
          "INSERT INTO devices (token, user_id, platform, registered_at) VALUES (?1, ?2, ?3, "
          "max(?4, (SELECT ifnull(max(registered_at) + 1, 0) FROM devices "
          "WHERE user_id = ?2 AND token <> ?1 AND registered_at > ?4))) "
          "ON CONFLICT (token) DO UPDATE SET user_id = excluded.user_id, "
          "platform = excluded.platform, registered_at = excluded.registered_at",
          token, user_id, platform, now_ms)
      .run();
  write
      ->query(
          "DELETE FROM devices WHERE token IN (SELECT token FROM devices WHERE user_id = ?1 "
          "ORDER BY registered_at DESC, rowid DESC LIMIT -1 OFFSET ?2)",
          user_id, max_devices_per_user)
      .run();
  write.commit();
  return before;
}

void SqliteStore::remove_device(std::string_view user_id, std::string_view token) {
  Write write(*this, durability_);
  write->query("DELETE FROM devices WHERE token = ?1 AND user_id = ?2", token, user_id).run();
  write.commit();
}

}  // namespace order_server
