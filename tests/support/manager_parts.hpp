// SPDX-License-Identifier: MIT
#pragma once

#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <memory>
#include <string>
#include <string_view>

/// The parts of a connection manager, each to be tested by itself: over a fake network, with seams
/// and a clock that are the test's.
namespace ordercast::test {

struct ManagerParts {
  explicit ManagerParts(const Limits& limits = {}, ConnectionBudget* budget = nullptr)
      : environment(transport, FakeServices(world, clock), limits, 1),
        connections(environment, budget) {}

  template <template <class, class> class Part>
  using Of = Part<FakeTransport, FakeServices>;
  using Slot = detail::Slot;
  using Pending = Of<detail::Debts>::Pending;
  using Frame = SizedFrame<FakeTransport::Frame>;

  /// A connection of a user who sees their own orders.
  Slot open(int handle, const std::string& user = "alice") {
    const Slot slot = connections.add(handle);
    if (!connections.admit(slot, {user, Reach::own})) return detail::no_slot;
    return slot;
  }
  /// A subscription whose questions are answered.
  detail::Watch& subscribe(Slot slot, std::string_view order_id) {
    connections.registry().subscribe(slot, order_id);
    detail::Watch& watch = *connections.registry().find_subscription(slot, order_id);
    watch.activate();
    return watch;
  }
  /// A subscription that the authorizer has not answered.
  Pending& ask(Slot slot, std::string_view order_id) {
    connections.registry().subscribe(slot, order_id);
    Pending record;
    record.order_id = std::string(order_id);
    record.asked = 1;
    return debts.add(slot, std::move(record));
  }
  static Frame frame(const std::string& text) {
    return {FakeTransport::prepare(text), text.size()};
  }
  /// Makes a connection slow: the transport takes no more of it, and `sent` was the last it took.
  void stop_reading(Slot slot, const std::string& sent = "first") {
    auto& peer = transport[connections.route(slot).handle];
    peer.reads = false;
    transport.high_water = 1;
    sender.deliver(slot, QueuedKind::control, {}, frame(sent));
  }
  /// The network takes what the transport has.
  void read(Slot slot) {
    const int handle = connections.route(slot).handle;
    transport[handle].reads = true;
    static_cast<void>(transport.take(handle));
  }
  [[nodiscard]] FakeTransport::Peer& peer(Slot slot) {
    return transport[connections.route(slot).handle];
  }

  std::shared_ptr<World> world = std::make_shared<World>();
  ManualClock clock;
  FakeTransport transport;
  Of<detail::Environment> environment;
  Of<detail::Connections> connections;
  Of<detail::Heartbeat> heartbeat{environment, connections};
  Of<detail::Debts> debts{environment, connections};
  Of<detail::Sender> sender{environment, connections, heartbeat, debts};
  Of<detail::Replies> replies{environment, connections, sender};
  Of<detail::Payments> payments{environment, connections, debts, sender};
  Of<detail::Questions> questions{environment, connections, heartbeat, debts, payments, replies};
  Of<detail::Inbox> inbox{environment, connections, heartbeat, debts, questions, replies};
  Of<detail::FanOut> fan_out{environment, connections, debts, sender, payments};
  Of<detail::Drain> drain{environment, connections};
};

}  // namespace ordercast::test
