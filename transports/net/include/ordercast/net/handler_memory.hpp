// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

/// Reserved memory for an event loop's most important handlers, so that waiting for the next event
/// can't fail for lack of memory.
///
/// One thread at a time. The memory lives as long as a handler that Asio still holds.
///
///     timer.async_wait(keep_memory(memory_, [this](const std::error_code& error) { ... }));
namespace ordercast::net {

/// Room for one Asio handler. A second one, or one that is too big, uses the heap.
class HandlerMemory {
 public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;
  ~HandlerMemory() = default;

  /// Throws std::bad_alloc only if the room is in use or too small.
  [[nodiscard]] void* take(std::size_t bytes) {
    if (in_use_ || bytes > sizeof room_) return ::operator new(bytes);
    in_use_ = true;
    return room_;
  }
  void give_back(void* memory) noexcept {
    if (memory != room_) return ::operator delete(memory);
    in_use_ = false;
  }

 private:
  alignas(std::max_align_t) std::byte room_[384] = {};  // NOLINT(modernize-avoid-c-arrays)
  bool in_use_ = false;
};

/// An allocator (as the standard library has them) from a `HandlerMemory`.
template <class T>
class HandlerAllocator {
 public:
  using value_type = T;  // NOLINT(readability-identifier-naming)

  explicit HandlerAllocator(std::shared_ptr<HandlerMemory> memory) noexcept
      : memory_(std::move(memory)) {}
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators convert.
  HandlerAllocator(const HandlerAllocator<U>& other) noexcept : memory_(other.memory()) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    static_assert(alignof(T) <= alignof(std::max_align_t), "the room has no stricter alignment");
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(memory_->take(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t /*count*/) noexcept { memory_->give_back(memory); }

  [[nodiscard]] const std::shared_ptr<HandlerMemory>& memory() const noexcept { return memory_; }
  template <class U>
  [[nodiscard]] bool operator==(const HandlerAllocator<U>& other) const noexcept {
    return memory_ == other.memory();
  }
  template <class U>
  [[nodiscard]] bool operator!=(const HandlerAllocator<U>& other) const noexcept {
    return memory_ != other.memory();
  }

 private:
  std::shared_ptr<HandlerMemory> memory_;
};

/// A handler whose operation Asio stores in a `HandlerMemory`.
template <class F>
class KeptHandler {
 public:
  using allocator_type = HandlerAllocator<std::byte>;  // NOLINT(readability-identifier-naming)

  KeptHandler(std::shared_ptr<HandlerMemory> memory, F f)
      : memory_(std::move(memory)), f_(std::move(f)) {}

  [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(memory_); }

  template <class... Args>
  void operator()(Args&&... args) {
    f_(std::forward<Args>(args)...);
  }

 private:
  std::shared_ptr<HandlerMemory> memory_;
  F f_;
};

template <class F>
[[nodiscard]] KeptHandler<F> keep_memory(std::shared_ptr<HandlerMemory> memory, F f) {
  return {std::move(memory), std::move(f)};
}

}  // namespace ordercast::net
