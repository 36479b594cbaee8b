// SPDX-License-Identifier: MIT
#include "domain/transitions.hpp"

#include "domain/refunds.hpp"

#include <string>
#include <utility>

namespace order_server {

Decision decide_status(const Order& order, OrderStatus to, std::string note,
                       const Estimate& estimate) {
  if (order.status == to && estimate.is_given && !is_final(to) &&
      estimate.at_ms != order.estimated_ready_at_ms) {
    Change change = change_from(order);
    change.estimated_ready_at_ms = estimate.at_ms;
    change.write_log = !note.empty();
    change.log_note = std::move(note);
    return change;
  }
  if (order.status == to) {
    return Rejection{400, "Invalid Transition", "Order is already " + std::string(to_string(to))};
  }
  if (!can_transition(order.fulfillment_type, order.status, to)) {
    return Rejection{400, "Invalid Transition",
                     "Cannot transition from " + std::string(to_string(order.status)) + " to " +
                         std::string(to_string(to))};
  }
  Change change = change_from(order);
  change.status = to;
  change.log_note = std::move(note);
  if (estimate.is_given) change.estimated_ready_at_ms = estimate.at_ms;
  const bool is_open = order.payment_status == PaymentStatus::pending ||
                       order.payment_status == PaymentStatus::failed;
  if (to == OrderStatus::delivered && order.payment_method == PaymentMethod::cod && is_open) {
    change.payment_status = PaymentStatus::paid;
  }
  if (to == OrderStatus::cancelled) give_back_payment(change, order);
  return change;
}

namespace {

bool can_set_payment(const Order& order, PaymentStatus to) noexcept {
  switch (order.payment_status) {
    case PaymentStatus::pending:
    case PaymentStatus::failed:
      if (to == PaymentStatus::paid) return order.status != OrderStatus::cancelled;
      return to != PaymentStatus::refunded;
    case PaymentStatus::paid:
      return to == PaymentStatus::refunded;
    case PaymentStatus::refunded:
      break;
  }
  return false;
}

}  // namespace

Decision decide_payment_status(const Order& order, PaymentStatus to, std::string note) {
  const auto refused = [](std::string message) {
    return Rejection{400, "Invalid Payment Status", std::move(message)};
  };
  if (order.payment_status == to) {
    return refused("Payment is already " + std::string(to_string(to)));
  }
  if (order.refund_status == RefundStatus::due || order.refund_status == RefundStatus::requested) {
    return refused("Payment is on its way back at the provider, which says when it is REFUNDED");
  }
  if (!can_set_payment(order, to)) {
    return refused("Payment of an order that is " + std::string(to_string(order.status)) + " and " +
                   std::string(to_string(order.payment_status)) + " cannot become " +
                   std::string(to_string(to)));
  }
  Change change = change_from(order);
  change.payment_status = to;
  // What the provider could not give back, the staff has.
  if (order.refund_status == RefundStatus::failed) change.refund_status = RefundStatus::done;
  change.write_log = !note.empty();
  change.log_note = std::move(note);
  return change;
}

std::optional<Rejection> refuse_other_version(const Order& order,
                                              std::optional<std::int64_t> expected) {
  if (!expected || static_cast<std::uint64_t>(*expected) == order.version) return std::nullopt;
  return Rejection{409, "Conflict",
                   "The order has version " + std::to_string(order.version) + " by now, not " +
                       std::to_string(*expected),
                   true};
}

Decision decide_cancel(const Order& order) {
  if (order.status != OrderStatus::pending && order.status != OrderStatus::confirmed) {
    return Rejection{
        400, "Cannot Cancel",
        "Order cannot be cancelled once it is " + std::string(to_string(order.status))};
  }
  Change change = change_from(order);
  change.status = OrderStatus::cancelled;
  change.log_note = "Cancelled by the customer";
  give_back_payment(change, order);
  return change;
}

}  // namespace order_server
