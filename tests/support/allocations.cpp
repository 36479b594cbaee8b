// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t count = 0;
thread_local bool armed = false;
thread_local std::size_t until_failure = 0;

void* counted(std::size_t bytes) {
  ++count;
  if (armed && until_failure-- == 0) {
    armed = false;
    throw std::bad_alloc();
  }
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

namespace ordercast::test {

std::size_t allocations() noexcept {
  return count;
}

FailingAllocation::FailingAllocation(std::size_t after) noexcept {
  until_failure = after;
  armed = true;
}
FailingAllocation::~FailingAllocation() {
  armed = false;
}
bool FailingAllocation::fired() const noexcept {
  return !armed;
}

}  // namespace ordercast::test
