// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/connection_manager.hpp>

/// Bodies of ConnectionManager: delivers a change to its audience. Include connection_manager.hpp.
namespace ordercast {

template <class T, class S>
std::size_t ConnectionManager<T, S>::publish(const OrderEvent& event) {
  const bool updated = registry_.subscribers_of(event.order_id) != 0;
  const bool changed = registry_.has_list_watcher(event);
  if (!updated && !changed) return 0;
  return publish(prepare_broadcast<T>(event, updated && changed ? ChangeMessages::all
                                             : updated          ? ChangeMessages::updates
                                                                : ChangeMessages::hints));
}

template <class T, class S>
std::size_t ConnectionManager<T, S>::publish(const Broadcast<Frame>& broadcast) {
  const auto round = ++last_publish_;
  if (!broadcast.versions_agree) {
    tell([&](auto& observer) {
      observer.on_version_mismatch(broadcast.order_id, broadcast.version);
    });
  }
  std::size_t updated = 0;
  std::size_t hints_only = 0;
  std::size_t sent_updates = 0;
  std::size_t sent_hints = 0;
  const auto send_update = [&](Slot slot, Watch& watch) {
    try {
      if (watch.deferred()) {
        defer_update(slot, watch, broadcast);
        return;
      }
      // Version 0: the publisher has no versions, so every change is sent.
      if (broadcast.version != 0 && broadcast.version <= watch.version()) return;
      RouteT& route = routes_[slot];
      const auto result =
          deliver(slot, route, QueuedKind::order_updated, broadcast.order_id, broadcast.updated);
      if (result == Delivery::gone) return;
      watch.set_version(broadcast.version);
      if (result == Delivery::full) owe(slot, broadcast.order_id, broadcast.version);
      if (result == Delivery::sent) ++sent_updates;
      route.last_publish = round;
      ++updated;
    } catch (...) {
      doom(slot, CloseCode::internal_error);
    }
  };
  const auto send_hint = [&](Slot slot) {
    try {
      RouteT& route = routes_[slot];
      const auto result =
          deliver(slot, route, QueuedKind::orders_changed, broadcast.order_id, broadcast.changed);
      if (result == Delivery::gone) return;
      if (result == Delivery::sent) ++sent_hints;
      if (route.last_publish != round) ++hints_only;
    } catch (...) {
      doom(slot, CloseCode::internal_error);
    }
  };
  if (broadcast.updated.bytes != 0) {
    registry_.for_each_subscriber(
        broadcast.order_id, send_update, [this](Slot slot) { detail::prefetch(&routes_[slot]); },
        [this](Slot slot) { detail::prefetch_for_send(transport_, routes_[slot].handle); });
  }
  if (broadcast.changed.bytes != 0) registry_.for_each_list_watcher(broadcast.event(), send_hint);
  close_doomed();
  count_delivered(MessageType::order_updated, sent_updates);
  count_delivered(MessageType::orders_changed, sent_hints);
  return updated + hints_only;
}

/// Passes a frame to the transport, or to the connection's outbox while it is slow. Inline, because
/// a broadcast calls it for each recipient.
template <class T, class S>
[[gnu::always_inline]] inline auto ConnectionManager<T, S>::deliver(
    Slot slot, RouteT& route, QueuedKind kind, std::string_view order_id,
    const SizedFrame<Frame>& message, bool conflates) -> Delivery {
  if (route.closing || route.doomed) return Delivery::gone;
  if (!route.queueing) {
    const auto result = transport_.send(route.handle, message.frame);
    if (result == SendResult::accepted) {
      route.accepted_bytes += message.bytes;
      return Delivery::sent;
    }
    if (result == SendResult::closed) return Delivery::gone;
  }
  return queue(slot, kind, order_id, message, conflates);
}

/// Queues a frame in the outbox of a slow connection. If an order's change does not fit, neither it
/// nor its older version is queued: the caller owes the order. For anything else, makes room.
template <class T, class S>
[[gnu::noinline]] auto ConnectionManager<T, S>::queue(Slot slot, QueuedKind kind,
                                                      std::string_view order_id,
                                                      const SizedFrame<Frame>& message,
                                                      bool conflates) -> Delivery {
  if (!routes_[slot].queueing) start_queueing(slot);
  auto& outbox = *sessions_[slot].outbox();
  for (;;) {
    switch (outbox.push(kind, order_id, message.frame, message.bytes, conflates)) {
      case PushResult::queued:
        return Delivery::queued;
      case PushResult::conflated:
        tell([](auto& observer) { observer.on_conflated(1); });
        return Delivery::queued;
      case PushResult::full:
        break;
    }
    if (kind == QueuedKind::order_updated && can_owe) {
      if (outbox.drop_updates(order_id)) tell([](auto& observer) { observer.on_conflated(1); });
      return Delivery::full;
    }
    if (!make_room(slot, kind)) {
      doom(slot, CloseCode::too_slow);
      return Delivery::gone;
    }
    // The evicted order may be the one that this message must not overtake.
    if (kind == QueuedKind::application && is_behind_debt(slot, order_id)) {
      const auto owed = detail::watched_order(order_id);
      return follow(slot, owed, order_id, message, conflates) ? Delivery::queued : Delivery::gone;
    }
  }
}

/// Removes one message from a full outbox to make room for this kind: turns an order's change into
/// a debt, or drops the oldest hint. Keeps the last hint, except for a newer one, since any hint
/// makes a client reload its list. Returns false if nothing can be removed.
template <class T, class S>
bool ConnectionManager<T, S>::make_room(Slot slot, QueuedKind kind) {
  auto& outbox = *sessions_[slot].outbox();
  if (can_owe) {
    if (const auto order_id = outbox.take_newest_update()) {
      owe(slot, *order_id, registry_.find_subscription(slot, *order_id)->version());
      return true;
    }
    if (outbox.drop_oldest_hint(kind == QueuedKind::orders_changed ? 0 : 1)) {
      tell([](auto& observer) { observer.on_dropped(1); });
      return true;
    }
  }
  return false;
}

/// The transport accepts no more for a connection: its messages now go to an outbox.
template <class T, class S>
void ConnectionManager<T, S>::start_queueing(Slot slot) {
  watch_stall(slot, services_.clock.now(), true);
  sessions_[slot].stall->outbox.emplace(limits_.max_outbox_messages, limits_.max_outbox_bytes);
  routes_[slot].queueing = true;
  schedule(slot);
}

/// Marks a connection to be closed after the current iteration.
template <class T, class S>
void ConnectionManager<T, S>::doom(Slot slot, CloseCode code) noexcept {
  if (routes_[slot].doomed || routes_[slot].closing) return;
  routes_[slot].doomed = true;
  try {
    doomed_.emplace_back(slot, code);
  } catch (...) {
    lost_doomed_ = true;
  }
}

template <class T, class S>
void ConnectionManager<T, S>::close_doomed() noexcept {
  while (!doomed_.empty()) {
    const auto [slot, code] = doomed_.back();
    doomed_.pop_back();
    close(slot, code, code == CloseCode::too_slow ? "Too slow" : "Internal error");
  }
  if (!std::exchange(lost_doomed_, false)) return;
  for (Slot slot = 0; slot < sessions_.end_id(); ++slot) {
    if (sessions_[slot].id != 0 && routes_[slot].doomed) {
      close(slot, CloseCode::internal_error, "Internal error");
    }
  }
}

/// Answers a client. Only the newest answer on a topic is queued: one pong answers all earlier
/// pings, and a repeated error about an order says nothing new.
template <class T, class S>
void ConnectionManager<T, S>::send_control(Slot slot, const ServerMessage& message) {
  std::string topic;
  if (const auto* error = std::get_if<ErrorMessage>(&message)) {
    topic = std::string(to_string(error->code)) + ' ' + std::string(error->order_id);
  } else if (std::holds_alternative<Pong>(message)) {
    topic = "pong";
  }
  deliver(slot, routes_[slot], QueuedKind::control, topic, prepare_message<T>(message));
  close_doomed();
}

template <class T, class S>
void ConnectionManager<T, S>::on_writable(Handle handle) {
  const Slot slot = find(handle);
  if (slot == npos || routes_[slot].closing) return;
  guarded(slot, sessions_[slot].id, [&] {
    RouteT& route = routes_[slot];
    if (auto* outbox = sessions_[slot].outbox()) {
      std::size_t updates = 0;
      std::size_t hints = 0;
      std::size_t application = 0;
      while (!outbox->empty()) {
        const auto result = transport_.send(handle, outbox->front());
        if (result == SendResult::closed) return;
        if (result == SendResult::backpressure) break;
        route.accepted_bytes += outbox->front_bytes();
        if (outbox->front_kind() == QueuedKind::order_updated) ++updates;
        if (outbox->front_kind() == QueuedKind::orders_changed) ++hints;
        if (outbox->front_kind() == QueuedKind::application) ++application;
        outbox->pop();
      }
      route.queueing = !outbox->empty();
      if (!route.queueing) sessions_[slot].stall->outbox.reset();
      count_delivered(MessageType::order_updated, updates);
      count_delivered(MessageType::orders_changed, hints);
      count_delivered(MessageType::application, application);
    }
    watch_stall(slot, services_.clock.now());
    schedule(slot);
    if (route.queueing) return;
    if (drain_deadline_) {
      close_for_drain(slot);
    } else {
      pay(slot);
    }
  });
}

}  // namespace ordercast
