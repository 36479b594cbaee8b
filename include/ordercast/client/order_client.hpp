// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/client/backoff.hpp>
#include <ordercast/client/codec.hpp>
#include <ordercast/client/detail/watched_orders.hpp>
#include <ordercast/client/effects.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/types.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/// A client that never misses an update: reconnects with backoff, subscribes again with the version
/// that it has, drops stale versions, finds hung sockets, and asks for a new token instead of
/// looping.
///
/// A state machine without I/O, clock and randomness: each input takes the time and returns
/// effects, which its owner carries out. `ordercast::websocketpp::OrderSocket` is such an owner.
/// tests/vectors/README.md specifies each input, for this client and the one in TypeScript.
///
/// One thread at a time. Inputs may come from within the handling of an effect. Memory is bounded
/// by the options: so many orders, and one message; no input yields more than one effect for each
/// order and a handful beside. Inputs are linear in the orders watched.
///
///     OrderClient client({}, draw);
///     run(client.subscribe("order-1"));
///     run(client.start(clock.now(), token));
///     ... on the socket's events: run(client.on_message(clock.now(), connection, text));
///     ... at client.deadline():   run(client.on_timer(clock.now()));
namespace ordercast::client {

/// Each option states its default and what zero means.
struct Options {
  BackoffOptions backoff;

