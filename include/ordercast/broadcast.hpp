// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/json_codec.hpp>
#include <ordercast/protocol.hpp>
#include <ordercast/types.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

/// One committed change, encoded and framed once for everyone who gets it.
namespace ordercast {

/// A frame and the size of its payload, which is what queues count.
template <class Frame>
struct SizedFrame {
  Frame frame{};
  std::size_t bytes = 0;
};

/// Immutable once made, so managers on several threads may read one at the same time.
template <class Frame>
struct Broadcast {
  std::string order_id;
  std::string owner_id;
  std::string organization_id;
  std::string status;
  std::uint64_t version = 0;
  SizedFrame<Frame> updated;  ///< `order:updated`; bytes 0 when nobody needs it.
  SizedFrame<Frame> changed;  ///< `orders:changed`; bytes 0 when nobody needs it.

  /// Whether the JSON carries the event's version, or the event has none. Clients drop an order
  /// whose JSON has another version or none.
  bool versions_agree = true;

  /// The change without its JSON, as the registry's audience look-up takes it.
  [[nodiscard]] OrderEvent event() const noexcept {
    return {order_id, owner_id, organization_id, status, version, {}};
  }
};

/// Encodes and frames one server message. `Transport::prepare` must be callable from any thread.
template <class Transport>
[[nodiscard]] SizedFrame<typename Transport::Frame> prepare_message(const ServerMessage& message) {
  std::string text = encode(message);
  const auto bytes = text.size();
  return {Transport::prepare(std::move(text)), bytes};
}

/// Encodes and frames a change: each of its two messages once, and only if it is asked for.
/// O(size of the order); thread-safe.
template <class Transport>
[[nodiscard]] Broadcast<typename Transport::Frame> prepare_broadcast(const OrderEvent& event,
                                                                     bool updated = true,
                                                                     bool changed = true) {
  Broadcast<typename Transport::Frame> broadcast{std::string(event.order_id),
                                                 std::string(event.owner_id),
                                                 std::string(event.organization_id),
                                                 std::string(event.status),
                                                 event.version,
                                                 {},
                                                 {}};
  if (event.version != 0) {
    const auto said = detail::find_version(event.json);
    broadcast.versions_agree = said == event.version;
    assert(!said || broadcast.versions_agree);  // The order's JSON says another version.
  }
  if (updated) {
    broadcast.updated = prepare_message<Transport>(OrderUpdated{event.order_id, event.json});
  }
  if (changed) {
    broadcast.changed = prepare_message<Transport>(OrdersChanged{event.order_id, event.status});
  }
  return broadcast;
}

}  // namespace ordercast
