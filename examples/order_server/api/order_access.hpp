// SPDX-License-Identifier: MIT
#pragma once

#include "api/context.hpp"
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
#include <variant>

/// Decides who may see and change which order (CWE-639). Every handler on orders goes through here.
/// Any thread; `change_order` blocks on the database.
namespace order_server {

inline constexpr std::size_t max_note_bytes = 1000;

/// The names of all statuses, for messages.
inline constexpr std::string_view order_status_names =
    "PENDING, CONFIRMED, PREPARING, READY, OUT_FOR_DELIVERY, DELIVERED, CANCELLED";

/// The answer for an order that does not exist and for one that the caller may not see. They are
/// the same, so that ids can't be probed.
[[nodiscard]] inline Rejection no_such_order() {
  return {404, "Not Found", "Order not found"};
}

/// Applies the rule of WebSocket subscriptions to the API.
[[nodiscard]] inline bool may_see(const Caller& caller, const Order& order) {
  return ordercast::may_watch(caller.identity(), ordercast::OwnerId(order.user_id),
                              ordercast::OrganizationId(order.organization_id));
}

[[nodiscard]] inline bool owns(const Caller& caller, const Order& order) {
  return !caller.user_id.empty() && caller.user_id == order.user_id;
}

/// Marks a decision as one of the caller's.
[[nodiscard]] inline Decision made_by(const Caller& caller, Decision decision) {
  if (auto* change = std::get_if<Change>(&decision)) {
    change->actor = {caller.user_id, std::string(to_string(caller.role))};
  }
  return decision;
}

/// Limits a list to what the caller may see; nullopt if that is nothing. An empty field of
/// OrderFilter does not filter, so a caller without an id must never become a filter.
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

/// The refusal of an online payment on a server that takes none.
[[nodiscard]] inline Rejection no_online_payments() {
  return {422, "Online Payments Are Off",
          "paymentMethod ONLINE is not available: this server has no payment secret; use COD"};
}

/// Limits to the caller's own orders, whatever the caller's role; nullopt if the caller can't own
/// any.
[[nodiscard]] inline std::optional<OrderScope> own_scope_of(const Caller& caller) {
  if (caller.user_id.empty()) return std::nullopt;
  return OrderScope{caller.user_id, {}};
}

/// Changes an order as `decide(order)` says. The caller finds only orders within `scope` that
/// `may_change(caller, order)` allows; any other is answered like one that does not exist.
template <class MayChange, class Decide>
[[nodiscard]] ChangeResult change_order(const Caller& caller, ApiContext& context,
                                        std::string_view id, const std::optional<OrderScope>& scope,
                                        const MayChange& may_change, const Decide& decide) {
  if (!scope) return {{}, false, no_such_order()};
  return context.store.change_order(
      id, *scope,
      [&](const Order& order) -> Decision {
        if (!may_change(caller, order)) return no_such_order();
        return made_by(caller, decide(order));
      },
      context.now_ms());
}

/// Answers with the changed order, or says why there is no change. Calls `committed` first if there
/// is something to broadcast, which a refusal may leave, too.
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

/// Changes the caller's own order that the request's path names, and answers.
template <class Decide>
[[nodiscard]] ordercast::HttpResponse change_own_order(const ApiRequest& request,
                                                       ApiContext& context, const Decide& decide) {
  return answer_change(change_order(request.caller, context, request.parameters.at(0),
                                    own_scope_of(request.caller), owns, decide),
                       context.committed);
}

}  // namespace order_server
