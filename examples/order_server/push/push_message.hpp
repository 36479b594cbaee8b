// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order.hpp"
#include "store/push_store.hpp"

#include <chrono>
#include <string>
#include <string_view>

/// Writes pushes for FCM's HTTP v1 API. Pure functions; any thread.
namespace order_server {

/// How long FCM keeps a push for an offline device.
inline constexpr std::chrono::hours push_lifetime{24};

/// Returns true for statuses that a customer must act on or should not miss: these are pushed even
/// if the app is open.
[[nodiscard]] constexpr bool is_critical(OrderStatus status) noexcept {
  return status == OrderStatus::out_for_delivery || status == OrderStatus::delivered ||
         status == OrderStatus::cancelled;
}

/// Returns "Order Confirmed" and the like; "Order Update" for a status without its own title.
[[nodiscard]] std::string_view push_title(OrderStatus status) noexcept;

/// "Your order #1a2b3c4d has been updated to out for delivery."
[[nodiscard]] std::string push_body(std::string_view order_id, OrderStatus status);

/// Returns the body of `messages:send`. A newer push of an order replaces an older one: on Android
/// by one of four collapse keys (FCM keeps no more for a device) and the notification's tag, on iOS
/// by `apns-collapse-id`, on the web by Topic and tag. `now_ms`: Unix time.
[[nodiscard]] std::string fcm_message(const PushJob& job, std::int64_t now_ms);

}  // namespace order_server
