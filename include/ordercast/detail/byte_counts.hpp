// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

/// What is under way to a peer, as well as its transport can tell. See docs/transports.md for what
/// is lost where it can't.
namespace ordercast::detail {

template <class Transport, class Handle, class = void>
struct CountsBuffered : std::false_type {};
template <class Transport, class Handle>
struct CountsBuffered<Transport, Handle,
                      std::void_t<decltype(std::declval<const Transport&>().buffered_bytes(
                          std::declval<const Handle&>()))>> : std::true_type {};

template <class Transport, class Handle, class = void>
struct CountsUnacknowledged : std::false_type {};
template <class Transport, class Handle>
struct CountsUnacknowledged<
    Transport, Handle,
    std::void_t<decltype(std::declval<const Transport&>().unacknowledged_bytes(
        std::declval<const Handle&>()))>> : std::true_type {};

template <class Transport, class Handle, class = void>
struct CountsAcknowledged : std::false_type {};
template <class Transport, class Handle>
struct CountsAcknowledged<Transport, Handle,
                          std::void_t<decltype(std::declval<const Transport&>().acknowledged_bytes(
                              std::declval<const Handle&>()))>> : std::true_type {};

/// Returns what the transport has not written. Of one that does not count it is known only whether
/// it refuses to take more (`refuses`): then the last byte that it took counts.
template <class Transport, class Handle>
[[nodiscard]] std::uint64_t buffered_bytes([[maybe_unused]] const Transport& transport,
                                           [[maybe_unused]] const Handle& handle,
                                           [[maybe_unused]] bool refuses) {
  if constexpr (CountsBuffered<Transport, Handle>::value) {
    return transport.buffered_bytes(handle);
  } else {
    return refuses ? 1 : 0;
  }
}

/// Returns what the peer has not acknowledged, if the transport can tell (data in the kernel's
/// buffers is no progress of the peer's); otherwise what the transport has not written.
template <class Transport, class Handle>
[[nodiscard]] std::uint64_t unacknowledged_bytes(const Transport& transport, const Handle& handle,
                                                 [[maybe_unused]] bool refuses) {
  if constexpr (CountsUnacknowledged<Transport, Handle>::value) {
    return transport.unacknowledged_bytes(handle);
  } else {
    return buffered_bytes(transport, handle, refuses);
  }
}

/// Returns what the peer has acknowledged in all; nullopt if the transport can't tell.
template <class Transport, class Handle>
[[nodiscard]] std::optional<std::uint64_t> acknowledged_bytes(
    [[maybe_unused]] const Transport& transport, [[maybe_unused]] const Handle& handle) {
  if constexpr (CountsAcknowledged<Transport, Handle>::value) {
    return transport.acknowledged_bytes(handle);
  } else {
    return std::nullopt;
  }
}

}  // namespace ordercast::detail
