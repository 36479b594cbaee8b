// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

/// The decision of a shop rule about a change to an order: a change, a refusal, or no change. Plain
/// values: a `decide_*` function makes one, and a store carries it out.
namespace order_server {

/// A refusal. The caller gets it as an answer; it is not a failure.
struct Rejection {
  int status_code = 400;
  std::string error;
  std::string message;
  bool shows_order = false;  ///< The answer carries the order as it is.
};

/// A change to an order. Start from `change_from(order)`, which raises only the version, and set
/// what differs.
struct Change {
  OrderStatus status{};
  PaymentStatus payment_status{};
  std::string razorpay_order_id;    ///< Empty: the stored one stays.
  std::string razorpay_payment_id;  ///< Empty: the stored one stays.
  std::string log_note;             ///< Empty: no note.
  bool write_log = true;  ///< False: the change is in the history, but not in the order's logs.
  Actor actor;            ///< Who makes it.
  std::optional<RefundStatus> refund_status;
  std::string refund_payment_id;    ///< A payment that has to go back whole; empty: none.
  std::int64_t refund_rest_ms = 0;  ///< How long it stays before it does.
  std::optional<std::int64_t> estimated_ready_at_ms;
  std::optional<Rejection> rejection;  ///< Commits the change and still answers with this refusal.
};

/// Nothing to do, as for a repeated payment. The caller gets the order as it is.
struct NoChange {};

using Decision = std::variant<Change, Rejection, NoChange>;

/// Returns a change that keeps everything of `order`.
[[nodiscard]] inline Change change_from(const Order& order) {
  Change change;
  change.status = order.status;
  change.payment_status = order.payment_status;
  change.refund_status = order.refund_status;
  change.estimated_ready_at_ms = order.estimated_ready_at_ms;
  return change;
}

/// Marks a decision as one of the payment provider's.
[[nodiscard]] inline Decision made_by_provider(Decision decision) {
  if (auto* change = std::get_if<Change>(&decision)) {
    change->actor = {{}, std::string(provider_role)};
  }
  return decision;
}

/// Returns the next version of `order`, changed at `now_ms`, with its new log entry. If the clock
/// went back, uses the time of the last change: an order's times never go back.
[[nodiscard]] Order apply_change(Order order, const Change& change, std::int64_t now_ms);

}  // namespace order_server
