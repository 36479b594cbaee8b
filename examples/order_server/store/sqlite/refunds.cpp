// SPDX-License-Identifier: MIT
#include "store/sqlite/order_changes.hpp"
#include "store/sqlite/rows.hpp"
#include "store/sqlite/sqlite_store.hpp"

#include <algorithm>

/// The queue of refunds.
namespace order_server {

using sqlite::GroupWriter;
using sqlite::NullIfEmpty;
using sqlite::Query;

namespace {

RefundResult note_report(sqlite::Connection& connection, const RefundReport& report,
                         std::int64_t look_at_ms, std::int64_t now_ms) {
  std::string order_id;
  RefundRecord record;
  {
    Query row = connection.query(
        "SELECT order_id, state, refund_id, amount_minor FROM refunds WHERE payment_id = ?1",
        report.payment_id);
    if (!row.next()) return {};
    order_id = row.text(0);
    record = {sqlite::known(refund_status_from_string(row.text(1)), "refunds.state"), row.text(2),
              row.integer(3)};
  }
  auto found = sqlite::load_order(connection, order_id, {});
  if (!found) return {};
  if (!is_news(report, record)) return {true, {std::move(found->order), false, std::nullopt}};
  const bool is_failed = report.state == RefundStatus::failed;
  connection
      .query(
          "UPDATE refunds SET state = ?2, refund_id = ifnull(?3, refund_id), due_at = ?4, "
          "attempts = attempts + 1, error = ?5, dead_at = ?6 WHERE payment_id = ?1",
          report.payment_id, to_string(report.state), NullIfEmpty{report.refund_id}, look_at_ms,
          NullIfEmpty{report.error}, is_failed ? std::optional(now_ms) : std::nullopt)
      .run();
  return {true, sqlite::apply_decision(
                    connection, std::move(*found),
                    [&](const Order& order) { return decide_refund(order, report); }, now_ms)};
}

}  // namespace

std::vector<RefundJob> SqliteStore::due_refunds(std::size_t limit, std::int64_t now_ms) {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(
      "SELECT id, order_id, payment_id, amount_minor, refund_id, round, attempts FROM refunds "
      "WHERE state IN ('DUE', 'REQUESTED') AND (due_at <= ?2 OR due_at > ?3) "
      "ORDER BY due_at, id LIMIT ?1",
      static_cast<std::int64_t>(limit), now_ms, now_ms + retry_horizon_ms);
  return read_all(std::move(query), rows::refund_job<Query>);
}

std::optional<std::int64_t> SqliteStore::next_refund_at(std::int64_t now_ms) {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(
      "SELECT min(due_at) FROM refunds WHERE state IN ('DUE', 'REQUESTED') AND due_at > ?1",
      now_ms);
  if (!query.next() || query.is_null(0)) return std::nullopt;
  return query.integer(0);
}

void SqliteStore::postpone_refund(std::int64_t id, std::int64_t due_at_ms,
                                  const std::string& error) {
  Write write(*this, Durability::process_crash);
  write
      ->query("UPDATE refunds SET attempts = attempts + 1, due_at = ?2, error = ?3 WHERE id = ?1",
              id, due_at_ms, error)
      .run();
  write.commit();
}

RefundResult SqliteStore::report_refund(const RefundReport& report, std::int64_t look_at_ms,
                                        std::int64_t now_ms) {
  return in_group([&](GroupWriter::Company company) {
    Write write(*this, durability_, company);
    auto result = note_report(*write, report, look_at_ms, now_ms);
    write.commit();
    return result;
  });
}

RefundStats SqliteStore::refund_stats(std::int64_t now_ms) {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(
      "SELECT (SELECT count(*) FROM refunds WHERE state IN ('DUE', 'REQUESTED')), "
      "(SELECT min(created_at) FROM refunds WHERE state IN ('DUE', 'REQUESTED')), "
      "(SELECT count(*) FROM refunds WHERE state = 'FAILED')");
  RefundStats stats;
  if (!query.next()) return stats;
  stats.waiting = query.integer(0);
  if (stats.waiting > 0) {
    stats.oldest_age_ms = std::max<std::int64_t>(now_ms - query.integer(1), 0);
  }
  stats.dead = query.integer(2);
  return stats;
}

}  // namespace order_server
