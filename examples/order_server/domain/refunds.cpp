// SPDX-License-Identifier: MIT
#include "domain/refunds.hpp"

#include <utility>

namespace order_server {
namespace {

/// A payment that came on top of the one that paid the order.
Decision decide_second_refund(const Order& order, const RefundReport& report) {
  if (report.state == RefundStatus::requested) return NoChange{};
  const std::string which = "The second payment (" + report.payment_id + ")";
  Change change = change_from(order);
  change.log_note = report.state == RefundStatus::done
                        ? which + " was refunded"
                        : which + " could not be refunded; the shop looks into it";
  return made_by_provider(std::move(change));
}

}  // namespace

bool is_news(const RefundReport& report, const RefundRecord& record) {
  const bool is_over = record.state == RefundStatus::done ||
                       (record.state == RefundStatus::failed && report.state != RefundStatus::done);
  const bool is_of_another = report.state == RefundStatus::failed && !record.refund_id.empty() &&
                             !report.refund_id.empty() && record.refund_id != report.refund_id;
  const bool is_part = report.amount_minor != 0 && report.amount_minor != record.amount_minor;
  return !is_over && !is_of_another && !is_part;
}

void give_back_payment(Change& change, const Order& order) {
  if (order.payment_status != PaymentStatus::paid || order.razorpay_payment_id.empty()) return;
  change.refund_status = RefundStatus::due;
  change.refund_payment_id = order.razorpay_payment_id;
}

Decision decide_refund(const Order& order, const RefundReport& report) {
  if (report.payment_id != order.razorpay_payment_id) return decide_second_refund(order, report);
  if (order.payment_status == PaymentStatus::refunded || order.refund_status == report.state) {
    return NoChange{};
  }
  Change change = change_from(order);
  change.refund_status = report.state;
  switch (report.state) {
    case RefundStatus::due:
      return NoChange{};
    case RefundStatus::requested:
      change.write_log = false;  // no news for the customer
      change.log_note = "Refund requested";
      break;
    case RefundStatus::done:
      change.payment_status = PaymentStatus::refunded;
      change.log_note = "The payment was refunded";
      break;
    case RefundStatus::failed:
      change.log_note = "The payment could not be refunded; the shop looks into it";
      break;
  }
  return made_by_provider(std::move(change));
}

}  // namespace order_server
