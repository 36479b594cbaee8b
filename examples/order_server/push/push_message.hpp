// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order.hpp"
#include "store/push_store.hpp"

#include <chrono>
#include <string>
#include <string_view>

/// What a push says, as FCM's HTTP v1 API takes it. Pure functions; any thread.
namespace order_server {

/// How long a device that is off may be away and still get it.
inline constexpr std::chrono::hours push_lifetime{24};

/// Statuses that a customer has to act on, or would miss badly: pushed also to an app that is open.
[[nodiscard]] constexpr bool is_critical(OrderStatus status) noexcept {
  return status == OrderStatus::out_for_delivery || status == OrderStatus::delivered ||
         status == OrderStatus::cancelled;
}

/// "Order Confirmed"; "Order Update" for a status that has no title of its own.
[[nodiscard]] std::string_view push_title(OrderStatus status) noexcept;

/// "Your order #1a2b3c4d has been updated to out for delivery."
[[nodiscard]] std::string push_body(std::string_view order_id, OrderStatus status);

/// The body of `messages:send`. A newer push of an order takes the place of an older one: on
/// Android by one of four collapse keys a device (FCM keeps no more) and by the tag of what is
/// shown, on iOS by `apns-collapse-id`, on the web by Topic and tag. `now_ms`: Unix time.
[[nodiscard]] std::string fcm_message(const PushJob& job, std::int64_t now_ms);

}  // namespace order_server
