// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/error.hpp>
#include <ordercast/types.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/// The services that an application gives to a connection manager, each with a safe default: every
/// token is refused, nothing may be watched, nothing is measured.
///
/// A manager owns one `Services` value and calls it on its own thread only. `authorize` and `fetch`
/// take a completion `done`: call it once, on the manager's thread, at once or later (after a query
/// on another thread, post it back). `authorize` answers with an Access, a bool or GrantedAt,
/// `fetch` with an optional OrderSnapshot or Unavailable. After "unavailable", an exception, or no
/// answer within Limits::answer_timeout, the manager asks again. A completion does nothing if its
/// connection has closed, if it is called twice, or if the manager is gone. Arguments are valid
/// until the call returns. requirements.hpp checks the members at compile time.
namespace ordercast {

/// Why a token was refused. The client gets `reason` with close code 4001; it must not contain any
/// part of the token, and is borrowed: a literal, most likely. `detail` is for logs.
struct AuthFailure {
  std::string_view reason = "Invalid token";
  std::string detail = {};
};

/// The answer of an Authenticator.
using AuthResult = std::variant<Identity, AuthFailure>;

/// Refuses every token. The default Authenticator.
struct RefuseAll {
  [[nodiscard]] AuthResult authenticate(std::string_view /*token*/) const {
    return AuthFailure{"Invalid token", "no authenticator is configured"};
  }
};

/// The answer of an Authorizer.
enum class Access : std::uint8_t {
  denied,       ///< Final: the client gets `subscription_denied`.
  granted,      ///< The client may watch the order.
  unavailable,  ///< Unknown at the moment: the manager asks again.
};

/// The answer of an Authorizer that knows the order's version as well: the client may watch the
/// order, which was in this version when it was asked or later. A client that has this version
/// already is spared a read of the whole order.
struct GrantedAt {
  std::uint64_t version = 0;
};

/// The answer of an OrderSource that can't read the order at the moment: the manager asks again.
struct Unavailable {};

/// Denies every subscription. The default Authorizer.
struct DenyAll {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order_id*/, Done done) const {
    done(Access::denied);
  }
};

/// Has no orders, so `since` gets no answer. The default OrderSource.
struct NoSnapshots {
  template <class Done>
  void fetch(std::string_view /*order_id*/, Done done) const {
    done(std::nullopt);
  }
};

/// The kinds of message that are counted as deliveries.
enum class MessageType : std::uint8_t { order_updated, orders_changed, application };
inline constexpr std::size_t message_type_count = 3;

/// Observes events for metrics and logs. Called on the manager's thread; must not call back. Its
/// exceptions are ignored. A delivery counts when the transport has accepted it. Derive from this
/// and hide the functions that you need: the calls are bound at compile time.
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
  /// An order was published whose JSON has a different `version` than its event, or none: clients
  /// that compare versions drop it. Count and log it: it is a fault of the publisher.
  void on_version_mismatch(std::string_view /*order_id*/, std::uint64_t /*version*/) noexcept {}
  /// A service has thrown: "authenticator", "authorizer" or "orders". The client is told to come
  /// back, or the question is asked again; log what it was. An observer may lack this member.
  void on_service_failed(std::string_view /*service*/,
                         const std::exception_ptr& /*failure*/) noexcept {}
};

/// Refuses every message type that is not the protocol's. An application with its own types adds a
/// member `messages` to its services, with `bool on_unknown(const IdentityView& who,
/// std::string_view type, std::string_view message)`. It gets every valid JSON message whose `type`
/// is not the protocol's, within the limits on rate and size, and returns true if it handles the
/// type; if not, the client gets `unknown_type`. It may call the manager.
struct NoMessages {};

/// The bundle of services of a manager. Any class with the first five members works.
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
