// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/connection_manager.hpp>

/// Bodies of ConnectionManager: the application's own messages. Include connection_manager.hpp.
namespace ordercast {

template <class T, class S>
std::size_t ConnectionManager<T, S>::send_to_user(std::string_view user_id,
                                                  const ApplicationMessage& message) {
  if (registry_.connections_of(user_id) == 0) return 0;
  return announce(prepare_announcement<T>(Audience::user, user_id, message));
}

template <class T, class S>
std::size_t ConnectionManager<T, S>::send_to_watchers(std::string_view order_id,
                                                      const ApplicationMessage& message) {
  if (registry_.subscribers_of(order_id) == 0) return 0;
  return announce(prepare_announcement<T>(Audience::watchers, order_id, message));
}

template <class T, class S>
std::size_t ConnectionManager<T, S>::send_to_organization(std::string_view organization_id,
                                                          const ApplicationMessage& message) {
  return announce(prepare_announcement<T>(Audience::organization, organization_id, message));
}

template <class T, class S>
std::size_t ConnectionManager<T, S>::announce(const Announcement<Frame>& announcement) {
  std::size_t sent = 0;
  std::size_t reached = 0;
  const auto send = [&](Slot slot) {
    try {
      const auto result = deliver_announcement(slot, announcement.topic, announcement.message,
                                               announcement.conflates);
      if (result == Delivery::sent) ++sent;
      if (result != Delivery::gone) ++reached;
    } catch (...) {
      doom(slot, CloseCode::internal_error);
    }
  };
  switch (announcement.audience) {
    case Audience::user:
      registry_.for_each_connection_of(announcement.id, send);
      break;
    case Audience::organization:
      registry_.for_each_member_of(announcement.id, send);
      break;
    case Audience::watchers:
      registry_.for_each_subscriber(announcement.id, [&](Slot slot, Watch& watch) {
        if (!watch.deferred()) return send(slot);
        try {
          if (follow(slot, announcement.id, announcement.topic, announcement.message,
                     announcement.conflates)) {
            ++reached;
          }
        } catch (...) {
          doom(slot, CloseCode::internal_error);
        }
      });
      break;
  }
  close_doomed();
  count_delivered(MessageType::application, sent);
  return reached;
}

template <class T, class S>
auto ConnectionManager<T, S>::deliver_announcement(Slot slot, const std::string& topic,
                                                   const SizedFrame<Frame>& message, bool conflates)
    -> Delivery {
  return deliver(slot, routes_[slot], QueuedKind::application, topic, message, conflates);
}

/// Queues a message after the order that this subscription is owed. Returns false if the connection
/// may not watch the order, or not yet.
template <class T, class S>
bool ConnectionManager<T, S>::follow(Slot slot, std::string_view order_id, std::string_view topic,
                                     const SizedFrame<Frame>& message, bool conflates) {
  Pending* const pending = sessions_[slot].find_pending(order_id);
  if (pending == nullptr || !pending->is_authorized() || routes_[slot].doomed) return false;
  if (!sessions_[slot].rare->pending.follow(
          *pending, {std::string(topic), message.frame, message.bytes, conflates},
          limits_.max_outbox_messages, limits_.max_outbox_bytes)) {
    doom(slot, CloseCode::too_slow);
    return false;
  }
  return true;
}

/// Returns true if a message with this topic must wait for an owed order.
template <class T, class S>
bool ConnectionManager<T, S>::is_behind_debt(Slot slot, std::string_view topic) {
  const auto order_id = detail::watched_order(topic);
  const Watch* const watch =
      order_id.empty() ? nullptr : registry_.find_subscription(slot, order_id);
  return watch != nullptr && watch->deferred();
}

/// Moves messages that waited in the outbox for an order which is now owed: they wait for the debt.
template <class T, class S>
void ConnectionManager<T, S>::move_behind_debt(Slot slot, Pending& pending) {
  auto* const outbox = sessions_[slot].outbox();
  if (outbox == nullptr) return;
  typename Pending::Following moved;
  outbox->take_application(
      detail::announcement_prefix(Audience::watchers, pending.order_id),
      [&](const std::string& topic, const Frame& frame, std::size_t bytes, bool conflates) {
        moved.push_back({topic, frame, bytes, conflates});
      });
  if (!sessions_[slot].rare->pending.follow_first(
          pending, std::move(moved), limits_.max_outbox_messages, limits_.max_outbox_bytes)) {
    doom(slot, CloseCode::too_slow);
  }
}

/// Ends a record whose debt is paid, and sends the messages that waited for it.
template <class T, class S>
void ConnectionManager<T, S>::finish(Slot slot, Watch& watch, Pending& pending) {
  const auto following = sessions_[slot].rare->pending.take_following(pending);
  watch.activate();
  sessions_[slot].erase_pending(pending);
  std::size_t sent = 0;
  for (const auto& [topic, frame, bytes, conflates] : following) {
    if (watch.deferred()) {  // An earlier message has evicted the order.
      static_cast<void>(
          follow(slot, detail::watched_order(topic), topic, {frame, bytes}, conflates));
      continue;
    }
    const auto result = deliver_announcement(slot, topic, {frame, bytes}, conflates);
    if (result == Delivery::sent) ++sent;
  }
  count_delivered(MessageType::application, sent);
}

}  // namespace ordercast
