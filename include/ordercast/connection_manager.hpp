// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/connection_budget.hpp>
#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/debts.hpp>
#include <ordercast/detail/drain.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/detail/fan_out.hpp>
#include <ordercast/detail/heartbeat.hpp>
#include <ordercast/detail/inbox.hpp>
#include <ordercast/detail/payments.hpp>
#include <ordercast/detail/questions.hpp>
#include <ordercast/detail/replies.hpp>
#include <ordercast/detail/sender.hpp>
#include <ordercast/detail/watch.hpp>
#include <ordercast/limits.hpp>
#include <ordercast/protocol.hpp>
#include <ordercast/requirements.hpp>
#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/// Turns a transport's events into messages for connections. The core of ordercast.
///
/// A manager, its registry and its connections live on one thread. It does no I/O, starts no thread
/// and takes no lock while publishing. It calls the transport; the transport never calls back from
/// inside such a call. A service may answer from inside its call. If it throws, that counts as
/// "unavailable". A failure for one connection ends only that connection. sharded.hpp combines
/// several managers, one for each I/O thread.
///
/// This class puts its parts together; each has a header of its own in detail/: who is connected
/// (connections), who is gone (heartbeat), how a frame goes out (sender), what is owed (debts) and
/// sent when it is due (payments), the seams that answer (questions), what clients say (inbox) and
/// are told (replies), what is sent to many (fan_out), and the end (drain).
///
///     ConnectionManager<MyTransport, MyServices> manager(transport, services);
///     manager.publish({"order-1", OwnerId("alice"), OrganizationId("org-1"), "CONFIRMED", 2,
///     json});
namespace ordercast {

/// `Transport`: see docs/transports.md. `ServicesT`: see services.hpp.
template <class Transport, class ServicesT = DefaultServices>
class ConnectionManager {
  static_assert(detail::check_transport<Transport>());
  static_assert(detail::check_services<ServicesT>());

  using Slot = detail::Slot;

 public:
  using TransportType = Transport;
  using Handle = typename Transport::Handle;
  using Frame = typename Transport::Frame;

  /// `budget`, if given, bounds a user's connections across the managers that share it; it must
  /// outlive the manager. `seed` randomizes pings and retry times after a drain; pass one for
  /// reproducible runs. Throws std::invalid_argument for invalid limits.
  explicit ConnectionManager(Transport& transport, ServicesT services = {}, Limits limits = {},
                             ConnectionBudget* budget = nullptr,
                             std::uint32_t seed = std::random_device{}())
      : environment_(transport, std::move(services), limits, seed),
        connections_(environment_, budget) {}

  ConnectionManager(const ConnectionManager&) = delete;
  ConnectionManager& operator=(const ConnectionManager&) = delete;
  ConnectionManager(ConnectionManager&&) = delete;
  ConnectionManager& operator=(ConnectionManager&&) = delete;
  ~ConnectionManager() = default;

  // Events, as the transport reports them ------------------------------------------------------

  /// A WebSocket is open. `token` is the credential of its handshake, empty for none; a bad one is
  /// answered with close 4001. `hello`: the client has selected `ordercast.v2` and is told the
  /// epoch first, if one was set.
  void on_open(Handle handle, std::string_view token, bool hello = false) {
    if (connections_.find(handle) != detail::no_slot) return;  // A transport reports an open once.
    const Slot slot = connections_.add(handle);
    if (drain_.has_begun()) {
      drain_.close(slot);
      return;
    }
    if (!authenticate(slot, token)) return;
    environment_.tell([](auto& observer) { observer.on_connected(); });
    connections_.guarded(slot, [&] {
      heartbeat_.start(slot);
      if (hello) inbox_.greet(slot);
    });
  }
  /// One whole text message, valid UTF-8.
  void on_message(Handle handle, std::string_view text) {
    const Slot slot = connections_.find_open(handle);
    if (slot == detail::no_slot) return;
    connections_.guarded(slot, [&] { inbox_.on_message(slot, text); });
  }
  void on_pong(Handle handle) noexcept {
    const Slot slot = connections_.find_open(handle);
    if (slot != detail::no_slot) heartbeat_.on_pong(slot);
  }
  /// A frame came in that is no message (a ping or pong, solicited or not, a fragment without
  /// payload): it counts in the rate of messages, and going on above it ends in 1008.
  void on_control(Handle handle) {
    const Slot slot = connections_.find_open(handle);
    if (slot == detail::no_slot) return;
    connections_.guarded(slot, [&] { inbox_.on_control(slot); });
  }
  /// The transport takes frames again after it had answered `backpressure`.
  void on_writable(Handle handle) {
    const Slot slot = connections_.find_open(handle);
    if (slot == detail::no_slot) return;
    connections_.guarded(slot, [&] {
      if (!sender_.flush(slot)) return;
      if (drain_.has_begun()) {
        drain_.close(slot);
      } else {
        questions_.read_owed(slot);
      }
    });
  }
  /// The connection is gone; the handle may be used again for another.
  void on_close(Handle handle) noexcept { connections_.remove(handle); }
  /// Heartbeats, stalls and the end of a drain. Returns when to call again at the latest;
  /// `TimePoint::max()` when there is nothing to wait for.
  TimePoint tick(TimePoint now) {
    connections_.advance_timers(now, [&](Slot slot) {
      connections_.guarded(slot, [&] {
        if (!heartbeat_.beat(slot, now) || !questions_.ask_due(slot, now)) return;
        heartbeat_.schedule(slot);
      });
    });
    const auto drained = drain_.tick(now);
    return (std::min)(connections_.next_timer(), drained);
  }

