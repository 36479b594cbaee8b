// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/debts.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/detail/payments.hpp>
#include <ordercast/detail/prefetch.hpp>
#include <ordercast/detail/sender.hpp>
#include <ordercast/detail/watch.hpp>
#include <ordercast/error.hpp>
#include <ordercast/outbox.hpp>
#include <ordercast/services.hpp>

#include <cstddef>
#include <cstdint>

namespace ordercast::detail {

/// Sends one message to everyone in its audience: the hot path. It neither allocates nor encodes
/// for a recipient, and what fails for one recipient dooms that one alone. One thread at a time.
template <class Transport, class ServicesT>
class FanOut {
 public:
  using Frame = typename Transport::Frame;
  using ConnectionsT = Connections<Transport, ServicesT>;
  using DebtsT = Debts<Transport, ServicesT>;
  using EnvironmentT = Environment<Transport, ServicesT>;
  using PaymentsT = Payments<Transport, ServicesT>;
  using SenderT = Sender<Transport, ServicesT>;

  FanOut(EnvironmentT& environment, ConnectionsT& connections, DebtsT& debts, SenderT& sender,
         PaymentsT& payments) noexcept
      : environment_(environment),
        connections_(connections),
        debts_(debts),
        sender_(sender),
        payments_(payments) {}

  /// Sends a change: the order to its subscribers first, then the hint to its audience. Returns how
  /// many connections it reached or waits for.
  std::size_t publish(const Broadcast<Frame>& broadcast) {
    const auto round = ++last_publish_;
    if (!broadcast.versions_agree) {
      environment_.tell([&](auto& observer) {
        observer.on_version_mismatch(broadcast.order_id, broadcast.version);
      });
    }
    ConnectionsT& connections = connections_;  // In registers, not behind `this`.
    SenderT& sender = sender_;
    std::size_t updated = 0;
    std::size_t hints_only = 0;
    std::size_t sent_updates = 0;
    std::size_t sent_hints = 0;
    const auto send_update = [&](Slot slot, Watch& watch) {
      try {
        if (watch.deferred()) {
          payments_.pay_with_change(slot, watch, broadcast);
          return;
        }
        // Version 0: the publisher keeps no versions, and each change is sent.
        if (broadcast.version != 0 && broadcast.version <= watch.version()) return;
        auto& route = connections.route(slot);
        const auto result = sender.deliver(slot, route, QueuedKind::order_updated,
                                           broadcast.order_id, broadcast.updated);
        if (result == Delivery::gone) return;
        watch.set_version(broadcast.version);
        if (result == Delivery::full) debts_.owe(slot, broadcast.order_id, broadcast.version);
        if (result == Delivery::sent) ++sent_updates;
        route.last_publish = round;
        ++updated;
      } catch (...) {
        connections.doom(slot, CloseCode::internal_error);
      }
    };
    const auto send_hint = [&](Slot slot) {
      try {
        auto& route = connections.route(slot);
        const auto result = sender.deliver(slot, route, QueuedKind::orders_changed,
                                           broadcast.order_id, broadcast.changed);
        if (result == Delivery::gone) return;
        if (result == Delivery::sent) ++sent_hints;
        if (route.last_publish != round) ++hints_only;
      } catch (...) {
        connections.doom(slot, CloseCode::internal_error);
      }
    };
    auto& registry = connections.registry();
    if (broadcast.updated.bytes != 0) {
      registry.for_each_subscriber(
          broadcast.order_id, send_update, [&](Slot slot) { prefetch(&connections.route(slot)); },
          [&, &transport = environment_.transport](Slot slot) {
            prefetch_for_send(transport, connections.route(slot).handle);
          });
    }
    if (broadcast.changed.bytes != 0) registry.for_each_list_watcher(broadcast.event(), send_hint);
    connections.close_doomed();
    environment_.count_delivered(MessageType::order_updated, sent_updates);
    environment_.count_delivered(MessageType::orders_changed, sent_hints);
    return updated + hints_only;
  }

  /// Sends a message of the application's own. Returns how many connections it reached or waits
  /// for.
  std::size_t announce(const Announcement<Frame>& announcement) {
    std::size_t sent = 0;
    std::size_t reached = 0;
    const auto send = [&](Slot slot) {
      try {
        const auto result = sender_.deliver(slot, QueuedKind::application, announcement.topic,
                                            announcement.message, announcement.conflates);
        if (result == Delivery::sent) ++sent;
        if (result != Delivery::gone) ++reached;
      } catch (...) {
        connections_.doom(slot, CloseCode::internal_error);
      }
    };
    auto& registry = connections_.registry();
    switch (announcement.audience) {
      case Audience::user:
        registry.for_each_connection_of(announcement.id, send);
        break;
      case Audience::organization:
        registry.for_each_member_of(announcement.id, send);
        break;
      case Audience::watchers:
        registry.for_each_subscriber(announcement.id, [&](Slot slot, Watch& watch) {
          if (!watch.deferred()) return send(slot);
          try {
            if (debts_.follow(slot, announcement.id, announcement.topic, announcement.message,
                              announcement.conflates)) {
              ++reached;
            }
          } catch (...) {
            connections_.doom(slot, CloseCode::internal_error);
          }
        });
        break;
    }
    connections_.close_doomed();
    environment_.count_delivered(MessageType::application, sent);
    return reached;
  }

 private:
  EnvironmentT& environment_;
  ConnectionsT& connections_;
  DebtsT& debts_;
  SenderT& sender_;
  PaymentsT& payments_;
  std::uint32_t last_publish_ = 0;
};

}  // namespace ordercast::detail
