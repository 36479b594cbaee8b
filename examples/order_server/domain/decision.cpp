// SPDX-License-Identifier: MIT
#include "domain/decision.hpp"

#include "domain/ids.hpp"

#include <algorithm>

namespace order_server {

Order apply_change(Order order, const Change& change, std::int64_t now_ms) {
  std::int64_t at_ms = std::max({now_ms, order.created_at_ms, order.updated_at_ms});
  if (!order.status_logs.empty()) at_ms = std::max(at_ms, order.status_logs.back().created_at_ms);
  order.status = change.status;
  order.payment_status = change.payment_status;
  order.refund_status = change.refund_status;
  order.estimated_ready_at_ms = change.estimated_ready_at_ms;
  if (!change.razorpay_order_id.empty()) order.razorpay_order_id = change.razorpay_order_id;
  if (!change.razorpay_payment_id.empty()) order.razorpay_payment_id = change.razorpay_payment_id;
  if (change.write_log) {
    order.status_logs.push_back(
        {random_uuid(), change.status, change.log_note, at_ms, change.actor});
  }
  ++order.version;
  order.updated_at_ms = at_ms;
  return order;
}

}  // namespace order_server
