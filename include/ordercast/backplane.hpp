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

/// Carries changes between the nodes of a cluster. This header says what an engine must provide.
///
/// A node publishes its committed changes and receives those of every node. An order is a state
/// with a version, and no connection accepts an older one, so an engine may repeat and reorder
/// messages. It must not lose any silently: if a message may have been missed, `behind()` grows,
/// and the node compares versions with its store. The store is the source of truth; the backplane
/// only brings news early.
///
///     static_assert(ordercast::is_backplane<MyBackplane>);
///
/// The engines: `InProcessBackplane` (in_process_backplane.hpp) and `nats::Backplane`
/// (transports/nats). tests/backplane holds each to the same suite.
namespace ordercast {

/// A message to all nodes that is not an order, such as a logout. Borrows its text.
struct BackplaneNotice {
  std::string_view kind;  ///< 1 to 32 of a-z, 0-9 and '-'. A node ignores kinds it doesn't know.
  std::string_view text;  ///< At most `max_notice_bytes`.
};

inline constexpr std::size_t max_notice_bytes = std::size_t{64} * 1024;

/// Returns true if a notice's kind and size are allowed.
[[nodiscard]] inline bool is_valid(const BackplaneNotice& notice) noexcept {
  if (notice.kind.empty() || notice.kind.size() > 32) return false;
  for (const char c : notice.kind) {
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') return false;
  }
  return notice.text.size() <= max_notice_bytes;
}

/// The result of a publish.
enum class BackplaneAnswer : std::uint8_t {
  stored,       ///< Acknowledged: every subscribed node gets it, or learns that it is behind.
  unavailable,  ///< Not acknowledged, but perhaps stored. Publish it again later.
  refused,      ///< Too large or invalid. Publishing it again won't help.
};

/// A node's position in the stream.
struct BackplanePosition {
  std::string stream;          ///< Identifies the stream, in case it is deleted and created anew.
  std::uint64_t sequence = 0;  ///< Of the last message delivered.
};

/// Details of a delivered message.
struct BackplaneDelivery {
  std::uint64_t sequence = 0;
  bool own = false;  ///< Published through this backplane object.
};

/// Receives messages: one call at a time, in the order of the stream. A call may publish, but must
/// not stop the backplane. If it throws, the message counts as missed and `behind()` grows. All
/// text is borrowed.
struct BackplaneReceiver {
  /// `json` is empty if the order is too large for the engine: read it from the store.
  std::function<void(const OrderEvent&, const BackplaneDelivery&)> on_order;
  std::function<void(const BackplaneNotice&, const BackplaneDelivery&)> on_notice;
  /// `behind()` has grown. `reason` is for the log.
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

/// Compiles only for a backplane; otherwise the first compiler error names what is missing.
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

/// True if `B` is an engine. Any thread may call every member, except that one thread calls
/// `subscribe` and `stop` once each.
///
/// - `publish(event, done)`: calls `done` exactly once, within the engine's deadline, on any
/// thread, perhaps before it returns. Ignores exceptions from `done`. Never waits for the network.
/// - `subscribe(receiver, after)`: delivers messages that come after `after`, or from now on if it
/// is nullopt. If the stream can't continue from `after`, `behind()` grows.
/// - `position()`: the position of the last message delivered; nullopt until the stream is known.
/// - `hears()`: true while connected and caught up with everything published before the connection.
/// Turns false within a bounded time if the stream stops responding.
/// - `behind()`: how often messages may have been missed so far. Also grows when a connection is
/// lost, before anybody can know whether messages will be missed.
/// - `stop()`: answers unacknowledged publishes with `unavailable`. Nothing is called after it
/// returns.
template <class B>
inline constexpr bool is_backplane = detail::compiles<detail::PublishOrderCall, B>&&
    detail::compiles<detail::PublishNoticeCall, B>&& detail::compiles<detail::SubscribeCall, B>&&
        detail::gives<std::optional<BackplanePosition>, detail::PositionCall, B>&& detail::gives<
            bool, detail::HearsCall, B>&& detail::gives<std::uint64_t, detail::BehindCall, B>&&
            detail::compiles<detail::StopCall, B>;

}  // namespace ordercast