  // Calls of the application -------------------------------------------------------------

  /// Sends a committed change to everyone who may see it. Encodes and frames once; no allocation
  /// and no encode per recipient. Returns how many connections it reached or waits for.
  std::size_t publish(const OrderEvent& event) {
    const auto& registry = connections_.registry();
    const bool updated = registry.subscribers_of(event.order_id) != 0;
    const bool changed = registry.has_list_watcher(event);
    if (!updated && !changed) return 0;
    return publish(prepare_broadcast<Transport>(event, updated && changed ? ChangeMessages::all
                                                       : updated          ? ChangeMessages::updates
                                                                          : ChangeMessages::hints));
  }
  /// The same for a change that was prepared for several managers.
  std::size_t publish(const Broadcast<Frame>& broadcast) { return fan_out_.publish(broadcast); }

  /// Sends a message of the application's own to each connection of a user, to each that watches an
  /// order and may, or to each whose reach is the organization. Framed once; returns how many
  /// connections it reached or waits for. A connection gets it behind what was sent to it before;
  /// of an order's watchers, one that is owed the order gets it behind that order (one that asks
  /// again for an order that it has may get it before the answer). Those whose subscription is not
  /// authorized yet don't get it. Throws std::invalid_argument; see `prepare_announcement`.
  std::size_t send_to_user(std::string_view user_id, const ApplicationMessage& message) {
    if (connections_.registry().connections_of(user_id) == 0) return 0;
    return announce(prepare_announcement<Transport>(Audience::user, user_id, message));
  }
  std::size_t send_to_watchers(std::string_view order_id, const ApplicationMessage& message) {
    if (connections_.registry().subscribers_of(order_id) == 0) return 0;
    return announce(prepare_announcement<Transport>(Audience::watchers, order_id, message));
  }
  std::size_t send_to_organization(std::string_view organization_id,
                                   const ApplicationMessage& message) {
    return announce(
        prepare_announcement<Transport>(Audience::organization, organization_id, message));
  }
  /// The same for a message that was prepared for several managers.
  std::size_t announce(const Announcement<Frame>& announcement) {
    return fan_out_.announce(announcement);
  }

  /// Closes every connection of a user (log-out, revocation). Returns how many.
  std::size_t disconnect_user(std::string_view user_id, CloseCode code, std::string_view reason) {
    return connections_.close_user(user_id, code, reason);
  }

  /// Closes the connections of one sign-in of a user; see `Identity::session_id`. Returns how many.
  std::size_t disconnect_session(std::string_view user_id, std::string_view session_id,
                                 CloseCode code, std::string_view reason) {
    return connections_.close_sign_in(user_id, session_id, code, reason);
  }

  /// Pings a user's connections now instead of at their next heartbeat, to find out soon whether
  /// anybody is there. Returns how many there are; those that owe a pong get no second ping.
  std::size_t ping_user(std::string_view user_id) { return heartbeat_.ping_user(user_id); }

  /// When an open connection of this user that somebody looks at (it said `presence` with
  /// `visible:true` last) last answered a ping; `TimePoint::min()` if none has yet, nullopt if
  /// there is no such connection. O(connections of the user).
  [[nodiscard]] std::optional<TimePoint> last_heard(std::string_view user_id) const {
    return heartbeat_.last_heard(user_id);
  }

