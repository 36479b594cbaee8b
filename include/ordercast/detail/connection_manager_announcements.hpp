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
      registry_.for_each_staff_of(announcement.id, send);
      break;
    case Audience::watchers:
      registry_.for_each_subscriber(announcement.id, [&](Slot slot, Watch& watch) {
        if (!watch.deferred()) return send(slot);
        try {
          if (follow(slot, announcement)) ++reached;
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

/// Keeps a message behind the order that this subscription is owed. False when the connection may
/// not watch the order, or not yet.
template <class T, class S>
bool ConnectionManager<T, S>::follow(Slot slot, const Announcement<Frame>& announcement) {
  Pending* const pending = sessions_[slot].find_pending(announcement.id);
  if (pending == nullptr || !pending->is_authorized() || routes_[slot].doomed) return false;
  const auto& [frame, bytes] = announcement.message;
  if (!sessions_[slot].extra->pending.follow(
          *pending, {announcement.topic, frame, bytes, announcement.conflates},
          limits_.max_outbox_messages, limits_.max_outbox_bytes)) {
    doom(slot, CloseCode::too_slow);
    return false;
  }
  return true;
}

/// What waits in the outbox behind an order that has become a debt waits behind the debt.
template <class T, class S>
void ConnectionManager<T, S>::move_behind_debt(Slot slot, Pending& pending) {
  auto* const outbox = sessions_[slot].outbox();
  if (outbox == nullptr) return;
  typename Pending::Following moved;
  outbox->take_application(
      detail::announcement_prefix(true, pending.order_id),
      [&](const std::string& topic, const Frame& frame, std::size_t bytes, bool conflates) {
        moved.push_back({topic, frame, bytes, conflates});
      });
  sessions_[slot].extra->pending.follow_first(pending, std::move(moved));
}

/// Ends a record whose debt is paid, and sends what was meant to come after it.
template <class T, class S>
void ConnectionManager<T, S>::finish(Slot slot, Watch& watch, Pending& pending) {
  const auto following = sessions_[slot].extra->pending.take_following(pending);
  watch.activate();
  sessions_[slot].erase_pending(pending);
  std::size_t sent = 0;
  for (const auto& [topic, frame, bytes, conflates] : following) {
    const auto result = deliver_announcement(slot, topic, {frame, bytes}, conflates);
    if (result == Delivery::sent) ++sent;
  }
  count_delivered(MessageType::application, sent);
}

}  // namespace ordercast
