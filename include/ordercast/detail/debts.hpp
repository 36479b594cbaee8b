// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/detail/watch.hpp>
#include <ordercast/error.hpp>
#include <ordercast/services.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ordercast::detail {

/// The book of what subscriptions are owed: a record for each that waits for an answer or for room,
/// and behind it what must not go before its order. While a subscription has a record, its watch is
/// deferred: what is published is decided here, not sent. Nothing is sent from here; payments.hpp
/// does. One thread at a time.
template <class Transport, class ServicesT>
class Debts {
 public:
  using Frame = typename Transport::Frame;
  using ConnectionsT = Connections<Transport, ServicesT>;
  using EnvironmentT = Environment<Transport, ServicesT>;
  using Pending = PendingSubscription<Frame>;
  using Stage = typename Pending::Stage;

  /// Whether what does not fit a connection's outbox can be read again later.
  static constexpr bool can_owe =
      !std::is_same_v<std::decay_t<decltype(std::declval<ServicesT&>().orders)>, NoSnapshots>;

  Debts(EnvironmentT& environment, ConnectionsT& connections) noexcept
      : environment_(environment), connections_(connections) {}

  /// Opens a record, the newest of all. The order has none on this connection. Strong guarantee.
  Pending& add(Slot slot, Pending record) {
    record.request = ++last_request_;
    return connections_.session(slot).need_rare().pending.add(std::move(record));
  }

  /// Owes a subscription its order, in this version or a newer one. The version stands in its
  /// watch.
  void owe(Slot slot, std::string_view order_id, std::uint64_t version) {
    Watch& watch = *connections_.registry().find_subscription(slot, order_id);
    if (Pending* const pending = connections_.session(slot).find_pending(order_id)) {
      // What is being read may be older already: it is read again.
      if (pending->is_authorized()) make_due(slot, *pending);
      pending->must = true;
      move_behind(slot, *pending);
    } else {
      Pending debt;
      debt.order_id = std::string(order_id);
      debt.stage = Stage::owed;
      debt.must = true;
      debt.due = TimePoint{};
      move_behind(slot, add(slot, std::move(debt)));
    }
    watch.raise_version(version);
    watch.defer();
  }

  /// Has the order of an authorized record read as soon as there is room.
  void make_due(Slot slot, Pending& pending) {
    connections_.session(slot).rare->pending.set_stage(pending, Stage::owed);
    pending.due = TimePoint{};
  }

  /// Keeps a change of an order whose answer is not known yet; it becomes a debt where the room for
  /// such changes is used up.
  void hold(Slot slot, Watch& watch, Pending& pending, const Broadcast<Frame>& broadcast) {
    const auto version = broadcast.version;
    // Version 0: the publisher keeps no versions, and each change is sent.
    if (pending.held && version != 0 && version <= pending.held->version) return;
    const auto most = can_owe ? environment_.limits.max_outbox_bytes : 0;
    if (connections_.session(slot).rare->pending.hold(pending, broadcast.updated.frame,
                                                      broadcast.updated.bytes, version, most)) {
      return;
    }
    pending.must = true;
    watch.raise_version(version);
  }

  /// Keeps a message behind the order that a subscription is owed. False if the connection may not
  /// watch the order, or not yet, or is too slow for one more.
  bool follow(Slot slot, std::string_view order_id, std::string_view topic,
              const SizedFrame<Frame>& message, bool conflates) {
    auto& session = connections_.session(slot);
    Pending* const pending = session.find_pending(order_id);
    if (pending == nullptr || !pending->is_authorized() || connections_.route(slot).doomed) {
      return false;
    }
    const auto& limits = environment_.limits;
    if (session.rare->pending.follow(*pending,
                                     {std::string(topic), message.frame, message.bytes, conflates},
                                     limits.max_outbox_messages, limits.max_outbox_bytes)) {
      return true;
    }
    connections_.doom(slot, CloseCode::too_slow);
    return false;
  }

  /// Whether a message with this topic must wait behind an order that is owed.
  [[nodiscard]] bool is_behind(Slot slot, std::string_view topic) noexcept {
    const auto order_id = watched_order(topic);
    const Watch* const watch =
        order_id.empty() ? nullptr : connections_.registry().find_subscription(slot, order_id);
    return watch != nullptr && watch->deferred();
  }

 private:
  /// Moves what waits in the outbox behind an order that has become a debt behind the debt.
  void move_behind(Slot slot, Pending& pending) {
    auto& session = connections_.session(slot);
    auto* const outbox = session.outbox();
    if (outbox == nullptr) return;
    typename Pending::Following moved;
    outbox->take_application(
        announcement_prefix(Audience::watchers, pending.order_id),
        [&](const std::string& topic, const Frame& frame, std::size_t bytes, bool conflates) {
          moved.push_back({topic, frame, bytes, conflates});
        });
    const auto& limits = environment_.limits;
    if (!session.rare->pending.follow_first(pending, std::move(moved), limits.max_outbox_messages,
                                            limits.max_outbox_bytes)) {
      connections_.doom(slot, CloseCode::too_slow);
    }
  }

  EnvironmentT& environment_;
  ConnectionsT& connections_;
  std::uint64_t last_request_ = 0;
};

}  // namespace ordercast::detail
