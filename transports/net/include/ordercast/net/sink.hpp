// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <string_view>
#include <type_traits>
#include <utility>

/// Receives a transport's events: a connection manager, or any class with the same members. Bound
/// without a virtual base; one thread.
namespace ordercast::net {

/// Calls the members of a sink; does nothing without a sink. on_open, on_message, on_pong,
/// on_writable, on_close and tick are required. Optional: a third argument of on_open (whether the
/// client has selected `ordercast.v2`), `on_control(handle)` for each frame of the client that
/// costs time and is no message (a ping, a pong, a fragment without payload that ends no message),
/// and `on_binary(handle, bytes)`.
template <class Handle>
struct SinkCalls {
  void* sink = nullptr;
  void (*on_open)(void*, Handle, std::string_view, bool) = [](void*, Handle, std::string_view,
                                                              bool) {};
  void (*on_message)(void*, Handle, std::string_view) = [](void*, Handle, std::string_view) {};
  void (*on_binary)(void*, Handle, std::string_view) = nullptr;  ///< Null: binary is refused.
  void (*on_control)(void*, Handle) = [](void*, Handle) {};
  void (*on_pong)(void*, Handle) = [](void*, Handle) {};
  void (*on_writable)(void*, Handle) = [](void*, Handle) {};
  void (*on_close)(void*, Handle) = [](void*, Handle) {};
  TimePoint (*tick)(void*, TimePoint) = [](void*, TimePoint) { return (TimePoint::max)(); };
};

namespace detail {

template <class Sink, class Handle, class = void>
struct TakesHello : std::false_type {};
template <class Sink, class Handle>
struct TakesHello<
    Sink, Handle,
    std::void_t<decltype(std::declval<Sink&>().on_open(Handle{}, std::string_view{}, true))>>
    : std::true_type {};

template <class Sink, class Handle, class = void>
struct HasBinary : std::false_type {};
template <class Sink, class Handle>
struct HasBinary<
    Sink, Handle,
    std::void_t<decltype(std::declval<Sink&>().on_binary(Handle{}, std::string_view{}))>>
    : std::true_type {};

template <class Sink, class Handle, class = void>
struct HasControl : std::false_type {};
template <class Sink, class Handle>
struct HasControl<Sink, Handle, std::void_t<decltype(std::declval<Sink&>().on_control(Handle{}))>>
    : std::true_type {};

}  // namespace detail

/// Returns the calls of one sink, which must outlive them.
template <class Handle, class Sink>
[[nodiscard]] SinkCalls<Handle> calls_of(Sink& sink) {
  SinkCalls<Handle> calls;
  calls.sink = &sink;
  calls.on_open = [](void* s, Handle handle, std::string_view token, bool hello) {
    if constexpr (detail::TakesHello<Sink, Handle>::value) {
      static_cast<Sink*>(s)->on_open(handle, token, hello);
    } else {
      static_cast<void>(hello);
      static_cast<Sink*>(s)->on_open(handle, token);
    }
  };
  calls.on_message = [](void* s, Handle handle, std::string_view text) {
    static_cast<Sink*>(s)->on_message(handle, text);
  };
  if constexpr (detail::HasBinary<Sink, Handle>::value) {
    calls.on_binary = [](void* s, Handle handle, std::string_view bytes) {
      static_cast<Sink*>(s)->on_binary(handle, bytes);
    };
  }
  if constexpr (detail::HasControl<Sink, Handle>::value) {
    calls.on_control = [](void* s, Handle handle) { static_cast<Sink*>(s)->on_control(handle); };
  }
  calls.on_pong = [](void* s, Handle handle) { static_cast<Sink*>(s)->on_pong(handle); };
  calls.on_writable = [](void* s, Handle handle) { static_cast<Sink*>(s)->on_writable(handle); };
  calls.on_close = [](void* s, Handle handle) { static_cast<Sink*>(s)->on_close(handle); };
  calls.tick = [](void* s, TimePoint now) { return static_cast<Sink*>(s)->tick(now); };
  return calls;
}

}  // namespace ordercast::net
