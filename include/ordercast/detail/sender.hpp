// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/debts.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/detail/heartbeat.hpp>
#include <ordercast/error.hpp>
#include <ordercast/outbox.hpp>
#include <ordercast/services.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ordercast::detail {

/// What became of a message for one connection.
enum class Delivery : std::uint8_t {
  sent,    ///< The transport has it.
  queued,  ///< It waits in the outbox.
  full,    ///< Not taken: it does not fit. Only an `order:updated` gets this, and only if it can be
           ///< owed.
  gone,    ///< The connection is on its way out.
};

/// Hands frames to the transport, or to a connection's outbox while the transport takes no more:
/// here a slow connection is noticed. A connection has an outbox exactly while its route is
/// `queueing`. One thread at a time.
template <class Transport, class ServicesT>
class Sender {
 public:
  using Frame = typename Transport::Frame;
  using ConnectionsT = Connections<Transport, ServicesT>;
  using DebtsT = Debts<Transport, ServicesT>;
  using EnvironmentT = Environment<Transport, ServicesT>;
  using HeartbeatT = Heartbeat<Transport, ServicesT>;
  using RouteT = typename ConnectionsT::RouteT;

  Sender(EnvironmentT& environment, ConnectionsT& connections, HeartbeatT& heartbeat,
         DebtsT& debts) noexcept
      : environment_(environment),
        connections_(connections),
        heartbeat_(heartbeat),
        debts_(debts) {}

  /// Sends or queues a frame. `route` is the slot's. Inline, because a broadcast does it for each
  /// recipient.
  [[gnu::always_inline]] Delivery deliver(Slot slot, RouteT& route, QueuedKind kind,
                                          std::string_view order_id,
                                          const SizedFrame<Frame>& message, bool conflates = true) {
    if (route.closing || route.doomed) return Delivery::gone;
    if (!route.queueing) {
      const auto result = environment_.transport.send(route.handle, message.frame);
      if (result == SendResult::accepted) {
        route.accepted_bytes += message.bytes;
        return Delivery::sent;
      }
      if (result == SendResult::closed) return Delivery::gone;
    }
    return queue(slot, kind, order_id, message, conflates);
  }
  Delivery deliver(Slot slot, QueuedKind kind, std::string_view order_id,
                   const SizedFrame<Frame>& message, bool conflates = true) {
    return deliver(slot, connections_.route(slot), kind, order_id, message, conflates);
  }

  /// Sends what waits in the outbox, as far as the transport takes it. True when nothing waits
  /// any more; false while it does, or when the connection is gone.
  [[nodiscard]] bool flush(Slot slot) {
    auto& session = connections_.session(slot);
    RouteT& route = connections_.route(slot);
    if (auto* const outbox = session.outbox()) {
      std::size_t updates = 0;
      std::size_t hints = 0;
      std::size_t application = 0;
      while (!outbox->empty()) {
        const auto result = environment_.transport.send(route.handle, outbox->front());
        if (result == SendResult::closed) return false;
        if (result == SendResult::backpressure) break;
        route.accepted_bytes += outbox->front_bytes();
        if (outbox->front_kind() == QueuedKind::order_updated) ++updates;
        if (outbox->front_kind() == QueuedKind::orders_changed) ++hints;
        if (outbox->front_kind() == QueuedKind::application) ++application;
        outbox->pop();
      }
      route.queueing = !outbox->empty();
      if (!route.queueing) session.stall->outbox.reset();
      environment_.count_delivered(MessageType::order_updated, updates);
      environment_.count_delivered(MessageType::orders_changed, hints);
      environment_.count_delivered(MessageType::application, application);
    }
    heartbeat_.watch_stall(slot, environment_.now());
    heartbeat_.schedule(slot);
    return !route.queueing;
  }

 private:
  /// Queues a frame in the outbox of a slow connection. An order's change that does not fit is not
  /// queued, nor is the older one that waits: the caller owes it. Everything else makes room.
  [[gnu::noinline]] Delivery queue(Slot slot, QueuedKind kind, std::string_view order_id,
                                   const SizedFrame<Frame>& message, bool conflates) {
    if (!connections_.route(slot).queueing) start_queueing(slot);
    auto& outbox = *connections_.session(slot).outbox();
    for (;;) {
      switch (outbox.push(kind, order_id, message.frame, message.bytes, conflates)) {
        case PushResult::queued:
          return Delivery::queued;
        case PushResult::conflated:
          environment_.tell([](auto& observer) { observer.on_conflated(1); });
          return Delivery::queued;
        case PushResult::full:
          break;
      }
      if (kind == QueuedKind::order_updated && DebtsT::can_owe) {
        if (outbox.drop_updates(order_id)) {
          environment_.tell([](auto& observer) { observer.on_conflated(1); });
        }
        return Delivery::full;
      }
      if (!make_room(slot, kind)) {
        connections_.doom(slot, CloseCode::too_slow);
        return Delivery::gone;
      }
      // What made room may be the order that this message must not overtake.
      if (kind == QueuedKind::application && debts_.is_behind(slot, order_id)) {
        return debts_.follow(slot, watched_order(order_id), order_id, message, conflates)
                   ? Delivery::queued
                   : Delivery::gone;
      }
    }
  }

  /// Takes one message out of a full outbox for one of this kind: an order's change becomes a debt,
  /// or the oldest hint goes. A client reads its list again at any hint, so the last one stays,
  /// except for a newer one. False when nothing can go.
  [[nodiscard]] bool make_room(Slot slot, QueuedKind kind) {
    auto& outbox = *connections_.session(slot).outbox();
    if (!DebtsT::can_owe) return false;
    if (const auto order_id = outbox.take_newest_update()) {
      debts_.owe(slot, *order_id,
                 connections_.registry().find_subscription(slot, *order_id)->version());
      return true;
    }
    if (!outbox.drop_oldest_hint(kind == QueuedKind::orders_changed ? 0 : 1)) return false;
    environment_.tell([](auto& observer) { observer.on_dropped(1); });
    return true;
  }

  /// The transport takes no more of a connection: from here on its messages wait in an outbox.
  void start_queueing(Slot slot) {
    const auto& limits = environment_.limits;
    heartbeat_.watch_stall(slot, environment_.now(), true);
    connections_.session(slot).stall->outbox.emplace(limits.max_outbox_messages,
                                                     limits.max_outbox_bytes);
    connections_.route(slot).queueing = true;
    heartbeat_.schedule(slot);
  }

  EnvironmentT& environment_;
  ConnectionsT& connections_;
  HeartbeatT& heartbeat_;
  DebtsT& debts_;
};

}  // namespace ordercast::detail
