// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>

/// Prefetches memory that will be needed soon. Affects speed only.
namespace ordercast::detail {

inline void prefetch(const void* memory) noexcept {
  __builtin_prefetch(memory, 1);
}

template <class Transport, class Handle, class = void>
struct CanPrefetch : std::false_type {};
template <class Transport, class Handle>
struct CanPrefetch<
    Transport, Handle,
    std::void_t<decltype(std::declval<const Transport&>().prefetch(std::declval<const Handle&>()))>>
    : std::true_type {};

/// Forwards the hint to a transport that has `prefetch`.
template <class Transport, class Handle>
void prefetch_for_send([[maybe_unused]] const Transport& transport,
                       [[maybe_unused]] const Handle& handle) noexcept {
  if constexpr (CanPrefetch<Transport, Handle>::value) transport.prefetch(handle);
}

}  // namespace ordercast::detail
