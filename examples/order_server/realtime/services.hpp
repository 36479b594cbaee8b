// SPDX-License-Identifier: MIT
#pragma once

#include "auth/tokens.hpp"
#include "metrics.hpp"
#include "realtime/order_lookup.hpp"
#include <ordercast/clock.hpp>
#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// The services that a connection manager needs from this server. One set for each shard, used on
/// its thread only; what they share is thread-safe.
namespace order_server {

/// Runs a task on a shard's I/O thread.
using Post = std::function<void(std::function<void()>)>;

/// Decides whether an identity may watch an order: reads the order on a worker, asks `may_watch`,
/// and answers on the shard's thread. A failing store does not count as a refusal.
class StoreAuthorizer {
 public:
  StoreAuthorizer(OrderLookup& lookup, Post post) : lookup_(&lookup), post_(std::move(post)) {}

  template <class Done>
  void authorize(const ordercast::IdentityView& who, std::string_view order_id, Done done) const {
    ordercast::Identity identity{std::string(who.user_id), who.reach,
                                 std::string(who.organization_id)};
    lookup_->find_version(
        who.user_id, std::string(order_id),
        [post = post_, identity = std::move(identity),
         done = std::move(done)](const ReadResult<OrderVersion>& found) {
          const auto answer = access(identity, found);
          if (answer == ordercast::Access::granted) {
            post([done, at = ordercast::GrantedAt{found.value->version}]() mutable { done(at); });
          } else {
            post([done, answer]() mutable { done(answer); });
          }
        });
  }

 private:
  [[nodiscard]] static ordercast::Access access(const ordercast::Identity& who,
                                                const ReadResult<OrderVersion>& found) {
    if (!found.is_available) return ordercast::Access::unavailable;
    const OrderVersion* order = found.value;
    const bool allowed =
        order != nullptr && ordercast::may_watch(who, ordercast::OwnerId(order->user_id),
                                                 ordercast::OrganizationId(order->organization_id));
    return allowed ? ordercast::Access::granted : ordercast::Access::denied;
  }

  OrderLookup* lookup_;
  Post post_;
};

/// Reads the current order, for `since`. A failing store does not count as a missing order.
class StoreOrders {
 public:
  StoreOrders(OrderLookup& lookup, Post post) : lookup_(&lookup), post_(std::move(post)) {}

  template <class Done>
  void fetch(std::string_view order_id, Done done) const {
    lookup_->find(std::string(order_id), [post = post_, done = std::move(done)](
                                             const ReadResult<FoundOrder>& found) {
      if (!found.is_available) {
        post([done]() mutable { done(ordercast::Unavailable{}); });
        return;
      }
      std::optional<ordercast::OrderSnapshot> snapshot;
      if (found.value != nullptr) {
        snapshot = {found.value->order().version, found.value->json()};
      }
      post([done, snapshot = std::move(snapshot)]() mutable { done(std::move(snapshot)); });
    });
  }

 private:
  OrderLookup* lookup_;
  Post post_;
};

/// The `Services` of every connection manager of the server.
struct RealtimeServices {
  Tokens authenticator;
  StoreAuthorizer authorizer;
  StoreOrders orders;
  MetricsObserver observer;
  ordercast::SteadyClock clock{};
};

}  // namespace order_server
