// SPDX-License-Identifier: MIT
#include "domain/transitions.hpp"

#include <string>
#include <utility>

namespace order_server {

Decision decide_status(const Order& order, OrderStatus to, std::string note) {
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
  return change;
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
  return change;
}

}  // namespace order_server