  /// From the start of a connect to the server's first message. 0: fails at once.
  Milliseconds connect_timeout{10'000};

  /// How long the application may take to get a token; after that it counts as a failure.
  Milliseconds token_timeout{30'000};

  /// Pings the server after this much silence, and waits this long for the answer. Together they
  /// bound how long a hung socket stays unnoticed.
  Milliseconds ping_interval{25'000};
  Milliseconds pong_timeout{10'000};

  /// How long to wait for the answer to a ping of `on_wake`: shorter, since a person is looking.
  Milliseconds probe_timeout{5'000};

  /// A connection that has been open for this long is good and resets the backoff.
  Milliseconds stable{5'000};

  /// The least time between two attempts that `on_wake` causes.
  Milliseconds wake_floor{1'000};

  /// A timer that fires later than this says nothing about the server: the device slept. Then one
  /// missed deadline in a row is excused.
  Milliseconds late{1'000};

  /// The time between fallback polls, shortened by a random part of up to a fifth.
  Milliseconds poll_interval{60'000};

  /// How long after `rate_limited` to send all subscriptions again.
  Milliseconds resync{5'000};

  /// Most watched orders; the reference server allows as many. Cost: about 200 bytes each.
  std::size_t max_subscriptions = 100;

  /// How many unwatched orders' versions are remembered. 0: none.
  std::size_t max_remembered = 100;
};

/// Returns a random number in [0, 1).
using Draw = std::function<double()>;

class OrderClient {
 public:
  explicit OrderClient(const Options& options, Draw draw)
      : options_(options),
        draw_(std::move(draw)),
        backoff_(options.backoff),
        orders_(options.max_remembered) {}

  // Calls of the application -------------------------------------------------------------------

  /// Connects and stays connected. Without a token it asks for one. From `renew_at` on, it asks for
  /// a newer token before it connects; choose a time before the token expires that differs between
  /// clients.
  [[nodiscard]] Effects start(TimePoint now, std::string token = {},
                              std::optional<TimePoint> renew_at = {}) {
    Step step(*this, now);
    if (state_ != State::idle) return step.effects();
    if (!token.empty()) take_token(std::move(token), renew_at);
    attempt();
    return step.effects();
  }

  /// Closes the socket and forgets the token. Subscriptions and versions stay.
  [[nodiscard]] Effects stop() {
    Step step(*this, {});
    token_.clear();
    if (state_ == State::idle) return step.effects();
    if (live_ != 0) emit(Close{live_, 1000});
    disconnect();
    retry_at_.reset();
    hold_until_.reset();
    token_rejected_ = token_refreshed_ = false;
    backoff_.reset();
    enter(State::idle);
    return step.effects();
  }

  /// Watches an order; the application has its `version`, 0 for none. If it is already watched,
  /// only raises the version. Returns a `ServerError` for a bad id or too many orders.
  [[nodiscard]] Effects subscribe(std::string_view order_id, std::uint64_t version = 0);

  /// Stops watching an order.
  [[nodiscard]] Effects unsubscribe(std::string_view order_id) {
    Step step(*this, {});
    if (orders_.leave(order_id) && is_socket_open_) {
      send(Unsubscribe{std::string(order_id)});
    }
    return step.effects();
  }

  /// The application got an order over HTTP. Returns an `OrderUpdate` if it is newer.
  [[nodiscard]] Effects on_fetched(std::string_view order_id, std::uint64_t version,
                                   std::string json) {
    Step step(*this, {});
    offer({std::string(order_id), version, std::move(json)});
    return step.effects();
  }

  /// A token: the answer to `NeedToken`, or a newer one at any time. `renew_at` as in `start`.
  [[nodiscard]] Effects on_token(TimePoint now, std::string token,
                                 std::optional<TimePoint> renew_at = {});

  /// No token at the moment.
  [[nodiscard]] Effects on_token_failed(TimePoint now) {
    Step step(*this, now);
    if (is_token_asked_) fail();
    return step.effects();
  }

  /// No token without a new login.
  [[nodiscard]] Effects on_token_refused(TimePoint now) {
    Step step(*this, now);
    if (is_token_asked_) refuse();
    return step.effects();
  }

  /// The page is shown, the network is back, or the app came to the front: the connection may be
  /// dead, or a new one may succeed.
  [[nodiscard]] Effects on_wake(TimePoint now);

  /// Says whether somebody may be looking at the application. Tells servers that send `hello`,
  /// which then skip pushes. If never called, nobody is looking.
  [[nodiscard]] Effects on_presence(bool is_visible) {
    Step step(*this, {});
    if (std::exchange(is_visible_, is_visible) != is_visible && is_greeted_) {
      send(Presence{is_visible});
    }
    return step.effects();
  }

  // Events of the socket and the clock ---------------------------------------------------------

  /// The socket's handshake is done. `is_second_version`: the server has selected `ordercast.v2`,
  /// so that it takes many subscribes in one message.
  [[nodiscard]] Effects on_opened(TimePoint now, ConnectionId connection,
                                  bool is_second_version = false);

  /// A text frame came.
  [[nodiscard]] Effects on_message(TimePoint now, ConnectionId connection, std::string_view text);

  /// The socket is closed, or could not be opened (1006).
  [[nodiscard]] Effects on_closed(TimePoint now, ConnectionId connection, std::uint16_t code,
                                  std::string_view reason);

  /// Time has passed. Early and late calls do no harm.
  [[nodiscard]] Effects on_timer(TimePoint now);

  /// When to call `on_timer`; ask again after each input.
  [[nodiscard]] std::optional<TimePoint> deadline() const noexcept;

  // State -------------------------------------------------------------------------

  [[nodiscard]] State state() const noexcept { return state_; }
  /// When the next attempt is made, in state `waiting`.
  [[nodiscard]] std::optional<TimePoint> retry_at() const noexcept { return retry_at_; }
  [[nodiscard]] std::size_t subscriptions() const noexcept { return orders_.size(); }
  [[nodiscard]] std::size_t remembered() const noexcept { return orders_.remembered(); }

 private:
  /// Collects the effects of one input.
  class Step {
   public:
    Step(OrderClient& client, TimePoint now) : client_(client) { client_.now_ = now; }
    [[nodiscard]] Effects effects() { return std::exchange(client_.effects_, {}); }

   private:
    OrderClient& client_;
  };

  template <class E>
  void emit(E effect) {
    effects_.emplace_back(std::move(effect));
  }
  void send(const ClientMessage& message) { emit(Send{live_, encode(message)}); }
  void send_subscribe(detail::WatchedOrders::Watched& watched) {
    watched.again_at.reset();
    send(Subscribe{watched.order_id, watched.version, epoch_});
  }
  /// Subscribes to all orders: a message for each, or as few as the server's limits allow.
  void send_all_subscribes();
  void take_token(std::string token, std::optional<TimePoint> renew_at) {
    token_ = std::move(token);
    renew_at_ = renew_at;
  }
  [[nodiscard]] bool is_due(const std::optional<TimePoint>& time) const noexcept {
    return time && *time <= now_;
  }

  void enter(State state);
  void arm_poll();
  void attempt();
  void ask_for_token();
  void connect();
  void disconnect();
  void fail(Pace pace = Pace::normal, std::optional<Milliseconds> retry_after = {});
  void abandon();
  [[nodiscard]] bool forgive(const std::optional<TimePoint>& deadline) noexcept;
  void greet(ServerHello hello);
  void refuse();
  void token_was_rejected();
  void forgive_if_good();
  void ping(Milliseconds timeout);
  void offer(OrderUpdate order);
  void receive(ServerError error);
  void ignore(Ignored::Reason reason) { emit(Ignored{reason}); }

  Options options_;
  Draw draw_;
  Backoff backoff_;
  detail::WatchedOrders orders_;
  State state_ = State::idle;
  TimePoint now_{};  ///< Of the current input.
  Effects effects_;  ///< Of the current input.

  std::string token_;
  std::optional<TimePoint> renew_at_;  ///< From then on a newer one is asked for first.
  std::string used_token_;             ///< Of the last connect.
  bool is_token_asked_ = false;
  bool token_rejected_ = false;   ///< The next one must be fresh.
  bool token_refreshed_ = false;  ///< Because of a 4001, since the last good connection.

  ConnectionId last_connection_ = 0;
  ConnectionId live_ = 0;  ///< 0: none.
  bool is_socket_open_ = false;
  bool in_batches_ = false;   ///< The server takes many subscribes in one message.
  bool was_too_big_ = false;  ///< A message was, for a server; a batch may be for it again.
  bool is_forgiven_ = false;  ///< A late timer was, since the server was last heard.
  bool is_greeted_ = false;   ///< The server has said hello, so it knows `presence`.
  bool is_visible_ = false;
  std::optional<std::string> epoch_;  ///< Of the store that versions are from; none until told.
  TimePoint last_attempt_{};
  TimePoint open_since_{};
  TimePoint last_ping_{};
  std::optional<TimePoint> hold_until_;  ///< Waking must not reconnect before.

  std::optional<TimePoint> give_up_at_;  ///< On the token or the connection.
  std::optional<TimePoint> retry_at_;
  std::optional<TimePoint> ping_at_;
  std::optional<TimePoint> pong_due_;
  std::optional<TimePoint> resync_at_;
  std::optional<TimePoint> poll_at_;
};

}  // namespace ordercast::client

#include <ordercast/client/detail/order_client_impl.hpp>
