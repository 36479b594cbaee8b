// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/connection_budget.hpp>
#include <ordercast/detail/prefetch.hpp>
#include <ordercast/detail/route.hpp>
#include <ordercast/detail/timer_wheel.hpp>
#include <ordercast/detail/unacknowledged_bytes.hpp>
#include <ordercast/detail/watch.hpp>
#include <ordercast/json_codec.hpp>
#include <ordercast/limits.hpp>
#include <ordercast/requirements.hpp>
#include <ordercast/services.hpp>
#include <ordercast/session.hpp>
#include <ordercast/subscription_registry.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// Turns a transport's events into messages for connections. The core of ordercast.
///
/// A manager, its registry and its connections live on one thread. It does no I/O, starts no thread
/// and takes no lock while publishing. It calls the transport; the transport never calls back from
/// inside such a call. A service may answer from inside its call. If it throws, that counts as
/// "unavailable". A failure for one connection ends only that connection. sharded.hpp combines
/// several managers, one for each I/O thread.
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
      : transport_(transport),
        services_(std::move(services)),
        limits_(limits),
        budget_(budget),
        random_(seed) {
    validate(limits_);
  }

  ConnectionManager(const ConnectionManager&) = delete;
  ConnectionManager& operator=(const ConnectionManager&) = delete;
  ConnectionManager(ConnectionManager&&) = delete;
  ConnectionManager& operator=(ConnectionManager&&) = delete;
  ~ConnectionManager();

  // Events, as the transport reports them ------------------------------------------------------

  /// A WebSocket has opened. `token` is the token of its handshake, empty for none. A bad token
  /// closes the connection with 4001. `hello`: the client has selected `ordercast.v2` and first
  /// gets the epoch, if one is set.
  void on_open(Handle handle, std::string_view token, bool hello = false);
  /// A complete text message, valid UTF-8.
  void on_message(Handle handle, std::string_view text);
  void on_pong(Handle handle) noexcept;
  /// A frame came that is not a message: a ping or pong, solicited or not, or an empty fragment. It
  /// counts in the message rate; continued excess closes with 1008.
  void on_control(Handle handle);
  /// The transport accepts frames again after `backpressure`.
  void on_writable(Handle handle);
  /// The connection has closed; its handle may be reused.
  void on_close(Handle handle) noexcept;
  /// Handles heartbeats, stalls and the end of a drain. Returns when to call it again at the
  /// latest; `TimePoint::max()` if nothing is due.
  TimePoint tick(TimePoint now);

  // Calls of the application -------------------------------------------------------------

  /// Sends a committed change to everyone who may see it. Encodes and frames once; no allocation
  /// and no encode per recipient. Returns how many connections it was sent to or is queued for.
  std::size_t publish(const OrderEvent& event);
  /// The same for a change that was prepared for several managers.
  std::size_t publish(const Broadcast<Frame>& broadcast);

  /// Sends an application's message to each connection of a user, to each authorized watcher of an
  /// order, or to each connection whose reach is the organization. Frames it once. Returns how many
  /// connections it was sent to or is queued for. A connection gets it after everything sent to it
  /// before. A watcher that is owed the order gets it after that order (a client that asks again
  /// for an order that it has may get it before the answer). A connection whose subscription is not
  /// authorized yet does not get it. Throws std::invalid_argument; see `prepare_announcement`.
  std::size_t send_to_user(std::string_view user_id, const ApplicationMessage& message);
  std::size_t send_to_watchers(std::string_view order_id, const ApplicationMessage& message);
  std::size_t send_to_organization(std::string_view organization_id,
                                   const ApplicationMessage& message);
  /// The same for a message that was prepared for several managers.
  std::size_t announce(const Announcement<Frame>& announcement);

  /// Closes every connection of a user (logout, revocation). Returns how many.
  std::size_t disconnect_user(std::string_view user_id, CloseCode code, std::string_view reason);

  /// Closes the connections of one sign-in of a user; see `Identity::session_id`. Returns how many.
  std::size_t disconnect_session(std::string_view user_id, std::string_view session_id,
                                 CloseCode code, std::string_view reason);

  /// Pings a user's connections now instead of at their next heartbeat, to find out soon whether
  /// they are alive. Returns how many there are. A connection that owes a pong gets no second ping.
  std::size_t ping_user(std::string_view user_id);

  /// Returns when a visible connection of this user (its last `presence` was `visible:true`) last
  /// answered a ping; `TimePoint::min()` if none has yet, nullopt if there is no such connection.
  /// O(connections of the user).
  [[nodiscard]] std::optional<TimePoint> last_heard(std::string_view user_id) const;

  /// Sets the epoch of the store and the name of this node. `hello` sends both, and the `epoch` of
  /// a subscribe is compared to it. Call it before connections open; at most `max_epoch_bytes`
  /// each. Without an epoch the server sends no hello and ignores `epoch`.
  void set_epoch(std::string epoch, std::string node);

  /// Drains all connections: each gets its queued messages, then close 1012 with a `retry-after-ms`
  /// that is spread over `window`. When the window is over, `tick` closes the connections that are
  /// still slow. Connections that open later are closed with 1012 at once.
  void begin_drain(std::chrono::milliseconds window);

  /// Who is connected and who watches what. Read it on this thread only. To visit all of it, go in
  /// pieces: see `SubscriptionRegistry::for_each_order`.
  [[nodiscard]] const auto& registry() const noexcept { return registry_; }

  /// The oldest version that any of the order's subscribers was sent or promised; 0 if one was sent
  /// none yet, `max_version` if there are no subscribers. O(subscribers).
  [[nodiscard]] std::uint64_t oldest_version(std::string_view order_id) {
    std::uint64_t oldest = max_version;
    registry_.for_each_subscriber(order_id, [&](Slot /*slot*/, const Watch& watch) {
      oldest = (std::min)(oldest, watch.version());
    });
    return oldest;
  }

  /// How many open connections have authenticated.
  [[nodiscard]] std::size_t connections() const noexcept { return registry_.connection_count(); }
  [[nodiscard]] std::size_t subscriptions() const noexcept {
    return registry_.subscription_count();
  }
  /// How many connections the transport has not reported as closed, including refused ones.
  [[nodiscard]] std::size_t sessions() const noexcept { return sessions_.size(); }
  [[nodiscard]] ServicesT& services() noexcept { return services_; }
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

 private:
  using Slot = std::uint32_t;
  using SessionT = Session<Frame>;
  using RouteT = detail::Route<Handle>;
  using Pending = typename SessionT::Pending;
  using Stage = typename Pending::Stage;

  /// True if an order that does not fit a connection's outbox can be read again later.
  static constexpr bool can_owe =
      !std::is_same_v<std::decay_t<decltype(std::declval<ServicesT&>().orders)>, NoSnapshots>;

  enum class Delivery : std::uint8_t {
    sent,    ///< The transport has accepted it.
    queued,  ///< It waits in the outbox.
    full,    ///< Not taken: it does not fit. Only an `order:updated` gets this, and only if it can
             ///< be owed.
    gone,    ///< The connection is on its way out.
  };

  using Watch = detail::Watch;
  using Registry = SubscriptionRegistry<detail::DenseHandle, Watch>;

  /// Identifies one question. Its answer is ignored if the manager, the session, the record or the
  /// attempt no longer exists.
  struct Question {
    std::weak_ptr<ConnectionManager*> manager;
    Slot slot;
    std::uint64_t session;
    std::uint64_t request;
    std::uint32_t attempt;
  };
  /// The completion of `authorize`.
  struct AuthorizeDone {
    void operator()(bool allowed) const { (*this)(allowed ? Access::granted : Access::denied); }
    void operator()(Access access) const {
      if (const auto manager = question.manager.lock()) (*manager)->on_authorized(question, access);
    }
    Question question;
  };
  /// The completion of `fetch`.
  struct FetchDone {
    void operator()(const std::optional<OrderSnapshot>& snapshot) const {
      if (const auto manager = question.manager.lock()) {
        (*manager)->on_fetched(question, snapshot ? &*snapshot : nullptr);
      }
    }
    // Without a temporary of which GCC 12 at -O3 says that it may be uninitialized.
    void operator()(std::nullopt_t /*no snapshot*/) const {
      if (const auto manager = question.manager.lock()) (*manager)->on_fetched(question, nullptr);
    }
    void operator()(Unavailable /*answer*/) const {
      if (const auto manager = question.manager.lock()) (*manager)->on_unavailable(question);
    }
    Question question;
  };

  static constexpr Slot npos = UINT32_MAX;

  // Sessions.
  [[nodiscard]] std::uint64_t handle_hash(const Handle& handle) const noexcept {
    return detail::hash_integer(static_cast<std::uint64_t>(std::hash<Handle>{}(handle)), seed_);
  }
  [[nodiscard]] Slot find(const Handle& handle) const noexcept {
    return by_handle_.find(handle_hash(handle),
                           [&](Slot slot) { return routes_[slot].handle == handle; });
  }
  /// The session that a completion was meant for; null once it has closed.
  [[nodiscard]] SessionT* find_live(Slot slot, std::uint64_t session) noexcept {
    if (slot >= sessions_.end_id()) return nullptr;
    SessionT& found = sessions_[slot];
    return found.id == session && !routes_[slot].closing ? &found : nullptr;
  }
  [[nodiscard]] bool has_budget() const noexcept {
    return budget_ != nullptr && limits_.max_connections_per_user != 0;
  }
  Slot add_session(Handle handle);
  void leave(Slot slot) noexcept;
  void close(Slot slot, CloseCode code, std::string_view reason) noexcept;
  void terminate(Slot slot, CloseCode code) noexcept;
  void close_for_drain(Slot slot) noexcept;
  /// Runs `f` for one connection. If it throws (most likely out of memory), closes only that
  /// connection; the client reconnects and asks for what it missed.
  template <class F>
  void guarded(Slot slot, std::uint64_t session, F&& f) noexcept;
  /// Calls the observer and ignores its exceptions: metrics must not cost a delivery.
  template <class F>
  void tell(F&& f) noexcept {
    try {
      f(services_.observer);
    } catch (...) {
      return;
    }
  }

  // Messages from clients.
  void receive(Slot slot, const Subscribe& message);
  void receive(Slot slot, const Unsubscribe& message);
  void receive(Slot slot, const Ping& message);
  void receive(Slot slot, const Presence& message);
  [[nodiscard]] bool offer_to_application(Slot slot, std::string_view text);
  void refuse(Slot slot, ErrorCode code, std::string_view message, std::string_view order_id);

  // Open questions and debts (detail/connection_manager_debts.hpp).
  [[nodiscard]] Question ask(Slot slot, Pending& pending, Stage stage);
  void authorize(Slot slot, Pending& pending);
  void fetch(Slot slot, Pending& pending);
  [[nodiscard]] Pending* find_asked(const Question& question, Stage stage) noexcept;
  void on_authorized(const Question& question, Access access);
  void on_fetched(const Question& question, const OrderSnapshot* snapshot);
  void on_unavailable(const Question& question);
  void ask_again(Slot slot, Pending& pending);
  void end_pending(Slot slot, Pending& pending, ErrorCode code);
  void drop_pending(Slot slot, Pending& pending, ErrorCode code);
  void activate(Slot slot, Pending& pending);
  void defer_update(Slot slot, Watch& watch, const Broadcast<Frame>& broadcast);
  void owe(Slot slot, std::string_view order_id, std::uint64_t version);
  void pay(Slot slot);
  void ask_due(Slot slot, TimePoint now);

  // Messages to clients.
  Delivery deliver(Slot slot, RouteT& route, QueuedKind kind, std::string_view order_id,
                   const SizedFrame<Frame>& message, bool conflates = true);
  Delivery queue(Slot slot, QueuedKind kind, std::string_view order_id,
                 const SizedFrame<Frame>& message, bool conflates);
  Delivery deliver_announcement(Slot slot, const std::string& topic,
                                const SizedFrame<Frame>& message, bool conflates);
  bool follow(Slot slot, std::string_view order_id, std::string_view topic,
              const SizedFrame<Frame>& message, bool conflates);
  [[nodiscard]] bool is_behind_debt(Slot slot, std::string_view topic);
  void move_behind_debt(Slot slot, Pending& pending);
  void finish(Slot slot, Watch& watch, Pending& pending);
  bool make_room(Slot slot, QueuedKind kind);
  void send_control(Slot slot, const ServerMessage& message);
  void start_queueing(Slot slot);
  void doom(Slot slot, CloseCode code) noexcept;
  void close_doomed() noexcept;
  void count_delivered(MessageType type, std::size_t count) noexcept {
    if (count != 0) tell([&](auto& observer) { observer.on_delivered(type, count); });
  }

  // Time.
  void watch_stall(Slot slot, TimePoint now, bool must = false);
  void schedule(Slot slot);
  void send_ping(Slot slot, TimePoint now);
  void on_deadline(Slot slot, TimePoint now);
  [[nodiscard]] std::chrono::milliseconds next_ping_delay();

  /// Completions hold a weak pointer to this to find out whether the manager still exists.
  std::shared_ptr<ConnectionManager*> self_ = std::make_shared<ConnectionManager*>(this);
  Transport& transport_;
  ServicesT services_;
  Limits limits_;
  ConnectionBudget* budget_;
  std::minstd_rand random_;
  std::uint64_t seed_ = detail::hash_seed();
  std::uint64_t last_session_id_ = 0;
  std::uint64_t last_request_ = 0;
  std::uint32_t last_publish_ = 0;
  std::string epoch_;
  std::string node_;
  std::optional<TimePoint> drain_deadline_;
  std::chrono::milliseconds drain_window_{0};
  detail::Slab<SessionT> sessions_;
  detail::Slab<RouteT> routes_;  // With the same slots.
  detail::FlatIndex by_handle_;
  Registry registry_;
  detail::TimerWheel timers_;
  std::vector<std::pair<Slot, CloseCode>>
      doomed_;  // Connections to close after the current iteration.
  bool lost_doomed_ =
      false;  // Some marked connections are not in the list, because memory ran out.
};

}  // namespace ordercast

#include <ordercast/detail/connection_manager_announcements.hpp>
#include <ordercast/detail/connection_manager_debts.hpp>
#include <ordercast/detail/connection_manager_delivery.hpp>
#include <ordercast/detail/connection_manager_protocol.hpp>
#include <ordercast/detail/connection_manager_sessions.hpp>
