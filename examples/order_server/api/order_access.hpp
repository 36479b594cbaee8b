// SPDX-License-Identifier: MIT
#pragma once

#include "api/envelope.hpp"
#include "auth/caller.hpp"
#include "domain/decision.hpp"
#include "domain/order.hpp"
#include "domain/order_json.hpp"
#include "store/store.hpp"
#include <ordercast/types.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Who may see and touch which order (CWE-639). Every handler on orders goes through here. Pure but
/// for `answer_change`'s callback; any thread.
namespace order_server {

inline constexpr std::size_t max_note_bytes = 1000;

/// What a status may be, for messages.
inline constexpr std::string_view order_status_names =
    "PENDING, CONFIRMED, PREPARING, READY, OUT_FOR_DELIVERY, DELIVERED, CANCELLED";

/// The one answer for an order that does not exist and for one that the caller may not see: were
/// they different, ids could be probed.
[[nodiscard]] inline Rejection no_such_order() {
  return {404, "Not Found", "Order not found"};
}

/// The rule for WebSocket subscriptions holds for the API too.
[[nodiscard]] inline bool may_see(const Caller& caller, const Order& order) {
  return ordercast::may_watch(caller.identity(), ordercast::OwnerId(order.user_id),
                              ordercast::OrganizationId(order.organization_id));
}

[[nodiscard]] inline bool owns(const Caller& caller, const Order& order) {
  return !caller.user_id.empty() && caller.user_id == order.user_id;
}

/// Limits a list to what the caller may see. Nothing when that is no order at all: an empty field
/// of OrderFilter would not filter, so an identity that lacks its id must never become a filter.
[[nodiscard]] inline std::optional<OrderFilter> scope_of(const Caller& caller) {
  OrderFilter filter;
  if (caller.role == Role::super_admin) return filter;
  if (has_organization(caller.role)) {
    if (caller.organization_id.empty()) return std::nullopt;
    filter.organization_id = caller.organization_id;
    return filter;
  }
  if (caller.user_id.empty()) return std::nullopt;
  filter.user_id = caller.user_id;
  return filter;
}

/// Why nothing can be paid online here.
[[nodiscard]] inline Rejection no_online_payments() {
  return {422, "Online Payments Are Off",
          "paymentMethod ONLINE is not available, as this server has no payment secret; allowed "
          "is COD"};
}

/// The caller's own orders alone, whatever their role; nothing if they can have none.
[[nodiscard]] inline std::optional<OrderScope> own_scope_of(const Caller& caller) {
  if (caller.user_id.empty()) return std::nullopt;
  return OrderScope{caller.user_id, {}};
}

/// What the caller is told about a change: the order, or why not. Calls `committed` first when
/// there is something to broadcast, which a refusal does not rule out.
template <class Committed>
[[nodiscard]] ordercast::HttpResponse answer_change(const ChangeResult& result,
                                                    Committed&& committed) {
  if (result.changed) std::forward<Committed>(committed)();
  if (result.rejection && result.rejection->shows_order && result.order) {
    return problem(*result.rejection, order_to_json(*result.order));
  }
  if (result.rejection) return problem(*result.rejection);
  if (!result.order) return problem(no_such_order());
  return success(order_to_json(*result.order));
}

}  // namespace order_server
