// SPDX-License-Identifier: MIT
#pragma once

#include "domain/decision.hpp"
#include "domain/order.hpp"

#include <cstdint>
#include <string>

/// Money that goes back, as pure functions. Any thread.
///
/// Only what the provider has captured goes back by itself: the payment of an order that is
/// cancelled, and every payment of one order but the first. What was paid in cash, or was marked as
/// paid by the staff, the staff gives back.
namespace order_server {

/// What is known of a refund at the provider by now. Never `due`.
struct RefundReport {
  std::string payment_id;  ///< Whose money it is.
  RefundStatus state = RefundStatus::requested;
  std::string refund_id;          ///< The provider's; "": it has none.
  std::string error;              ///< Why it failed; for operators.
  std::int64_t amount_minor = 0;  ///< 0: the whole payment.
};

/// What is written down of a refund.
struct RefundRecord {
  RefundStatus state = RefundStatus::due;
  std::string refund_id;  ///< The provider's; "": none yet.
  std::int64_t amount_minor = 0;
};

/// Whether a report says more than the record: not what has ended (but that a failed one is done
/// after all), not a failure of an earlier attempt, not a part of the money.
[[nodiscard]] bool is_news(const RefundReport& report, const RefundRecord& record);

/// Adds to a change that cancels `order` what becomes of its payment: DUE where the provider has
/// it, nothing otherwise.
void give_back_payment(Change& change, const Order& order);

/// What a report does to the order of the payment. The payment that made it PAID: REQUESTED, FAILED
/// or DONE with the payment REFUNDED. Another payment of it: a log once it is back, or will not be;
/// the order stays PAID. `NoChange` for what is known already, and for a failure after the end.
[[nodiscard]] Decision decide_refund(const Order& order, const RefundReport& report);

}  // namespace order_server
