// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/error.hpp>
#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

/// What a Transport and a Services must provide, member by member. Checked when a manager is
/// compiled, so that the compiler names the missing member instead of a line in a template.
///
/// A transport without byte counts omits `buffered_bytes`: then a connection is slow only while
/// `send` answers `backpressure`, and a ping behind accepted data is timed from when it was sent. A
/// transport whose library takes only texts has a `Frame` that keeps the text: then each recipient
/// costs a copy and a frame. docs/transports.md says more.
///
///     static_assert(ordercast::is_transport<MyTransport>);
///     static_assert(ordercast::is_services<MyServices>);
namespace ordercast {
namespace detail {

/// Minimal completions to call a service with.
struct AuthorizeDoneArchetype {
  void operator()(bool /*allowed*/) const {}
  void operator()(Access /*access*/) const {}
  void operator()(GrantedAt /*answer*/) const {}
};
struct FetchDoneArchetype {
  void operator()(const std::optional<OrderSnapshot>& /*snapshot*/) const {}
  void operator()(Unavailable /*answer*/) const {}
};

template <class Void, template <class...> class Expression, class... Args>
struct Compiles : std::false_type {};
template <template <class...> class Expression, class... Args>
struct Compiles<std::void_t<Expression<Args...>>, Expression, Args...> : std::true_type {};
template <template <class...> class Expression, class... Args>
inline constexpr bool compiles = Compiles<void, Expression, Args...>::value;

/// True if an expression compiles and its result converts to `Result`.
template <class Void, class Result, template <class...> class Expression, class... Args>
struct Gives : std::false_type {};
template <class Result, template <class...> class Expression, class... Args>
struct Gives<std::void_t<Expression<Args...>>, Result, Expression, Args...>
    : std::is_convertible<Expression<Args...>, Result> {};
template <class Result, template <class...> class Expression, class... Args>
inline constexpr bool gives = Gives<void, Result, Expression, Args...>::value;

// A transport.
template <class T>
using HandleOf = typename T::Handle;
template <class T>
using FrameOf = typename T::Frame;
template <class T>
using HandleHash = decltype(std::hash<HandleOf<T>>{}(std::declval<const HandleOf<T>&>()));
template <class T>
using HandleEquality =
    decltype(std::declval<const HandleOf<T>&>() == std::declval<const HandleOf<T>&>());
template <class T>
using PrepareCall = decltype(T::prepare(std::declval<std::string>()));
template <class T>
using SendCall = decltype(std::declval<T&>().send(std::declval<HandleOf<T>>(),
                                                  std::declval<const FrameOf<T>&>()));
template <class T>
using BufferedBytesCall =
    decltype(std::declval<const T&>().buffered_bytes(std::declval<HandleOf<T>>()));
template <class T>
using BufferedBytesName = decltype(&T::buffered_bytes);
template <class T>
using PingCall = decltype(std::declval<T&>().ping(std::declval<HandleOf<T>>()));
template <class T>
using CloseCall = decltype(std::declval<T&>().close(
    std::declval<HandleOf<T>>(), std::declval<CloseCode>(), std::declval<std::string_view>()));
template <class T>
using TerminateCall = decltype(std::declval<T&>().terminate(std::declval<HandleOf<T>>()));

// The services.
template <class S>
using Authenticator = decltype((std::declval<S&>().authenticator));
template <class S>
using Authorizer = decltype((std::declval<S&>().authorizer));
template <class S>
using OrderSource = decltype((std::declval<S&>().orders));
template <class S>
using Observer = decltype((std::declval<S&>().observer));
template <class S>
using Clock = decltype((std::declval<S&>().clock));
template <class S>
using AuthenticateCall =
    decltype(std::declval<Authenticator<S>>().authenticate(std::declval<std::string_view>()));
template <class S>
using AuthorizeCall = decltype(std::declval<Authorizer<S>>().authorize(
    std::declval<const Identity&>(), std::declval<const std::string&>(),
    std::declval<AuthorizeDoneArchetype>()));
template <class S>
using FetchCall = decltype(std::declval<OrderSource<S>>().fetch(
    std::declval<const std::string&>(), std::declval<FetchDoneArchetype>()));
template <class S>
using NowCall =
    decltype(std::declval<std::add_const_t<std::remove_reference_t<Clock<S>>>&>().now());
template <class O>
using ObserverCalls = std::void_t<
    decltype(std::declval<O>().on_connected()), decltype(std::declval<O>().on_disconnected()),
    decltype(std::declval<O>().on_refused(CloseCode{}, std::string_view{})),
    decltype(std::declval<O>().on_subscribed()),
    decltype(std::declval<O>().on_unsubscribed(std::size_t{})),
    decltype(std::declval<O>().on_delivered(MessageType{}, std::size_t{})),
    decltype(std::declval<O>().on_conflated(std::size_t{})),
    decltype(std::declval<O>().on_dropped(std::size_t{})),
    decltype(std::declval<O>().on_error(ErrorCode{})),
    decltype(std::declval<O>().on_closed_by_server(CloseCode{})),
    decltype(std::declval<O>().on_version_mismatch(std::string_view{}, std::uint64_t{}))>;

template <class O>
using ServiceFailedCall = decltype(std::declval<O>().on_service_failed(
    std::string_view{}, std::declval<const std::exception_ptr&>()));

template <class S>
using UnknownCall = decltype(std::declval<S&>().messages.on_unknown(
    std::declval<const Identity&>(), std::declval<std::string_view>(),
    std::declval<std::string_view>()));
template <class S>
constexpr bool has_on_unknown() noexcept {
  return gives<bool, UnknownCall, S>;
}
template <class S>
using MessagesOf = std::decay_t<decltype(std::declval<S&>().messages)>;
/// True if the application means to take messages of its own.
template <class S>
constexpr bool has_messages() noexcept {
  if constexpr (compiles<MessagesOf, S>) {
    return !std::is_same_v<MessagesOf<S>, NoMessages>;
  } else {
    return false;
  }
}
/// False for a call that gives its answer back instead of passing it to `done`.
template <template <class> class Call, class S>
constexpr bool answers_by_done() noexcept {
  if constexpr (compiles<Call, S>) {
    return std::is_void_v<Call<S>>;
  } else {
    return true;  // Said already.
  }
}
template <class T>
constexpr bool has_types() noexcept {
  return compiles<HandleOf, T> && compiles<FrameOf, T>;
}
/// True if a member type of T is default-constructible and copyable.
template <template <class> class Member, class T>
constexpr bool has_value() noexcept {
  if constexpr (compiles<Member, T>) {
    using Value = Member<T>;
    return std::is_default_constructible_v<Value> && std::is_copy_constructible_v<Value> &&
           std::is_copy_assignable_v<Value>;
  } else {
    return false;
  }
}
template <class T>
constexpr bool has_usable_handle() noexcept {
  return has_value<HandleOf, T>() && gives<std::size_t, HandleHash, T> &&
         gives<bool, HandleEquality, T>;
}
template <class T>
constexpr bool has_usable_frame() noexcept {
  return has_value<FrameOf, T>();
}
template <class T>
constexpr bool has_prepare() noexcept {
  if constexpr (has_types<T>()) {
    return gives<FrameOf<T>, PrepareCall, T>;
  } else {
    return false;
  }
}
template <class S>
constexpr bool has_members() noexcept {
  return compiles<Authenticator, S> && compiles<Authorizer, S> && compiles<OrderSource, S> &&
         compiles<Observer, S> && compiles<Clock, S>;
}
template <class S>
constexpr bool has_observer_calls() noexcept {
  if constexpr (compiles<Observer, S>) {
    return compiles<ObserverCalls, Observer<S>>;
  } else {
    return false;
  }
}

/// Whether T counts what it has not written, or does not name such a count at all. One that names
/// it and can't be asked is a mistake, not a transport without counts.
template <class T>
constexpr bool has_right_or_no_counts() noexcept {
  return gives<std::size_t, BufferedBytesCall, T> || !compiles<BufferedBytesName, T>;
}

/// Compiles only for a transport; otherwise the first compiler error names what is missing.
template <class T>
constexpr bool check_transport() noexcept {
  static_assert(compiles<HandleOf, T>, "a Transport needs a type Handle: it names a connection");
  static_assert(compiles<FrameOf, T>, "a Transport needs a type Frame: a message, ready to send");
  if constexpr (has_types<T>()) {
    static_assert(has_usable_handle<T>(),
                  "a Transport's Handle needs == and std::hash, a default and copies");
    static_assert(has_usable_frame<T>(), "a Transport's Frame needs a default and copies");
    static_assert(has_prepare<T>(),
                  "a Transport needs: static Frame prepare(std::string text), from any thread");
    static_assert(gives<SendResult, SendCall, T>,
                  "a Transport needs: SendResult send(Handle, const Frame&)");
    static_assert(has_right_or_no_counts<T>(),
                  "a Transport's buffered_bytes, which it need not have, is: "
                  "std::size_t buffered_bytes(Handle) const");
    static_assert(compiles<PingCall, T>, "a Transport needs: void ping(Handle)");
    static_assert(compiles<CloseCall, T>,
                  "a Transport needs: void close(Handle, CloseCode, std::string_view reason)");
    static_assert(compiles<TerminateCall, T>, "a Transport needs: void terminate(Handle)");
  }
  return true;
}

/// The same for services.
template <class S>
constexpr bool check_services() noexcept {
  static_assert(compiles<Authenticator, S>, "Services need a member `authenticator`");
  static_assert(compiles<Authorizer, S>, "Services need a member `authorizer`");
  static_assert(compiles<OrderSource, S>, "Services need a member `orders`");
  static_assert(compiles<Observer, S>, "Services need a member `observer`");
  static_assert(compiles<Clock, S>, "Services need a member `clock`");
  if constexpr (has_members<S>()) {
    static_assert(gives<AuthResult, AuthenticateCall, S>,
                  "an Authenticator needs: AuthResult authenticate(std::string_view token)");
    static_assert(compiles<AuthorizeCall, S>,
                  "an Authorizer needs: void authorize(const IdentityView& who, std::string_view "
                  "order_id, Done done), with done(Access), done(bool) or done(GrantedAt)");
    static_assert(answers_by_done<AuthorizeCall, S>(),
                  "authorize returns nothing: it answers by calling `done`");
    static_assert(compiles<FetchCall, S>,
                  "an OrderSource needs: void fetch(std::string_view order_id, Done done), with "
                  "done(std::optional<OrderSnapshot>) or done(Unavailable{})");
    static_assert(answers_by_done<FetchCall, S>(),
                  "fetch returns nothing: it answers by calling `done`");
    static_assert(has_on_unknown<S>() || !has_messages<S>(),
                  "`messages` needs: bool on_unknown(const IdentityView& who, std::string_view "
                  "type, std::string_view message)");
    static_assert(has_observer_calls<S>(),
                  "an Observer needs each call of NullObserver: derive from it");
    static_assert(gives<TimePoint, NowCall, S>, "a Clock needs: TimePoint now() const");
  }
  return true;
}

template <class T>
constexpr bool fits_transport() noexcept {
  return has_types<T>() && has_usable_handle<T>() && has_usable_frame<T>() && has_prepare<T>() &&
         gives<SendResult, SendCall, T> && has_right_or_no_counts<T>() && compiles<PingCall, T> &&
         compiles<CloseCall, T> && compiles<TerminateCall, T>;
}
template <class S>
constexpr bool fits_services() noexcept {
  return has_members<S>() && gives<AuthResult, AuthenticateCall, S> && compiles<AuthorizeCall, S> &&
         compiles<FetchCall, S> && has_observer_calls<S>() && gives<TimePoint, NowCall, S>;
}

}  // namespace detail

/// True if a manager can send through `T`; docs/transports.md explains each member.
template <class T>
inline constexpr bool is_transport = detail::fits_transport<T>();

/// True if a manager can be built with `S`; services.hpp explains each member.
template <class S>
inline constexpr bool is_services = detail::fits_services<S>();

}  // namespace ordercast
