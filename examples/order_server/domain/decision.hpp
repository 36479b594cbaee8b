// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

/// What a rule of the shop answers when it is asked to change an order: the new values, a refusal,
/// or "nothing to do". Plain values, made by the `decide_*` functions and carried out by a store.
namespace order_server {

/// Why the caller is told no: an answer, not a failure.
struct Rejection {
  int status_code = 400;
  std::string error;
  std::string message;
  bool shows_order = false;  ///< The answer carries the order as it is.
};

/// What a change does to an order. Start from `change_from(order)`, which changes nothing but the
/// version, and set what differs.
struct Change {
  OrderStatus status{};
  PaymentStatus payment_status{};
  std::string razorpay_order_id;       ///< Empty: the stored one stays.
  std::string razorpay_payment_id;     ///< Empty: the stored one stays.
  std::string log_note;                ///< Empty: no note.
  bool write_log = true;               ///< False for a change of the payment status alone.
  std::optional<Rejection> rejection;  ///< The change is committed, and the caller is told no.
};

/// Nothing to do and nothing wrong: the order is answered as it is (a repeated payment).
struct NoChange {};

using Decision = std::variant<Change, Rejection, NoChange>;

/// The change that leaves both statuses of `order` as they are.
[[nodiscard]] inline Change change_from(const Order& order) {
  Change change;
  change.status = order.status;
  change.payment_status = order.payment_status;
  return change;
}

/// The next version of `order`: what `change` makes of it at `now_ms`, a new status log included.
/// Where the clock has gone back, it is made when the last change was: an order's times never go
/// back.
[[nodiscard]] Order apply_change(Order order, const Change& change, std::int64_t now_ms);

}  // namespace order_server
