// SPDX-License-Identifier: MIT
#include "store/sqlite/order_changes.hpp"

#include "domain/ids.hpp"
#include "store/shared_rules.hpp"

#include <utility>
#include <variant>

namespace order_server::sqlite {
namespace {

void insert_refund(Connection& connection, const Order& order, const Change& change) {
  connection
      .query(
          "INSERT INTO refunds (order_id, payment_id, amount_minor, due_at, created_at) "
          "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (payment_id) DO NOTHING",
          order.id, change.refund_payment_id, order.total_minor,
          order.updated_at_ms + change.refund_rest_ms, order.updated_at_ms)
      .run();
}

/// Ends the refund of an order that is marked as refunded: none is left to make.
void end_refund(Connection& connection, const Order& order) {
  connection
      .query(
          "UPDATE refunds SET state = 'DONE', dead_at = NULL, error = NULL "
          "WHERE payment_id = ?1 AND state <> 'DONE'",
          order.razorpay_payment_id)
      .run();
}

/// Returns the change's log: the newest of the order's logs, or one for its history only.
StatusLog log_of(const Order& order, const Change& change) {
  if (change.write_log) return order.status_logs.back();
  return {random_uuid(), order.status, change.log_note, order.updated_at_ms, change.actor};
}

}  // namespace

ChangeResult apply_decision(Connection& connection, NumberedOrder found,
                            const std::function<Decision(const Order&)>& decide,
                            std::int64_t now_ms) {
  const Decision decision = decide(found.order);
  const auto* change = std::get_if<Change>(&decision);
  if (change == nullptr) return unchanged(std::move(found.order), decision);
  const OrderStatus before = found.order.status;
  const bool was_back = found.order.refund_status == RefundStatus::done;
  Order next = apply_change(std::move(found.order), *change, now_ms);
  update_order(connection, found.number, next);
  insert_log(connection, found.number, next, log_of(next, *change), change->write_log);
  insert_outbox(connection, next, next.status != before);
  if (!change->refund_payment_id.empty()) {
    insert_refund(connection, next, *change);
  }
  if (next.refund_status == RefundStatus::done && !was_back) end_refund(connection, next);
  return {std::move(next), true, change->rejection};
}

}  // namespace order_server::sqlite
