// SPDX-License-Identifier: MIT
#include "store/postgres/refunds.hpp"

#include "store/postgres/orders.hpp"
#include "store/push_store.hpp"

#include <algorithm>
#include <utility>

namespace order_server::postgres {
namespace {

constexpr std::int64_t lease_ms = 60'000;

}  // namespace

std::vector<RefundJob> take_due_refunds(Connection& connection, std::size_t limit,
                                        std::int64_t now_ms) {
  const Result rows = connection.query(
      "WITH taken AS MATERIALIZED (SELECT id, due_at FROM refunds "
      "WHERE state IN ('DUE', 'REQUESTED') AND (due_at <= $2 OR due_at > $3) "
      "ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED), "
      "leased AS (UPDATE refunds SET due_at = $4 FROM taken WHERE refunds.id = taken.id "
      "RETURNING refunds.id, order_id, payment_id, amount_minor, refund_id, round, attempts, "
      "taken.due_at AS was_due_at) "
      "SELECT id, order_id, payment_id, amount_minor, refund_id, round, attempts FROM leased "
      "ORDER BY was_due_at, id",
      static_cast<std::int64_t>(limit), now_ms, now_ms + retry_horizon_ms, now_ms + lease_ms);
  return read_all(rows, rows::refund_job<Row>);
}

std::optional<std::int64_t> next_refund_at(Connection& connection, std::int64_t now_ms) {
  const Result rows = connection.query(
      "SELECT min(due_at) FROM refunds WHERE state IN ('DUE', 'REQUESTED') AND due_at > $1",
      now_ms);
  if (rows.is_null(0, 0)) return std::nullopt;
  return rows.integer(0, 0);
}

void postpone_refund(Connection& connection, std::int64_t id, std::int64_t due_at_ms,
                     const std::string& error) {
  connection.query(
      "UPDATE refunds SET attempts = attempts + 1, due_at = $2, error = $3 WHERE id = $1", id,
      due_at_ms, error);
}

RefundResult report_refund(Connection& connection, const RefundReport& report,
                           std::int64_t look_at_ms, std::int64_t now_ms) {
  // Locks the order's row first, as each change of an order does.
  const Result owner =
      connection.query("SELECT order_id FROM refunds WHERE payment_id = $1", report.payment_id);
  if (owner.empty()) return {};
  auto found = load_order_locked(connection, owner.text(0, 0), {});
  if (!found) return {};
  const Result row = connection.query(
      "SELECT state, refund_id, amount_minor FROM refunds WHERE payment_id = $1 FOR UPDATE",
      report.payment_id);
  if (row.empty()) return {};
  const RefundRecord record{known(refund_status_from_string(row.text(0, 0)), "refunds.state"),
                            row.text(0, 1), row.integer(0, 2)};
  if (!is_news(report, record)) return {true, {std::move(found->order), false, std::nullopt}};
  const bool is_failed = report.state == RefundStatus::failed;
  connection.query(
      "UPDATE refunds SET state = $2, refund_id = coalesce($3, refund_id), due_at = $4, "
      "attempts = attempts + 1, error = $5, dead_at = CASE WHEN $6 THEN $7::bigint END "
      "WHERE payment_id = $1",
      report.payment_id, to_string(report.state), NullIfEmpty{report.refund_id}, look_at_ms,
      NullIfEmpty{report.error}, is_failed, now_ms);
  return {true, apply_decision(
                    connection, std::move(*found),
                    [&](const Order& order) { return decide_refund(order, report); }, now_ms)};
}

RefundStats refund_stats(Connection& connection, std::int64_t now_ms) {
  const Result rows = connection.query(
      "SELECT (SELECT count(*) FROM refunds WHERE state IN ('DUE', 'REQUESTED')), "
      "(SELECT min(created_at) FROM refunds WHERE state IN ('DUE', 'REQUESTED')), "
      "(SELECT count(*) FROM refunds WHERE state = 'FAILED')");
  RefundStats stats;
  stats.waiting = rows.integer(0, 0);
  if (stats.waiting > 0) {
    stats.oldest_age_ms = std::max<std::int64_t>(now_ms - rows.integer(0, 1), 0);
  }
  stats.dead = rows.integer(0, 2);
  return stats;
}

}  // namespace order_server::postgres
