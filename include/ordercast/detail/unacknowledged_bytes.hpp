// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace ordercast::detail {

template <class Transport, class Handle, class = void>
struct CountsUnacknowledged : std::false_type {};
template <class Transport, class Handle>
struct CountsUnacknowledged<
    Transport, Handle,
    std::void_t<decltype(std::declval<const Transport&>().unacknowledged_bytes(
        std::declval<const Handle&>()))>> : std::true_type {};

/// Returns the bytes that the peer has not acknowledged, if the transport can tell (data in kernel
/// buffers shows no progress of the peer); otherwise the bytes that the transport has not written.
template <class Transport, class Handle>
[[nodiscard]] std::uint64_t unacknowledged_bytes(const Transport& transport, const Handle& handle) {
  if constexpr (CountsUnacknowledged<Transport, Handle>::value) {
    return transport.unacknowledged_bytes(handle);
  } else {
    return transport.buffered_bytes(handle);
  }
}

}  // namespace ordercast::detail
