// SPDX-License-Identifier: MIT
#include "store/rows.hpp"
#include "store/shared_rules.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "workers/wall_clock.hpp"

#include <algorithm>

/// The outbox: entries that wait for a broadcast, and those that were given up.
namespace order_server {
namespace {

using sqlite::Query;

constexpr std::string_view entry_columns =
    "SELECT sequence, order_id, owner_id, outbox.organization_id, outbox.status, outbox.version, "
    "order_json, outbox.created_at, attempts";

using rows::broadcast_kind;
using rows::push_kind;
using rows::refund_kind;

}  // namespace

std::vector<OutboxEntry> SqliteStore::pending_broadcasts(std::size_t limit) {
  static const std::string sql =
      std::string(entry_columns) +
      ", 0 FROM outbox WHERE broadcast_at IS NULL AND attempts = 0 ORDER BY sequence LIMIT ?1";
  const ReaderPool::Lease reader(readers_);
  return read_all(reader->query(sql, static_cast<std::int64_t>(limit)), rows::outbox_entry<Query>);
}

std::vector<OutboxEntry> SqliteStore::failed_broadcasts(std::size_t limit, std::int64_t now_ms) {
  static const std::string sql =
      std::string(entry_columns) +
      ", orders.version > outbox.version FROM outbox JOIN orders ON orders.id = outbox.order_id "
      "WHERE broadcast_at IS NULL AND attempts > 0 AND dead_at IS NULL "
      "AND (retry_at <= ?2 OR retry_at > ?3) ORDER BY sequence LIMIT ?1";
  const ReaderPool::Lease reader(readers_);
  return read_all(
      reader->query(sql, static_cast<std::int64_t>(limit), now_ms, now_ms + retry_horizon_ms),
      rows::outbox_entry<Query>);
}

void SqliteStore::mark_broadcast(const std::vector<std::int64_t>& sequences) {
  if (sequences.empty()) return;
  const std::int64_t now_ms = unix_ms();
  Write write(*this, Durability::process_crash);
  for (const std::int64_t sequence : sequences) {
    write
        ->query("UPDATE outbox SET broadcast_at = ?2 WHERE sequence = ?1 AND broadcast_at IS NULL",
                sequence, now_ms)
        .run();
  }
  write.commit();
}

void SqliteStore::fail_broadcasts(const std::vector<BroadcastFailure>& failures,
                                  std::int64_t now_ms) {
  if (failures.empty()) return;
  Write write(*this, Durability::process_crash);
  for (const BroadcastFailure& failure : failures) {
    write
        ->query(
            "UPDATE outbox SET attempts = attempts + 1, retry_at = ?2, error = ?3, dead_at = "
            "CASE WHEN ?4 THEN ?5 END WHERE sequence = ?1 AND broadcast_at IS NULL",
            failure.sequence, failure.retry_at_ms.value_or(now_ms), failure.error,
            std::int64_t{!failure.retry_at_ms}, now_ms)
        .run();
  }
  write.commit();
}

OutboxStats SqliteStore::outbox_stats(std::int64_t now_ms) {
  const ReaderPool::Lease reader(readers_);
  // Entries are made in the order of time, so the first one that waits is the oldest. The depth is
  // a sum of two counts, each along a partial index of its own.
  Query query = reader->query(
      "SELECT (SELECT count(*) FROM outbox WHERE broadcast_at IS NULL AND attempts = 0), "
      "(SELECT count(*) FROM outbox WHERE broadcast_at IS NULL AND attempts > 0 "
      "AND dead_at IS NULL), "
      "(SELECT count(*) FROM outbox WHERE broadcast_at IS NULL AND attempts > 0 "
      "AND dead_at IS NOT NULL), "
      "(SELECT created_at FROM outbox WHERE broadcast_at IS NULL AND attempts = 0 "
      "ORDER BY sequence LIMIT 1), "
      "(SELECT min(created_at) FROM outbox WHERE broadcast_at IS NULL AND attempts > 0 "
      "AND dead_at IS NULL)");
  OutboxStats stats;
  if (!query.next()) return stats;
  stats.depth = query.integer(0) + query.integer(1);
  stats.dead = query.integer(2);
  std::int64_t oldest = now_ms;
  if (query.integer(0) > 0) oldest = std::min(oldest, query.integer(3));
  if (query.integer(1) > 0) oldest = std::min(oldest, query.integer(4));
  stats.oldest_age_ms = now_ms - oldest;
  return stats;
}

std::size_t SqliteStore::prune_outbox(std::int64_t older_than_ms, std::size_t limit) {
  Write write(*this, Durability::process_crash);
  auto left = static_cast<std::int64_t>(limit);
  // Two statements, each along a partial index of its own: one with OR would read every entry.
  write
      ->query(
          "DELETE FROM outbox WHERE sequence IN (SELECT sequence FROM outbox "
          "WHERE broadcast_at IS NOT NULL AND queued_at IS NOT NULL ORDER BY sequence LIMIT ?1)",
          left)
      .run();
  left -= write->changes();
  write
      ->query(
          "DELETE FROM outbox WHERE sequence IN (SELECT sequence FROM outbox "
          "WHERE broadcast_at IS NULL AND attempts > 0 AND dead_at < ?2 LIMIT ?1)",
          left, older_than_ms)
      .run();
  left -= write->changes();
  write
      ->query(
          "DELETE FROM push_jobs WHERE id IN (SELECT id FROM push_jobs "
          "WHERE dead_at IS NOT NULL AND dead_at < ?2 LIMIT ?1)",
          left, older_than_ms)
      .run();
  left -= write->changes();
  write
      ->query(
          "DELETE FROM payment_events WHERE id IN (SELECT id FROM payment_events "
          "WHERE received_at < ?2 LIMIT ?1)",
          left, older_than_ms)
      .run();
  left -= write->changes();
  write
      ->query(
          "DELETE FROM requests WHERE (user_id, key) IN (SELECT user_id, key FROM requests "
          "WHERE answered_at < ?2 LIMIT ?1)",
          left, older_than_ms + dead_letter_retention_ms - request_key_lifetime_ms)
      .run();
  left -= write->changes();
  write.commit();
  return limit - static_cast<std::size_t>(left);
}

std::vector<DeadLetter> SqliteStore::list_dead_letters(std::size_t limit) {
  const ReaderPool::Lease reader(readers_);
  std::vector<DeadLetter> letters;
  const auto read = [&](Query query, std::string_view kind) {
    while (query.next()) letters.push_back(rows::dead_letter(query, kind));
  };
  read(reader->query(
           "SELECT sequence, order_id, version, status, attempts, dead_at, error FROM outbox "
           "WHERE broadcast_at IS NULL AND attempts > 0 AND dead_at IS NOT NULL "
           "ORDER BY dead_at, sequence LIMIT ?1",
           static_cast<std::int64_t>(limit)),
       broadcast_kind);
  read(reader->query(
           "SELECT id, order_id, version, status, attempts, dead_at, error, token FROM push_jobs "
           "WHERE dead_at IS NOT NULL ORDER BY dead_at, id LIMIT ?1",
           static_cast<std::int64_t>(limit - std::min(limit, letters.size()))),
       push_kind);
  read(
      reader->query(
          "SELECT refunds.id, order_id, version, status, attempts, dead_at, error FROM refunds "
          "JOIN orders ON orders.id = order_id WHERE state = 'FAILED' ORDER BY dead_at, refunds.id "
          "LIMIT ?1",
          static_cast<std::int64_t>(limit - std::min(limit, letters.size()))),
      refund_kind);
  return letters;
}

std::size_t SqliteStore::retry_dead_letters(const std::string& id, std::int64_t now_ms) {
  Write write(*this, durability_);
  std::int64_t count = 0;
  if (const auto broadcast = dead_letter_number(id, broadcast_kind)) {
    write
        ->query(
            "UPDATE outbox SET attempts = 0, retry_at = NULL, dead_at = NULL, error = NULL "
            "WHERE broadcast_at IS NULL AND attempts > 0 AND dead_at IS NOT NULL "
            "AND (?1 = 0 OR sequence = ?1)",
            *broadcast)
        .run();
    count += write->changes();
  }
  if (const auto push = dead_letter_number(id, push_kind)) {
    write
        ->query(
            "UPDATE push_jobs SET attempts = 0, failures = 0, due_at = ?2, dead_at = NULL, "
            "error = NULL WHERE dead_at IS NOT NULL AND (?1 = 0 OR id = ?1)",
            *push, now_ms)
        .run();
    count += write->changes();
  }
  if (const auto refund = dead_letter_number(id, refund_kind)) {
    write
        ->query(
            "UPDATE refunds SET state = 'DUE', round = round + 1, refund_id = NULL, attempts = 0, "
            "due_at = ?2, dead_at = NULL, error = NULL WHERE state = 'FAILED' "
            "AND (?1 = 0 OR id = ?1)",
            *refund, now_ms)
        .run();
    count += write->changes();
  }
  write.commit();
  return static_cast<std::size_t>(count);
}

}  // namespace order_server
