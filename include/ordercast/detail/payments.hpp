// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/debts.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/detail/sender.hpp>
#include <ordercast/detail/watch.hpp>
#include <ordercast/outbox.hpp>
#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <cstddef>
#include <string>

namespace ordercast::detail {

/// Sends what a subscription with a record has waited for, in the order that was promised: the
/// snapshot, what was published meanwhile, what follows from it. Then closes the record. One thread
/// at a time.
template <class Transport, class ServicesT>
class Payments {
 public:
  using Frame = typename Transport::Frame;
  using ConnectionsT = Connections<Transport, ServicesT>;
  using DebtsT = Debts<Transport, ServicesT>;
  using EnvironmentT = Environment<Transport, ServicesT>;
  using SenderT = Sender<Transport, ServicesT>;
  using Pending = typename DebtsT::Pending;
  using Stage = typename DebtsT::Stage;

  Payments(EnvironmentT& environment, ConnectionsT& connections, DebtsT& debts,
           SenderT& sender) noexcept
      : environment_(environment), connections_(connections), debts_(debts), sender_(sender) {}

  /// Decides on a change of an order whose subscription has a record: it waits there, or pays what
  /// is owed.
  void pay_with_change(Slot slot, Watch& watch, const Broadcast<Frame>& broadcast) {
    Pending* const pending = connections_.session(slot).find_pending(broadcast.order_id);
    if (pending == nullptr || pending->stage == Stage::refused) return;
    if (!pending->must || !pending->is_authorized()) {
      debts_.hold(slot, watch, *pending, broadcast);
      return;
    }
    // The change pays the debt itself if it can go out now.
    const auto version = broadcast.version;
    if (version != 0 && version <= watch.version()) return;
    if (connections_.route(slot).queueing) {
      watch.raise_version(version);
      return;
    }
    const auto result =
        sender_.deliver(slot, QueuedKind::order_updated, broadcast.order_id, broadcast.updated);
    if (result == Delivery::gone) return;
    if (result == Delivery::sent) environment_.count_delivered(MessageType::order_updated, 1);
    watch.set_version(version);
    close(slot, watch, *pending);
  }

  /// Sends an order that was read, if the subscription asked for it. False if it must be read again
  /// or the connection is gone.
  [[nodiscard]] bool pay_with_snapshot(Slot slot, Pending& pending, Watch& watch,
                                       const OrderSnapshot& snapshot) {
    if (pending.must || pending.any_version || snapshot.version > pending.since.value_or(0)) {
      const auto message =
          prepare_message<Transport>(OrderUpdated{pending.order_id, snapshot.json});
      switch (sender_.deliver(slot, QueuedKind::order_updated, pending.order_id, message)) {
        case Delivery::sent:
          environment_.count_delivered(MessageType::order_updated, 1);
          break;
        case Delivery::queued:
          break;
        case Delivery::full:  // Read again when there is room.
          debts_.make_due(slot, pending);
          return false;
        case Delivery::gone:
          connections_.close_doomed();
          return false;
      }
    }
    watch.set_version(snapshot.version);
    return true;
  }

  /// Ends a record that nothing is owed to: the subscription is open to what is published, after
  /// what came meanwhile.
  void finish(Slot slot, Pending& pending) {
    Watch& watch = *connections_.registry().find_subscription(slot, pending.order_id);
    if (pending.held && (pending.held->version == 0 || pending.held->version > watch.version())) {
      const auto& held = *pending.held;
      switch (sender_.deliver(slot, QueuedKind::order_updated, pending.order_id,
                              {held.frame, held.bytes})) {
        case Delivery::sent:
          environment_.count_delivered(MessageType::order_updated, 1);
          [[fallthrough]];
        case Delivery::queued:
          watch.set_version(held.version);
          break;
        case Delivery::full: {
          const auto version = held.version;
          auto& list = connections_.session(slot).rare->pending;
          list.drop_held(pending);
          list.set_stage(pending, Stage::owed);
          debts_.owe(slot, std::string(pending.order_id), version);
          return;
        }
        case Delivery::gone:
          connections_.close_doomed();
          return;
      }
    }
    close(slot, watch, pending);
    connections_.close_doomed();
  }

 private:
  /// Ends a record whose debt is paid, and sends what was meant to come after it.
  void close(Slot slot, Watch& watch, Pending& pending) {
    auto& session = connections_.session(slot);
    const auto following = session.rare->pending.take_following(pending);
    watch.activate();
    session.erase_pending(pending);
    std::size_t sent = 0;
    for (const auto& [topic, frame, bytes, conflates] : following) {
      const SizedFrame<Frame> message{frame, bytes};
      if (watch.deferred()) {  // One before it has made room of the order.
        debts_.follow(slot, watched_order(topic), topic, message, conflates);
        continue;
      }
      const auto result = sender_.deliver(slot, QueuedKind::application, topic, message, conflates);
      if (result == Delivery::sent) ++sent;
    }
    environment_.count_delivered(MessageType::application, sent);
  }

  EnvironmentT& environment_;
  ConnectionsT& connections_;
  DebtsT& debts_;
  SenderT& sender_;
};

}  // namespace ordercast::detail
