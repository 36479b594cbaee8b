// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t count = 0;
thread_local std::size_t until_failure = 0;
thread_local std::size_t failures_left = 0;
thread_local bool failed = false;

/// Whether this one is to fail.
bool fails() noexcept {
  ++count;
  if (failures_left == 0) return false;
  if (until_failure > 0) {
    --until_failure;
    return false;
  }
  --failures_left;
  failed = true;
  return true;
}

void* counted(std::size_t bytes) {
  if (fails()) throw std::bad_alloc();
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);  // NOLINT(cppcoreguidelines-no-malloc)
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Replacing the global operators is the one way to see allocations inside the standard library.
void* operator new(std::size_t bytes) {
  return counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  try {
    return counted(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](std::size_t bytes, const std::nothrow_t& tag) noexcept {
  return operator new(bytes, tag);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}  // NOLINT
void operator delete[](void* memory) noexcept {
  std::free(memory);
}  // NOLINT
void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}  // NOLINT
void operator delete[](void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}  // NOLINT

// Asio's handlers come from here.
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the system's are reserved.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  void* memory = nullptr;
  return !fails() && ::posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

namespace ordercast::test {

std::size_t allocations() noexcept {
  return count;
}

FailingAllocation::FailingAllocation(std::size_t after, std::size_t count) noexcept {
  until_failure = after;
  failures_left = count;
  failed = false;
}
FailingAllocation::~FailingAllocation() {
  failures_left = 0;
}
bool FailingAllocation::fired() const noexcept {
  return failed;
}

}  // namespace ordercast::test
