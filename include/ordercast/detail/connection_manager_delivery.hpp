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
  registry_.for_each_subscriber(broadcast.order_id, [&](Slot slot, Watch& watch) {
    if (watch.pending) {
      hold(slot, broadcast);
      return;
    }
    // Version 0 means that the caller keeps none: everything is news.
    if (broadcast.version != 0 && broadcast.version <= watch.version) return;
    watch.version = broadcast.version;
    if (!deliver(slot, QueuedKind::order_updated, broadcast.order_id, broadcast.updated)) return;
    sessions_[slot].last_publish = round;
    ++updated;
  });
  registry_.for_each_list_watcher(broadcast.event(), [&](Slot slot) {
    if (!deliver(slot, QueuedKind::orders_changed, broadcast.order_id, broadcast.changed)) return;
    if (sessions_[slot].last_publish != round) ++hints_only;
    ++changed;
  });
  close_overflowing();
  if (updated != 0) services_.observer.on_delivered(MessageType::order_updated, updated);
  if (changed != 0) services_.observer.on_delivered(MessageType::orders_changed, changed);
  return updated + hints_only;
}

/// Hands a frame to the transport, or to the connection's outbox while it is slow. False when the
/// connection is on its way out.
template <class T, class S>
bool ConnectionManager<T, S>::deliver(Slot slot, QueuedKind kind, std::string_view order_id,
                                      const SizedFrame<Frame>& message) {
  SessionT& session = sessions_[slot];
  if (session.closing) return false;
  if (!session.outbox) {
    switch (transport_.send(session.handle, message.frame)) {
      case SendResult::accepted:
        session.accepted_bytes += message.bytes;
        return true;
      case SendResult::closed:
        return false;
      case SendResult::backpressure:
        break;
    }
    session.outbox =
        std::make_unique<Outbox<Frame>>(limits_.max_outbox_messages, limits_.max_outbox_bytes);
    watch_stall(slot, services_.clock.now());
    schedule(slot);
  }
  switch (session.outbox->push(kind, order_id, message.frame, message.bytes)) {
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
  deliver(slot, QueuedKind::control, {}, prepare_message<T>(message));
  close_overflowing();
}

template <class T, class S>
void ConnectionManager<T, S>::on_writable(Handle handle) {
  const Slot slot = find(handle);
  if (slot == npos || sessions_[slot].closing) return;
  SessionT& session = sessions_[slot];
  while (session.outbox && !session.outbox->empty()) {
    const auto result = transport_.send(session.handle, session.outbox->front());
    if (result == SendResult::closed) return;
    if (result == SendResult::backpressure) break;
    session.accepted_bytes += session.outbox->front_bytes();
    session.outbox->pop();
  }
  if (session.outbox && session.outbox->empty()) session.outbox.reset();
  watch_stall(slot, services_.clock.now());
  schedule(slot);
  if (drain_deadline_ && !session.outbox) close_for_drain(slot);
}

}  // namespace ordercast
