// SPDX-License-Identifier: MIT
#include "domain/hash_memory.hpp"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace order_server {
namespace {

/// The size of a huge page on common processors. On others, hashing is only slower.
constexpr std::size_t huge_page = std::size_t{2} << 20U;

}  // namespace

HashMemory::Lease::Lease(Lease&& other) noexcept
    : owner_(other.owner_), region_(std::exchange(other.region_, {})) {}

HashMemory::Lease::~Lease() {
  if (region_.data != nullptr) owner_.give_back(region_);
}

HashMemory::~HashMemory() {
  for (const Region region : free_) unmap(region);
}

HashMemory::Lease HashMemory::take(std::size_t bytes) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!free_.empty()) {
      const Region region = free_.back();
      free_.pop_back();
      if (region.bytes >= bytes) return {*this, region};
      unmap(region);
    }
  }
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  // Huge pages save a third of a hash's time. If the kernel refuses, small pages do.
  if (bytes >= huge_page) static_cast<void>(::madvise(data, bytes, MADV_HUGEPAGE));
  return {*this, {static_cast<unsigned char*>(data), bytes}};
}

std::size_t HashMemory::kept() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return free_.size();
}

void HashMemory::give_back(Region region) noexcept {
  static_cast<void>(::madvise(region.data, region.bytes, MADV_FREE));
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(region);
  } catch (const std::bad_alloc&) {
    unmap(region);
  }
}

void HashMemory::unmap(Region region) noexcept {
  static_cast<void>(::munmap(region.data, region.bytes));
}

}  // namespace order_server
