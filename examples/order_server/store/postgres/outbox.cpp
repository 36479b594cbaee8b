// SPDX-License-Identifier: MIT
#include "store/postgres/outbox.hpp"

#include "store/rows.hpp"
#include "store/shared_rules.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

/// The outbox: entries that wait for a broadcast, and those that were given up. Entries are taken,
/// marked and pruned one by one, never up to a sequence: a sequence is given out before its commit,
/// so a lower one may appear after a higher one.
namespace order_server::postgres {
namespace {

/// The start of a condition; what else an entry must be follows. The lease of a node that has no
/// session any more is void, so that a killed node is not waited for. $1 is the limit, $2 the
/// holder, $3 the lease in milliseconds.
constexpr std::string_view take_begin =
    "WITH taken AS MATERIALIZED (SELECT sequence FROM broadcasts "
    "WHERE (leased_until IS NULL OR leased_until < statement_timestamp() OR leased_by = $2 "
    "OR leased_by NOT IN (SELECT application_name FROM pg_stat_activity "
    "WHERE application_name IS NOT NULL)) AND ";
constexpr std::string_view take_end =
    " ORDER BY sequence LIMIT $1 FOR UPDATE SKIP LOCKED), "
    "leased AS (UPDATE broadcasts SET leased_by = $2, "
    "leased_until = statement_timestamp() + $3 * interval '1 millisecond' "
    "FROM taken WHERE broadcasts.sequence = taken.sequence "
    "RETURNING broadcasts.sequence, attempts) "
    "SELECT sequence, order_id, owner_id, organization_id, status, version, order_json, "
    "created_at, attempts, (attempts > 0 AND EXISTS (SELECT 1 FROM orders "
    "WHERE orders.id = outbox.order_id AND orders.version > outbox.version))::int "
    "FROM leased JOIN outbox USING (sequence) ORDER BY sequence";

/// The difference between the database's clock and this node's, in whole seconds. With it nodes
/// whose clocks differ agree on when a retry is due. `wall` is the parameter with this node's
/// clock.
std::string to_database_time(std::string_view wall) {
  return "(round(extract(epoch FROM now()) - " + std::string(wall) +
         "::bigint / 1000.0) * 1000)::bigint";
}

std::int64_t wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

using rows::broadcast_kind;
using rows::push_kind;
using rows::refund_kind;

}  // namespace

std::vector<OutboxEntry> take_pending(Connection& connection, const Holder& holder,
                                      std::size_t limit) {
  static const std::string sql = std::string(take_begin) + "attempts = 0" + std::string(take_end);
  return read_all(
      connection.query(sql, static_cast<std::int64_t>(limit), holder.name, holder.lease.count()),
      rows::outbox_entry<Row>);
}

std::vector<OutboxEntry> take_failed(Connection& connection, const Holder& holder,
                                     std::size_t limit, std::int64_t now_ms) {
  static const std::string skew = to_database_time("$6");
  static const std::string sql = std::string(take_begin) +
                                 "attempts > 0 AND dead_at IS NULL AND (retry_at <= $4 + " + skew +
                                 " OR retry_at > $5 + " + skew + ")" + std::string(take_end);
  return read_all(
      connection.query(sql, static_cast<std::int64_t>(limit), holder.name, holder.lease.count(),
                       now_ms, now_ms + retry_horizon_ms, wall_clock_ms()),
      rows::outbox_entry<Row>);
}

void mark_broadcast(Connection& connection, const std::vector<std::int64_t>& sequences) {
  connection.query("DELETE FROM broadcasts WHERE sequence = ANY ($1)", sequences);
}

void fail_broadcasts(Connection& connection, const std::vector<BroadcastFailure>& failures,
                     std::int64_t now_ms) {
  static const std::string sql =
      "UPDATE broadcasts SET attempts = attempts + 1, retry_at = $2 + " + to_database_time("$6") +
      ", error = $3, dead_at = CASE WHEN $4 THEN $5 END, leased_by = NULL, leased_until = NULL "
      "WHERE sequence = $1";
  for (const BroadcastFailure& failure : failures) {
    connection.query(sql, failure.sequence, failure.retry_at_ms.value_or(now_ms), failure.error,
                     !failure.retry_at_ms.has_value(), now_ms, wall_clock_ms());
  }
}

OutboxStats outbox_stats(Connection& connection, std::int64_t now_ms) {
  const Result rows = connection.query(
      "SELECT (SELECT count(*) FROM broadcasts WHERE attempts = 0), "
      "(SELECT count(*) FROM broadcasts WHERE attempts > 0 AND dead_at IS NULL), "
      "(SELECT count(*) FROM broadcasts WHERE attempts > 0 AND dead_at IS NOT NULL), "
      "(SELECT created_at FROM outbox WHERE sequence = "
      "(SELECT min(sequence) FROM broadcasts WHERE attempts = 0)), "
      "(SELECT min(created_at) FROM outbox JOIN broadcasts USING (sequence) "
      "WHERE attempts > 0 AND dead_at IS NULL)");
  OutboxStats stats;
  stats.depth = rows.integer(0, 0) + rows.integer(0, 1);
  stats.dead = rows.integer(0, 2);
  std::int64_t oldest = now_ms;
  if (rows.integer(0, 0) > 0) oldest = std::min(oldest, rows.integer(0, 3));
  if (rows.integer(0, 1) > 0) oldest = std::min(oldest, rows.integer(0, 4));
  stats.oldest_age_ms = now_ms - oldest;
  return stats;
}

std::size_t prune_outbox(Connection& connection, std::int64_t older_than_ms, std::size_t limit) {
  auto left = static_cast<std::int64_t>(limit);
  // Rows that another node prunes at the same time are left to it.
  left -= connection
              .query(
                  "DELETE FROM outbox WHERE sequence IN (SELECT sequence FROM outbox AS o "
                  "WHERE NOT EXISTS (SELECT 1 FROM broadcasts AS b WHERE b.sequence = o.sequence) "
                  "AND NOT EXISTS (SELECT 1 FROM unqueued_pushes AS u "
                  "WHERE u.sequence = o.sequence) "
                  "ORDER BY sequence LIMIT $1 FOR UPDATE SKIP LOCKED)",
                  left)
              .changed();
  left -= connection
              .query(
                  "WITH old AS (DELETE FROM broadcasts WHERE sequence IN (SELECT sequence "
                  "FROM broadcasts WHERE attempts > 0 AND dead_at < $2 LIMIT $1 "
                  "FOR UPDATE SKIP LOCKED) RETURNING sequence), "
                  "gone AS (DELETE FROM unqueued_pushes USING old "
                  "WHERE unqueued_pushes.sequence = old.sequence) "
                  "DELETE FROM outbox USING old WHERE outbox.sequence = old.sequence",
                  left, older_than_ms)
              .changed();
  left -= connection
              .query(
                  "DELETE FROM push_jobs WHERE id IN (SELECT id FROM push_jobs "
                  "WHERE dead_at IS NOT NULL AND dead_at < $2 LIMIT $1 FOR UPDATE SKIP LOCKED)",
                  left, older_than_ms)
              .changed();
  left -= connection
              .query(
                  "DELETE FROM payment_events WHERE (id, digest) IN (SELECT id, digest "
                  "FROM payment_events WHERE received_at < $2 LIMIT $1 FOR UPDATE SKIP LOCKED)",
                  left, older_than_ms)
              .changed();
  left -= connection
              .query(
                  "DELETE FROM requests WHERE (user_id, key) IN (SELECT user_id, key "
                  "FROM requests WHERE answered_at < $2 LIMIT $1 FOR UPDATE SKIP LOCKED)",
                  left, older_than_ms + dead_letter_retention_ms - request_key_lifetime_ms)
              .changed();
  return limit - static_cast<std::size_t>(left);
}

std::vector<DeadLetter> list_dead_letters(Connection& connection, std::size_t limit) {
  std::vector<DeadLetter> letters;
  const auto read = [&](const Result& rows, std::string_view kind) {
    for (int row = 0; row < rows.rows(); ++row) {
      letters.push_back(rows::dead_letter(Row(rows, row), kind));
    }
  };
  read(connection.query(
           "SELECT sequence, order_id, version, status, attempts, dead_at, error "
           "FROM broadcasts JOIN outbox USING (sequence) "
           "WHERE attempts > 0 AND dead_at IS NOT NULL ORDER BY dead_at, sequence LIMIT $1",
           static_cast<std::int64_t>(limit)),
       broadcast_kind);
  read(connection.query(
           "SELECT id, order_id, version, status, attempts, dead_at, error, token FROM push_jobs "
           "WHERE dead_at IS NOT NULL ORDER BY dead_at, id LIMIT $1",
           static_cast<std::int64_t>(limit - std::min(limit, letters.size()))),
       push_kind);
  read(connection.query(
           "SELECT refunds.id, order_id, version, status, attempts, dead_at, error FROM refunds "
           "JOIN orders ON orders.id = order_id WHERE state = 'FAILED' "
           "ORDER BY dead_at, refunds.id LIMIT $1",
           static_cast<std::int64_t>(limit - std::min(limit, letters.size()))),
       refund_kind);
  return letters;
}

std::size_t retry_dead_letters(Connection& connection, const std::string& id, std::int64_t now_ms) {
  std::int64_t count = 0;
  if (const auto broadcast = dead_letter_number(id, broadcast_kind)) {
    count += connection
                 .query(
                     "UPDATE broadcasts SET attempts = 0, retry_at = NULL, dead_at = NULL, "
                     "error = NULL WHERE attempts > 0 AND dead_at IS NOT NULL "
                     "AND ($1 = 0 OR sequence = $1)",
                     *broadcast)
                 .changed();
  }
  if (const auto push = dead_letter_number(id, push_kind)) {
    count += connection
                 .query(
                     "UPDATE push_jobs SET attempts = 0, failures = 0, due_at = $2, "
                     "dead_at = NULL, error = NULL WHERE dead_at IS NOT NULL "
                     "AND ($1 = 0 OR id = $1)",
                     *push, now_ms)
                 .changed();
  }
  if (const auto refund = dead_letter_number(id, refund_kind)) {
    count += connection
                 .query(
                     "UPDATE refunds SET state = 'DUE', round = round + 1, refund_id = NULL, "
                     "attempts = 0, due_at = $2, dead_at = NULL, error = NULL "
                     "WHERE state = 'FAILED' AND ($1 = 0 OR id = $1)",
                     *refund, now_ms)
                 .changed();
  }
  return static_cast<std::size_t>(count);
}

}  // namespace order_server::postgres
