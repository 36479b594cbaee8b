// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/requirements.hpp>
#include <ordercast/types.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What carries changes between the nodes of a cluster, and what is asked of an engine for it.
///
/// A node publishes what it has committed, and hears what every node has published. An order is a
/// state with a version and no connection takes an older one, so an engine may repeat and reorder.
/// What it must not do is lose silently: where something may have been missed, `behind()` grows,
/// and the node compares versions with its store. The store is the truth; the backplane is how
/// nodes hear early.
///
///     static_assert(ordercast::is_backplane<MyBackplane>);
///
/// The engines: `InProcessBackplane` (in_process_backplane.hpp) and `nats::Backplane`
/// (transports/nats). tests/backplane holds each to the same suite.
namespace ordercast {

/// A message to all nodes that is no order, such as a log-out. Borrows its text.
struct BackplaneNotice {
  std::string_view kind;  ///< 1 to 32 of a-z, 0-9 and '-'. A node ignores kinds it doesn't know.
  std::string_view text;  ///< At most `max_notice_bytes`.
};

inline constexpr std::size_t max_notice_bytes = std::size_t{64} * 1024;

/// Whether a notice has a kind and a size that a backplane takes.
[[nodiscard]] inline bool is_valid(const BackplaneNotice& notice) noexcept {
  if (notice.kind.empty() || notice.kind.size() > 32) return false;
  for (const char c : notice.kind) {
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') return false;
  }
  return notice.text.size() <= max_notice_bytes;
}

/// What became of a publish.
enum class BackplaneAnswer : std::uint8_t {
  stored,       ///< Acknowledged: every node that hears gets it, or is told that it is behind.
  unavailable,  ///< Not acknowledged; it may be stored all the same. Publish it again later.
  refused,      ///< It can't be published: too large, or not valid. Publishing again is no use.
};

/// Where a node stands in the stream.
struct BackplanePosition {
  std::string stream;          ///< Tells a stream from another that was made in its place.
  std::uint64_t sequence = 0;  ///< Of the last message that was handed over.
};

/// How a message came.
struct BackplaneDelivery {
  std::uint64_t sequence = 0;
  bool own = false;  ///< Published through this same backplane object.
};

/// Who hears. One call at a time, in the order of the stream. The calls may publish; they must not
/// stop the backplane. What they throw counts as missed: `behind()` grows. All text is borrowed.
struct BackplaneReceiver {
  /// `json` is empty where the order is too large for the engine: read it from the store.
  std::function<void(const OrderEvent&, const BackplaneDelivery&)> on_order;
  std::function<void(const BackplaneNotice&, const BackplaneDelivery&)> on_notice;
  /// `behind()` has grown; the reason is for the log.
  std::function<void(std::string_view reason)> on_behind;
};

namespace detail {

struct BackplaneDoneArchetype {
  void operator()(BackplaneAnswer /*answer*/) const {}
};

template <class B>
using PublishOrderCall = decltype(std::declval<B&>().publish(
    std::declval<const OrderEvent&>(), std::declval<BackplaneDoneArchetype>()));
template <class B>
using PublishNoticeCall = decltype(std::declval<B&>().publish(
    std::declval<const BackplaneNotice&>(), std::declval<BackplaneDoneArchetype>()));
template <class B>
using SubscribeCall = decltype(std::declval<B&>().subscribe(
    std::declval<BackplaneReceiver>(), std::declval<std::optional<BackplanePosition>>()));
template <class B>
using PositionCall = decltype(std::declval<const B&>().position());
template <class B>
using HearsCall = decltype(std::declval<const B&>().hears());
template <class B>
using BehindCall = decltype(std::declval<const B&>().behind());
template <class B>
using StopCall = decltype(std::declval<B&>().stop());

/// Compiles for a backplane alone; else the compiler's first message names what is missing.
template <class B>
constexpr bool check_backplane() noexcept {
  static_assert(compiles<PublishOrderCall, B>,
                "a Backplane needs: void publish(const OrderEvent&, Done done), with "
                "done(BackplaneAnswer)");
  static_assert(compiles<PublishNoticeCall, B>,
                "a Backplane needs: void publish(const BackplaneNotice&, Done done), with "
                "done(BackplaneAnswer)");
  static_assert(compiles<SubscribeCall, B>,
                "a Backplane needs: void subscribe(BackplaneReceiver, "
                "std::optional<BackplanePosition> after)");
  static_assert(gives<std::optional<BackplanePosition>, PositionCall, B>,
                "a Backplane needs: std::optional<BackplanePosition> position() const");
  static_assert(gives<bool, HearsCall, B>, "a Backplane needs: bool hears() const");
  static_assert(gives<std::uint64_t, BehindCall, B>,
                "a Backplane needs: std::uint64_t behind() const");
  static_assert(compiles<StopCall, B>, "a Backplane needs: void stop()");
  return true;
}

}  // namespace detail

/// Whether `B` is an engine. Every member may be called from any thread, but that `subscribe` and
/// `stop` are called once each, by one thread.
///
/// - `publish(event, done)`: `done` runs exactly once, within a deadline of the engine's, on any
///   thread, also before the call returns; what it throws is swallowed. Never waits for the
///   network.
/// - `subscribe(receiver, after)`: from then on the receiver hears what is published behind
/// `after`,
///   or from now on without one. Where `after` can't be gone on from, `behind()` grows.
/// - `position()`: the last message handed over; nullopt before the first look at the stream.
/// - `hears()`: connected, and nothing is waiting that was published before the connection. Turns
///   false within a bounded time when the stream is silent.
/// - `behind()`: how often something may have been missed so far. Also grows when a connection is
///   lost, before anybody can know whether something will be missed.
/// - `stop()`: nothing is called any more once it returns; what is not acknowledged is answered
///   `unavailable` before.
template <class B>
inline constexpr bool is_backplane = detail::compiles<detail::PublishOrderCall, B>&&
    detail::compiles<detail::PublishNoticeCall, B>&& detail::compiles<detail::SubscribeCall, B>&&
        detail::gives<std::optional<BackplanePosition>, detail::PositionCall, B>&& detail::gives<
            bool, detail::HearsCall, B>&& detail::gives<std::uint64_t, detail::BehindCall, B>&&
            detail::compiles<detail::StopCall, B>;

}  // namespace ordercast