  /// Names the store that versions are counted in, and this node: what `hello` says, and what the
  /// `epoch` of a subscribe is compared with. Call it before connections open; at most
  /// `max_epoch_bytes` each. Without an epoch there is no hello and an `epoch` is ignored.
  void set_epoch(std::string epoch, std::string node) {
    inbox_.set_epoch(std::move(epoch), std::move(node));
  }

  /// Drains all connections: each gets what waits for it, then close 1012 with a `retry-after-ms`
  /// spread over `window`; those that are still slow when the window is over are closed by `tick`.
  /// Connections that open later are closed the same way at once.
  void begin_drain(std::chrono::milliseconds window) { drain_.begin(window); }

  /// Tells a publisher to several managers who is here; see detail/interest.hpp. For `Sharded`.
  void share_interest(detail::ShardInterest interest) {
    connections_.registry().share_interest(std::move(interest));
  }

  /// Who is connected and who watches what, to be read on this thread: a walk over all of it goes
  /// in pieces, see `SubscriptionRegistry::for_each_order`.
  [[nodiscard]] const auto& registry() const noexcept { return connections_.registry(); }

  /// The oldest version that any of the order's subscribers was sent or promised; 0 if one was sent
  /// none yet, `max_version` if there are no subscribers. O(subscribers).
  [[nodiscard]] std::uint64_t oldest_version(std::string_view order_id) {
    std::uint64_t oldest = max_version;
    connections_.registry().for_each_subscriber(order_id,
                                                [&](Slot /*slot*/, const detail::Watch& watch) {
                                                  oldest = (std::min)(oldest, watch.version());
                                                });
    return oldest;
  }

  /// Open connections that have authenticated.
  [[nodiscard]] std::size_t connections() const noexcept {
    return connections_.registry().connection_count();
  }
  [[nodiscard]] std::size_t subscriptions() const noexcept {
    return connections_.registry().subscription_count();
  }
  /// Connections whose close the transport has not reported yet, refused ones included.
  [[nodiscard]] std::size_t sessions() const noexcept { return connections_.size(); }
  [[nodiscard]] ServicesT& services() noexcept { return environment_.services; }
  [[nodiscard]] const Limits& limits() const noexcept { return environment_.limits; }

 private:
  /// Finds out whom a new connection speaks for. False, and the connection is closed, if it may not
  /// stay.
  [[nodiscard]] bool authenticate(Slot slot, std::string_view token) {
    const auto refuse = [&](CloseCode code, std::string_view reason, std::string_view detail) {
      environment_.tell([&](auto& observer) { observer.on_refused(code, detail); });
      connections_.close(slot, code, reason);
      return false;
    };
    AuthResult result;
    try {
      result = environment_.services.authenticator.authenticate(token);
    } catch (...) {  // Not the client's fault: it comes back with the same token.
      environment_.tell_failed("authenticator");
      return refuse(CloseCode::internal_error, "Try again", "the authenticator has thrown");
    }
    if (const auto* failure = std::get_if<AuthFailure>(&result)) {
      return refuse(CloseCode::unauthorized, failure->reason, failure->detail);
    }
    try {
      if (connections_.admit(slot, std::get<Identity>(result))) return true;
    } catch (...) {  // No memory.
      connections_.close(slot, CloseCode::internal_error, "Try again");
      return false;
    }
    return refuse(CloseCode::too_many_connections, "Too many connections",
                  "too many connections of a user");
  }

  // Each part stands on those before it. Questions end first: a service that answers as it ends
  // finds nobody.
  detail::Environment<Transport, ServicesT> environment_;
  detail::Connections<Transport, ServicesT> connections_;
  detail::Heartbeat<Transport, ServicesT> heartbeat_{environment_, connections_};
  detail::Debts<Transport, ServicesT> debts_{environment_, connections_};
  detail::Sender<Transport, ServicesT> sender_{environment_, connections_, heartbeat_, debts_};
  detail::Replies<Transport, ServicesT> replies_{environment_, connections_, sender_};
  detail::Payments<Transport, ServicesT> payments_{environment_, connections_, debts_, sender_};
  detail::Questions<Transport, ServicesT> questions_{environment_, connections_, heartbeat_,
                                                     debts_,       payments_,    replies_};
  detail::Inbox<Transport, ServicesT> inbox_{environment_, connections_, heartbeat_,
                                             debts_,       questions_,   replies_};
  detail::FanOut<Transport, ServicesT> fan_out_{environment_, connections_, debts_, sender_,
                                                payments_};
  detail::Drain<Transport, ServicesT> drain_{environment_, connections_};
};

}  // namespace ordercast
