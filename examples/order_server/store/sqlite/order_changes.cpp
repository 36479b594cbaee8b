// SPDX-License-Identifier: MIT
#include "store/sqlite/order_changes.hpp"

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

}  // namespace

ChangeResult apply_decision(Connection& connection, NumberedOrder found,
                            const std::function<Decision(const Order&)>& decide,
                            std::int64_t now_ms) {
  const Decision decision = decide(found.order);
  const auto* change = std::get_if<Change>(&decision);
  if (change == nullptr) return unchanged(std::move(found.order), decision);
  PlannedChange plan = plan_change(std::move(found.order), *change, now_ms);
  update_order(connection, found.number, plan.next);
  insert_log(connection, found.number, plan.next, plan.log, change->write_log);
  insert_outbox(connection, plan.next, plan.moves);
  if (plan.begins_refund) insert_refund(connection, plan.next, *change);
  if (plan.ends_refund) end_refund(connection, plan.next);
  return {std::move(plan.next), true, change->rejection};
}

}  // namespace order_server::sqlite
