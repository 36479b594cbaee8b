// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

/// This process' use of the heap. Link heap.cpp to use it. Thread-safe.
namespace ordercast::bench {

/// Allocations so far.
[[nodiscard]] std::size_t heap_allocations() noexcept;

/// Bytes in use now, including malloc's overhead for each block.
[[nodiscard]] std::size_t heap_bytes() noexcept;

}  // namespace ordercast::bench
