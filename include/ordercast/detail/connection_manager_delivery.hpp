// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/connection_manager.hpp>

/// Bodies of ConnectionManager: the way of a change to its audience. Include
/// connection_manager.hpp.
namespace ordercast {

template <class T, class S>
std::size_t ConnectionManager<T, S>::publish(const OrderEvent& event) {
  const bool updated = registry_.subscribers_of(event.order_id) != 0;
  const bool changed = registry_.has_list_watcher(event);
  if (!updated && !changed) return 0;
  return publish(prepare_broadcast<T>(event, updated, changed));
}

template <class T, class S>
std::size_t ConnectionManager<T, S>::publish(const Broadcast<Frame>& broadcast) {
  const auto round = ++last_publish_;
  std::size_t updated = 0;
  std::size_t changed = 0;
  std::size_t hints_only = 0;
  const auto send_update = [&](Slot slot, Watch& watch) {
    if (watch.pending()) {
      hold(slot, broadcast);
      return;
    }
    // Version 0 means that the caller keeps none: everything is news.
    if (broadcast.version != 0 && broadcast.version <= watch.version()) return;
    watch.set_version(broadcast.version);
    RouteT& route = routes_[slot];
    if (!deliver(slot, route, QueuedKind::order_updated, broadcast.order_id, broadcast.updated)) {
      return;
    }
    route.last_publish = round;
    ++updated;
  };
  registry_.for_each_subscriber(
      broadcast.order_id, send_update, [this](Slot slot) { detail::prefetch(&routes_[slot]); },
      [this](Slot slot) { detail::prefetch_for_send(transport_, routes_[slot].handle); });
  registry_.for_each_list_watcher(broadcast.event(), [&](Slot slot) {
    RouteT& route = routes_[slot];
    if (!deliver(slot, route, QueuedKind::orders_changed, broadcast.order_id, broadcast.changed)) {
      return;
    }
    if (route.last_publish != round) ++hints_only;
    ++changed;
  });
  close_overflowing();
  if (updated != 0) services_.observer.on_delivered(MessageType::order_updated, updated);
  if (changed != 0) services_.observer.on_delivered(MessageType::orders_changed, changed);
  return updated + hints_only;
}

/// Hands a frame to the transport, or to the connection's outbox while it is slow. False when the
/// connection is on its way out. Inline, because a broadcast does it for each recipient.
template <class T, class S>
[[gnu::always_inline]] inline bool ConnectionManager<T, S>::deliver(
    Slot slot, RouteT& route, QueuedKind kind, std::string_view order_id,
    const SizedFrame<Frame>& message) {
  if (route.closing) return false;
  if (!route.queueing) {
    const auto result = transport_.send(route.handle, message.frame);
    if (result == SendResult::accepted) {
      route.accepted_bytes += message.bytes;
      return true;
    }
    if (result == SendResult::closed) return false;
  }
  return queue(slot, kind, order_id, message);
}

/// Queues a frame in the outbox of a slow connection.
template <class T, class S>
[[gnu::noinline]] bool ConnectionManager<T, S>::queue(Slot slot, QueuedKind kind,
                                                      std::string_view order_id,
                                                      const SizedFrame<Frame>& message) {
  if (!routes_[slot].queueing) start_queueing(slot);
  switch (sessions_[slot].outbox()->push(kind, order_id, message.frame, message.bytes)) {
    case PushResult::queued:
      return true;
    case PushResult::conflated:
      services_.observer.on_conflated(1);
      return true;
    case PushResult::full:
      break;
  }
  overflowing_.push_back(slot);
  return false;
}

/// The transport takes no more of a connection: from here on its messages wait in an outbox.
template <class T, class S>
void ConnectionManager<T, S>::start_queueing(Slot slot) {
  watch_stall(slot, services_.clock.now(), true);
  sessions_[slot].stall->outbox.emplace(limits_.max_outbox_messages, limits_.max_outbox_bytes);
  routes_[slot].queueing = true;
  schedule(slot);
}

template <class T, class S>
void ConnectionManager<T, S>::close_overflowing() {
  for (const Slot slot : overflowing_) close(slot, CloseCode::too_slow, "Too slow");
  overflowing_.clear();
}

/// Keeps the newest change of an order whose subscription is not authorized yet.
template <class T, class S>
void ConnectionManager<T, S>::hold(Slot slot, const Broadcast<Frame>& broadcast) {
  Pending* pending = sessions_[slot].find_pending(broadcast.order_id);
  if (pending == nullptr) return;
  pending->held = {broadcast.updated.frame, broadcast.updated.bytes, broadcast.version};
}

template <class T, class S>
void ConnectionManager<T, S>::send_control(Slot slot, const ServerMessage& message) {
  deliver(slot, routes_[slot], QueuedKind::control, {}, prepare_message<T>(message));
  close_overflowing();
}

template <class T, class S>
void ConnectionManager<T, S>::on_writable(Handle handle) {
  const Slot slot = find(handle);
  if (slot == npos || routes_[slot].closing) return;
  RouteT& route = routes_[slot];
  if (auto* outbox = sessions_[slot].outbox()) {
    while (!outbox->empty()) {
      const auto result = transport_.send(handle, outbox->front());
      if (result == SendResult::closed) return;
      if (result == SendResult::backpressure) break;
      route.accepted_bytes += outbox->front_bytes();
      outbox->pop();
    }
    route.queueing = !outbox->empty();
    if (!route.queueing) sessions_[slot].stall->outbox.reset();
  }
  watch_stall(slot, services_.clock.now());
  schedule(slot);
  if (drain_deadline_ && !route.queueing) close_for_drain(slot);
}

}  // namespace ordercast
