// SPDX-License-Identifier: MIT
#include "store/postgres/outbox.hpp"
#include "store/rows.hpp"

#include <algorithm>

/// The queue of pushes: `push_jobs` has one row for each order and device that something waits for.
namespace order_server::postgres {

std::size_t queue_pushes(Connection& connection, std::size_t limit, std::int64_t now_ms) {
  // Entries that another node queues at the same time are left to it. The device's row is locked,
  // so that the device is not removed and gets no other user before its pushes are queued; a later
  // change of the device finds them. Of two entries of one order the newer makes the push, because
  // the table has room for one. A push that waits for a retry keeps its time, which the provider
  // may have named. One that was given up starts again, because the newer state is another message.
  return static_cast<std::size_t>(
      connection
          .query(
              "WITH taken AS MATERIALIZED (SELECT o.sequence, order_id, owner_id, version, "
              "status, created_at, notify FROM unqueued_pushes AS u "
              "JOIN outbox AS o ON o.sequence = u.sequence ORDER BY u.sequence LIMIT $1 "
              "FOR UPDATE OF u SKIP LOCKED), "
              "targets AS MATERIALIZED (SELECT t.order_id, d.token, t.owner_id, t.version, "
              "t.status, t.created_at FROM taken AS t JOIN devices AS d ON d.user_id = t.owner_id "
              "WHERE t.notify FOR SHARE OF d), "
              "newest AS (SELECT DISTINCT ON (order_id, token) * FROM targets "
              "ORDER BY order_id, token, version DESC), "
              "queued AS (INSERT INTO push_jobs AS j (order_id, token, user_id, version, status, "
              "changed_at, due_at) SELECT order_id, token, owner_id, version, status, created_at, "
              "$2 FROM newest ORDER BY order_id, token "
              "ON CONFLICT (order_id, token) DO UPDATE SET version = excluded.version, "
              "status = excluded.status, changed_at = excluded.changed_at, failures = 0, "
              "due_at = CASE WHEN j.dead_at IS NULL THEN j.due_at ELSE excluded.due_at END, "
              "dead_at = NULL, error = NULL WHERE excluded.version > j.version), "
              "marked AS (DELETE FROM unqueued_pushes AS u USING taken "
              "WHERE u.sequence = taken.sequence RETURNING 1) "
              "SELECT count(*) FROM marked",
              static_cast<std::int64_t>(limit), now_ms)
          .integer(0, 0));
}

std::vector<PushJob> take_due_pushes(Connection& connection, const Holder& holder,
                                     std::size_t limit, std::int64_t now_ms) {
  const Result rows = connection.query(
      "WITH taken AS MATERIALIZED (SELECT j.id, d.platform, d.registered_at FROM push_jobs AS j "
      "JOIN devices AS d ON d.token = j.token AND d.user_id = j.user_id "
      "WHERE j.dead_at IS NULL AND (j.due_at <= $2 OR j.due_at > $3) "
      "AND (j.leased_until IS NULL OR j.leased_until < statement_timestamp() "
      "OR j.leased_by = $4 OR j.leased_by NOT IN (SELECT application_name "
      "FROM pg_stat_activity WHERE application_name IS NOT NULL)) "
      "ORDER BY j.attempts, j.due_at, j.id LIMIT $1 FOR UPDATE OF j SKIP LOCKED), "
      "leased AS (UPDATE push_jobs AS j SET leased_by = $4, "
      "leased_until = statement_timestamp() + $5 * interval '1 millisecond' "
      "FROM taken WHERE j.id = taken.id RETURNING j.id, j.order_id, j.user_id, j.token, "
      "taken.platform, j.status, j.version, j.changed_at, taken.registered_at, j.attempts, "
      "j.failures, j.due_at) "
      "SELECT l.id, l.order_id, l.user_id, l.token, l.platform, l.status, l.version, "
      "l.changed_at, l.registered_at, l.attempts, l.failures, "
      "(SELECT nth_of_user FROM orders WHERE orders.id = l.order_id) "
      "FROM leased AS l ORDER BY l.attempts, l.due_at, l.id",
      static_cast<std::int64_t>(limit), now_ms, now_ms + retry_horizon_ms, holder.name,
      holder.lease.count());
  return read_all(rows, rows::push_job<Row>);
}

std::optional<std::int64_t> next_push_at(Connection& connection, std::int64_t now_ms) {
  const Result rows = connection.query(
      "SELECT min(due_at) FROM push_jobs WHERE dead_at IS NULL AND due_at > $1", now_ms);
  if (rows.is_null(0, 0)) return std::nullopt;
  return rows.integer(0, 0);
}

void finish_pushes(Connection& connection, const std::vector<PushResult>& results,
                   std::int64_t now_ms) {
  // Locks devices before pushes, as queueing does; the other order could deadlock.
  for (const PushResult& result : results) {
    if (result.verdict != PushResult::Verdict::remove) continue;
    // Deletes the device's pushes with it, unless the app has registered again meanwhile.
    connection.query("DELETE FROM devices WHERE token = $1 AND registered_at = $2", result.token,
                     result.registered_at_ms);
  }
  for (const PushResult& result : results) {
    const auto version = static_cast<std::int64_t>(result.version);
    switch (result.verdict) {
      case PushResult::Verdict::done:
        connection.query("DELETE FROM push_jobs WHERE id = $1 AND version = $2", result.id,
                         version);
        // Any node may send a newer state that came meanwhile.
        connection.query("UPDATE push_jobs SET leased_by = NULL, leased_until = NULL WHERE id = $1",
                         result.id);
        break;
      case PushResult::Verdict::retry:
        connection.query(
            "UPDATE push_jobs SET attempts = attempts + 1, failures = failures + $2, due_at = $3, "
            "error = $4, leased_by = NULL, leased_until = NULL WHERE id = $1",
            result.id, std::int64_t{result.held_against}, result.due_at_ms, result.error);
        break;
      case PushResult::Verdict::dead:
        connection.query(
            "UPDATE push_jobs SET attempts = attempts + 1, dead_at = $3, error = $4, "
            "leased_by = NULL, leased_until = NULL WHERE id = $1 AND version = $2",
            result.id, version, now_ms, result.error);
        break;
      case PushResult::Verdict::remove:
        break;
    }
  }
}

void hasten_pushes(Connection& connection, std::int64_t now_ms) {
  connection.query("UPDATE push_jobs SET due_at = $1 WHERE dead_at IS NULL AND due_at > $1",
                   now_ms);
}

PushStats push_stats(Connection& connection, std::int64_t now_ms) {
  // Changes that are committed but not queued yet count as waiting.
  const Result rows = connection.query(
      "SELECT (SELECT count(*) FROM push_jobs WHERE dead_at IS NULL), "
      "(SELECT min(changed_at) FROM push_jobs WHERE dead_at IS NULL), "
      "(SELECT count(*) FROM push_jobs WHERE dead_at IS NOT NULL), "
      "(SELECT count(*) FROM unqueued_pushes)");
  PushStats stats;
  stats.waiting = rows.integer(0, 0) + rows.integer(0, 3);
  if (rows.integer(0, 0) > 0) {
    stats.oldest_age_ms = std::max<std::int64_t>(now_ms - rows.integer(0, 1), 0);
  }
  stats.dead = rows.integer(0, 2);
  return stats;
}

}  // namespace order_server::postgres
