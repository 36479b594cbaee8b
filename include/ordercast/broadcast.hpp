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

/// One committed change, encoded and framed once for everyone who gets it.
namespace ordercast {

/// A frame and the size of its payload, which is what queues count.
template <class Frame>
struct SizedFrame {
  Frame frame{};
  std::size_t bytes = 0;
};

/// Which of the two messages of a change are encoded and sent.
enum class ChangeMessages : std::uint8_t {
  all,      ///< `order:updated` to those who subscribed, `orders:changed` to the order's audience.
  updates,  ///< `order:updated` alone: no list is told that it is out of date.
  hints,    ///< `orders:changed` alone: nobody is subscribed, most likely.
};

/// Immutable once made, so managers on several threads may read one at the same time.
template <class Frame>
struct Broadcast {
  std::string order_id;
  std::string owner_id;
  std::string organization_id;
  std::string assignee_id;
  std::string status;
  std::uint64_t version = 0;
  SizedFrame<Frame> updated;  ///< `order:updated`; bytes 0 when it is not sent.
  SizedFrame<Frame> changed;  ///< `orders:changed`; bytes 0 when it is not sent.

  /// Whether the JSON carries the event's version, or the event has none. Clients drop an order
  /// whose JSON has another version or none.
  bool versions_agree = true;

  /// The change without its JSON, as the registry's audience look-up takes it.
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

/// A message of the application's own, one JSON object. Its `type` is the application's to choose,
/// but none of the protocol's (protocol.hpp). Clients of ordercast ignore types they don't know.
struct ApplicationMessage {
  std::string_view text;

  /// On a slow connection a newer message with the same key and addressee replaces an older one.
  /// Without a key it is never conflated, and counts against the bounds of the outbox.
  std::string_view key = {};
};

/// Whom an ApplicationMessage is for.
enum class Audience : std::uint8_t {
  user,          ///< Each connection of the user.
  watchers,      ///< Each connection that is subscribed to the order and may watch it.
  organization,  ///< Each connection whose reach is that organization.
};

namespace detail {

/// How the topics of an addressee's messages begin. A connection has one user and one organization,
/// so only orders are named: by their length first, so that none is the beginning of another.
[[nodiscard]] inline std::string announcement_prefix(Audience audience, std::string_view id) {
  if (audience != Audience::watchers) return {audience == Audience::user ? 'u' : 'o'};
  std::string prefix(1, 'w');
  prefix.push_back(static_cast<char>(id.size()));  // A longer id than fits has no subscribers.
  prefix.append(id);
  return prefix;
}

/// The order whose watchers a topic is for; empty for other topics.
[[nodiscard]] inline std::string_view watched_order(std::string_view topic) noexcept {
  if (topic.size() < 2 || topic[0] != 'w') return {};
  return topic.substr(2, static_cast<unsigned char>(topic[1]));
}

}  // namespace detail

/// An ApplicationMessage, framed once for everyone who gets it. Immutable once made.
template <class Frame>
struct Announcement {
  Audience audience = Audience::user;
  std::string id;     ///< Of the user, order or organization.
  std::string topic;  ///< What conflates with it.
  bool conflates = false;
  SizedFrame<Frame> message;
};

/// Frames a message of the application's own. Throws std::invalid_argument if its type is missing
/// or one of the protocol's. O(size of the message); thread-safe.
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

/// Encodes and frames a change: each of its two messages once, and only if it is asked for.
/// O(size of the order); thread-safe.
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
    assert(!said || broadcast.versions_agree);  // The order's JSON says another version.
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
