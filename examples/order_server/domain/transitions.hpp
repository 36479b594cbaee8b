// SPDX-License-Identifier: MIT
#pragma once

#include "domain/decision.hpp"
#include "domain/order.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// The life cycle of an order. Pure functions of the order and what is asked for; any thread; O(1).
///
///     PENDING -> CONFIRMED -> PREPARING -> READY -> OUT_FOR_DELIVERY -> DELIVERED
///
/// A pickup order goes from READY straight to DELIVERED. Every state but the final two, DELIVERED
/// and CANCELLED, may go to CANCELLED.
namespace order_server {

[[nodiscard]] constexpr bool is_final(OrderStatus status) noexcept {
  return status == OrderStatus::delivered || status == OrderStatus::cancelled;
}

[[nodiscard]] constexpr bool can_transition(FulfillmentType type, OrderStatus from,
                                            OrderStatus to) noexcept {
  if (is_final(from)) return false;
  if (to == OrderStatus::cancelled) return true;
  switch (from) {
    case OrderStatus::pending:
      return to == OrderStatus::confirmed;
    case OrderStatus::confirmed:
      return to == OrderStatus::preparing;
    case OrderStatus::preparing:
      return to == OrderStatus::ready;
    case OrderStatus::ready:
      return to == (type == FulfillmentType::pickup ? OrderStatus::delivered
                                                    : OrderStatus::out_for_delivery);
    case OrderStatus::out_for_delivery:
      return to == OrderStatus::delivered;
    case OrderStatus::delivered:
    case OrderStatus::cancelled:
      break;
  }
  return false;
}

/// When staff says that an order will be ready.
struct Estimate {
  bool is_given = false;              ///< False: the earlier estimate stays.
  std::optional<std::int64_t> at_ms;  ///< nullopt: unknown.
};

/// Decides a change of status by staff. Refuses it with 400 `Invalid Transition`, or returns a
/// change whose log entry carries `note`. Cash is paid on delivery: DELIVERED makes a cash order
/// PAID. CANCELLED gives back what the provider has captured; see domain/refunds.hpp. Another
/// estimate of an order that is not final changes the order even if its status stays.
[[nodiscard]] Decision decide_status(const Order& order, OrderStatus to, std::string note = {},
                                     const Estimate& estimate = {});

/// Decides a change of the payment status by staff: cash received or returned, or a transfer.
/// Refuses it with 400 `Invalid Payment Status` if it makes no sense: PAID may only become
/// REFUNDED, REFUNDED is final, a cancelled order can't become PAID, and a refund that the provider
/// works on ends by itself. The log entry carries `note`; without a note there is no log entry.
[[nodiscard]] Decision decide_payment_status(const Order& order, PaymentStatus to,
                                             std::string note = {});

/// Returns the refusal with 409 of a change that expects another version: another user's change
/// came first. nullopt if the order has that version, or if none is expected.
[[nodiscard]] std::optional<Rejection> refuse_other_version(const Order& order,
                                                            std::optional<std::int64_t> expected);

/// Decides a cancellation by the owner, with the refund of what the provider has captured. Refuses
/// it with 400 `Cannot Cancel` unless the order is PENDING or CONFIRMED.
[[nodiscard]] Decision decide_cancel(const Order& order);

}  // namespace order_server
