// SPDX-License-Identifier: MIT
#include "heap.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> bytes{0};

// glibc keeps one word before each block.
std::size_t cost_of(void* memory) {
  return ::malloc_usable_size(memory) + sizeof(std::size_t);
}

void* counted(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);  // NOLINT(cppcoreguidelines-no-malloc)
  if (memory == nullptr) throw std::bad_alloc();
  allocations.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(cost_of(memory), std::memory_order_relaxed);
  return memory;
}

void given_back(void* memory) noexcept {
  if (memory == nullptr) return;
  bytes.fetch_sub(cost_of(memory), std::memory_order_relaxed);
  std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc)
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  given_back(memory);
}
void operator delete[](void* memory) noexcept {
  given_back(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  given_back(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  given_back(memory);
}

namespace ordercast::bench {

std::size_t heap_allocations() noexcept {
  return allocations.load(std::memory_order_relaxed);
}
std::size_t heap_bytes() noexcept {
  return bytes.load(std::memory_order_relaxed);
}

}  // namespace ordercast::bench
