// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/json_codec.hpp>
#include <ordercast/protocol.hpp>
#include <ordercast/types.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// One committed change, encoded and framed once for all recipients.
namespace ordercast {

/// A frame and the size of its payload; queues count the payload.
template <class Frame>
struct SizedFrame {
  Frame frame{};
  std::size_t bytes = 0;
};

/// Which of the two messages of a change are encoded and sent.
enum class ChangeMessages : std::uint8_t {
  all,      ///< `order:updated` to subscribers, `orders:changed` to the order's audience.
  updates,  ///< `order:updated` only: lists are not told that they are out of date.
  hints,    ///< `orders:changed` only, for an order that probably has no subscribers.
};

/// Immutable, so managers on several threads may read one at the same time.
template <class Frame>
struct Broadcast {
  std::string order_id;
  std::string owner_id;
  std::string organization_id;
  std::string assignee_id;
  std::string status;
  std::uint64_t version = 0;
  SizedFrame<Frame> updated;  ///< `order:updated`; 0 bytes if it is not sent.
  SizedFrame<Frame> changed;  ///< `orders:changed`; 0 bytes if it is not sent.

  /// True if the JSON has the event's version, or the event has none. Clients drop an order whose
  /// JSON has a different version or none.
  bool versions_agree = true;

  /// Returns the change without its JSON, for the registry's audience look-up.
  [[nodiscard]] OrderEvent event() const noexcept {
    return {order_id, OwnerId(owner_id),      OrganizationId(organization_id), status, version,
            {},       AssigneeId(assignee_id)};
  }
};

/// Encodes and frames one server message. `Transport::prepare` must be callable from any thread.
template <class Transport>
[[nodiscard]] SizedFrame<typename Transport::Frame> prepare_message(const ServerMessage& message) {
  std::string text = encode(message);
  const auto bytes = text.size();
  return {Transport::prepare(std::move(text)), bytes};
}

/// An application's own message: one JSON object. The application chooses its `type`, which must
/// not be one of the protocol's (protocol.hpp). Clients of ordercast ignore unknown types.
struct ApplicationMessage {
  std::string_view text;

  /// On a slow connection a newer message with the same key and recipient replaces an older one.
  /// Without a key a message is never conflated, and counts against the bounds of the outbox.
  std::string_view key = {};
};

/// Who gets an ApplicationMessage.
enum class Audience : std::uint8_t {
  user,          ///< Each connection of the user.
  watchers,      ///< Each connection with an authorized subscription to the order.
  organization,  ///< Each connection whose reach is that organization.
};

namespace detail {

/// Returns the prefix of the topics of one recipient's messages. A connection has one user and one
/// organization, so only orders are named. Their length comes first, so that no prefix is the
/// beginning of another.
[[nodiscard]] inline std::string announcement_prefix(Audience audience, std::string_view id) {
  if (audience != Audience::watchers) return {audience == Audience::user ? 'u' : 'o'};
  std::string prefix(1, 'w');
  prefix.push_back(static_cast<char>(id.size()));  // An id that is too long has no subscribers.
  prefix.append(id);
  return prefix;
}

/// Returns the order whose watchers a topic is for; empty for other topics.
[[nodiscard]] inline std::string_view watched_order(std::string_view topic) noexcept {
  if (topic.size() < 2 || topic[0] != 'w') return {};
  return topic.substr(2, static_cast<unsigned char>(topic[1]));
}

}  // namespace detail

/// An ApplicationMessage, framed once for all recipients. Immutable.
template <class Frame>
struct Announcement {
  Audience audience = Audience::user;
  std::string id;     ///< Of the user, order or organization.
  std::string topic;  ///< What conflates with it.
  bool conflates = false;
  SizedFrame<Frame> message;
};

/// Frames an application's message. Throws std::invalid_argument if its type is missing or one of
/// the protocol's. O(size of the message); thread-safe.
template <class Transport>
[[nodiscard]] Announcement<typename Transport::Frame> prepare_announcement(
    Audience audience, std::string_view id, const ApplicationMessage& message) {
  const auto type = detail::find_type(message.text);
  if (!type || detail::is_server_type(*type)) {
    throw std::invalid_argument(
        "An application's message is one JSON object with a `type` that is not the protocol's");
  }
  Announcement<typename Transport::Frame> made;
  made.audience = audience;
  made.id = std::string(id);
  made.topic = detail::announcement_prefix(audience, id);
  made.topic.append(message.key);
  made.conflates = !message.key.empty();
  made.message = {Transport::prepare(std::string(message.text)), message.text.size()};
  return made;
}

/// Encodes and frames a change: each of its two messages once, and only the requested ones. O(size
/// of the order); thread-safe.
template <class Transport>
[[nodiscard]] Broadcast<typename Transport::Frame> prepare_broadcast(
    const OrderEvent& event, ChangeMessages messages = ChangeMessages::all) {
  Broadcast<typename Transport::Frame> broadcast;
  broadcast.order_id = std::string(event.order_id);
  broadcast.owner_id = std::string(event.owner.view());
  broadcast.organization_id = std::string(event.organization.view());
  broadcast.assignee_id = std::string(event.assignee.view());
  broadcast.status = std::string(event.status);
  broadcast.version = event.version;
  if (event.version != 0) {
    const auto said = detail::find_version(event.json);
    broadcast.versions_agree = said == event.version;
    assert(!said || broadcast.versions_agree);  // The order's JSON has a different version.
  }
  if (messages != ChangeMessages::hints) {
    broadcast.updated = prepare_message<Transport>(OrderUpdated{event.order_id, event.json});
  }
  if (messages != ChangeMessages::updates) {
    broadcast.changed = prepare_message<Transport>(OrdersChanged{event.order_id, event.status});
  }
  return broadcast;
}

}  // namespace ordercast
