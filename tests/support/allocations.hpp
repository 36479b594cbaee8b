// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

/// Counts the global allocations of this thread, and makes the Nth of them fail. Only what is
/// linked with allocations.cpp has it.
namespace ordercast::test {

/// Allocations of this thread so far.
[[nodiscard]] std::size_t allocations() noexcept;

/// While it lives, the `after`-th allocation from now (0: the next) and those behind it, `count` in
/// all, throw std::bad_alloc.
class FailingAllocation {
 public:
  explicit FailingAllocation(std::size_t after, std::size_t count = 1) noexcept;
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  FailingAllocation(FailingAllocation&&) = delete;
  FailingAllocation& operator=(FailingAllocation&&) = delete;
  ~FailingAllocation();
  /// Whether the (first) allocation that was to fail has come.
  [[nodiscard]] bool fired() const noexcept;
};

}  // namespace ordercast::test
