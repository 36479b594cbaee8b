// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/error.hpp>
#include <ordercast/types.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/// The seams of a connection manager, each with a default that is safe: nobody is let in, nothing
/// may be watched, nothing is measured.
///
/// A manager owns one `Services` value and calls it on its own thread only. `authorize` and `fetch`
/// take a completion `done`: call it once, on the manager's thread, at once or later (post it back
/// when a database was asked elsewhere). `authorize` answers with an Access (or a bool), `fetch`
/// with an optional OrderSnapshot or Unavailable. "Unavailable", an exception, and no answer within
/// Limits::answer_timeout are asked again. A completion for a connection that has closed meanwhile,
/// a second one, or one after the manager's end does nothing. What a call is handed lives until it
/// returns. requirements.hpp checks all this at compile time.
namespace ordercast {

/// Why a token was refused. `reason` is what the client reads beside close code 4001 and never
/// holds any part of the token; `detail` is for logs, and read while the authenticator lives.
struct AuthFailure {
  std::string_view reason = "Invalid token";
  std::string_view detail = "";
};

/// An Authenticator's answer.
using AuthResult = std::variant<Identity, AuthFailure>;

/// Refuses every token: the Authenticator of a server that has not chosen one.
struct RefuseAll {
  [[nodiscard]] AuthResult authenticate(std::string_view /*token*/) const {
    return AuthFailure{"Invalid token", "no authenticator is configured"};
  }
};

/// An Authorizer's answer.
enum class Access : std::uint8_t {
  denied,       ///< Final: the client is told `subscription_denied`.
  granted,      ///< The client may watch the order.
  unavailable,  ///< Nobody can tell just now: the manager asks again.
};

/// An OrderSource's answer when it can't read the order just now: the manager asks again.
struct Unavailable {};

/// Denies every subscription: the Authorizer of a server that has not chosen one.
struct DenyAll {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order_id*/, Done done) const {
    done(Access::denied);
  }
};

/// Has no current orders, so `since` is answered with nothing.
struct NoSnapshots {
  template <class Done>
  void fetch(std::string_view /*order_id*/, Done done) const {
    done(std::nullopt);
  }
};

/// The kinds of message that are counted as deliveries.
enum class MessageType : std::uint8_t { order_updated, orders_changed, application };
inline constexpr std::size_t message_type_count = 3;

/// Hears what happens, for metrics and logs. Called on the manager's thread; must not call back;
/// what it throws is ignored. A delivery counts when the transport has taken it.
/// Derive from it and hide what you need: the calls are bound at compile time.
struct NullObserver {
  void on_connected() noexcept {}
  void on_disconnected() noexcept {}
  void on_refused(CloseCode /*code*/, std::string_view /*detail*/) noexcept {}
  void on_subscribed() noexcept {}
  void on_unsubscribed(std::size_t /*count*/) noexcept {}
  void on_delivered(MessageType /*type*/, std::size_t /*count*/) noexcept {}
  void on_conflated(std::size_t /*count*/) noexcept {}
  void on_dropped(std::size_t /*count*/) noexcept {}
  void on_error(ErrorCode /*code*/) noexcept {}
  void on_closed_by_server(CloseCode /*code*/) noexcept {}
  /// An order was published whose JSON says another `version` than its event, or none: clients that
  /// compare versions drop it. A fault of the publisher's, for a counter and a log.
  void on_version_mismatch(std::string_view /*order_id*/, std::uint64_t /*version*/) noexcept {}
};

/// Has no messages of its own: a type that is not the protocol's is refused. An application that
/// has some puts a member `messages` of its own into its services, with
/// `bool on_unknown(const IdentityView& who, std::string_view type, std::string_view message)`. It
/// gets each message whose `type` is not the protocol's, within the limits on rate and size, valid
/// JSON, and answers whether it is the application's; if not, the client is told `unknown_type`.
/// It may call the manager.
struct NoMessages {};

/// The bundle that a manager is built with. Any class with the first five members will do.
template <class Authenticator = RefuseAll, class Authorizer = DenyAll,
          class OrderSource = NoSnapshots, class Observer = NullObserver, class Clock = SteadyClock,
          class Messages = NoMessages>
struct Services {
  Authenticator authenticator{};
  Authorizer authorizer{};
  OrderSource orders{};
  Observer observer{};
  Clock clock{};
  Messages messages{};
};

using DefaultServices = Services<>;

}  // namespace ordercast
