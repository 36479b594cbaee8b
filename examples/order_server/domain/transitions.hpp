// SPDX-License-Identifier: MIT
#pragma once

#include "domain/decision.hpp"
#include "domain/order.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// The life of an order, as pure functions of the order and the wish: no clock, no database, any
/// thread, constant time.
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

/// The staff's wish to move the order to `to`. Refused with 400 `Invalid Transition`; else a change
/// whose log carries `note`. Cash is taken at the door: DELIVERED makes a cash order PAID.
[[nodiscard]] Decision decide_status(const Order& order, OrderStatus to, std::string note = {});

/// The staff's wish to set the payment status by hand: cash taken or given back, a transfer that
/// came. Refused with 400 `Invalid Payment Status` where it makes no sense: money that came goes
/// back as REFUNDED alone, REFUNDED is final, and a cancelled order is not paid any more. The log
/// carries `note`; without one the change writes no log.
[[nodiscard]] Decision decide_payment_status(const Order& order, PaymentStatus to,
                                             std::string note = {});

/// Why a change that was meant for `expected` is refused with 409: somebody else's came first.
/// Nothing if the order still has that version, or none is expected.
[[nodiscard]] std::optional<Rejection> refuse_other_version(const Order& order,
                                                            std::optional<std::int64_t> expected);

/// The owner's wish to cancel. Refused with 400 `Cannot Cancel` unless PENDING or CONFIRMED.
[[nodiscard]] Decision decide_cancel(const Order& order);

}  // namespace order_server
