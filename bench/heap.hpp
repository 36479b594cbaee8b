// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

/// What this process has asked of the heap; only what is linked with heap.cpp has it. Thread-safe.
namespace ordercast::bench {

/// Allocations so far.
[[nodiscard]] std::size_t heap_allocations() noexcept;

/// Bytes in use now, with what malloc itself adds to each block.
[[nodiscard]] std::size_t heap_bytes() noexcept;

}  // namespace ordercast::bench
