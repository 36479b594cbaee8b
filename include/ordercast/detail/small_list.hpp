// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

/// A vector that stores its first `Inline` elements inline, since most orders have one or two
/// watchers. Elements move when it grows and when it is moved. `push_back` is amortized O(1) with
/// the strong guarantee; memory is freed as it empties. One thread at a time.
namespace ordercast::detail {

template <class T, std::uint32_t Inline>
class SmallList {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>);

 public:
  // NOLINTBEGIN(modernize-use-equals-default,cppcoreguidelines-pro-type-member-init): the storage
  // has no elements yet.
  SmallList() noexcept {}
  SmallList(SmallList&& other) noexcept { take(other); }
  // NOLINTEND(modernize-use-equals-default,cppcoreguidelines-pro-type-member-init)
  SmallList& operator=(SmallList&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  SmallList(const SmallList&) = delete;
  SmallList& operator=(const SmallList&) = delete;
  ~SmallList() { clear(); }

  /// Makes room, so that the next `push_back` can't throw.
  void reserve_one() {
    if (size_ == capacity_) relocate(capacity_ + (std::max)(1U, capacity_ / 2));
  }
  void push_back(T value) {
    reserve_one();
    ::new (static_cast<void*>(begin() + size_)) T(std::move(value));
    ++size_;
  }
  void pop_back() noexcept {
    --size_;
    std::destroy_at(begin() + size_);
    if (capacity_ == Inline || size_ * 4 > capacity_) return;
    try {
      relocate((std::max)(Inline, capacity_ / 2));
    } catch (const std::bad_alloc&) {  // Keep the larger block.
    }
  }

  [[nodiscard]] T* begin() noexcept { return capacity_ == Inline ? inline_data() : block; }
  [[nodiscard]] T* end() noexcept { return begin() + size_; }
  [[nodiscard]] const T* begin() const noexcept {
    return capacity_ == Inline ? inline_data() : block;
  }
  [[nodiscard]] const T* end() const noexcept { return begin() + size_; }
  [[nodiscard]] T& operator[](std::uint32_t at) noexcept { return begin()[at]; }
  [[nodiscard]] const T& operator[](std::uint32_t at) const noexcept { return begin()[at]; }
  [[nodiscard]] T& back() noexcept { return begin()[size_ - 1]; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// A word that is free for other use while the list is empty.
  [[nodiscard]] std::uint32_t& spare() noexcept { return spare_word; }
  /// Bytes of its heap block, if it has one.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return capacity_ == Inline ? 0 : capacity_ * sizeof(T);
  }

 private:
  [[nodiscard]] T* inline_data() noexcept { return std::launder(reinterpret_cast<T*>(bytes)); }
  [[nodiscard]] const T* inline_data() const noexcept {
    return std::launder(reinterpret_cast<const T*>(bytes));
  }

  void relocate(std::uint32_t capacity) {
    T* const from = begin();
    T* const fresh = capacity == Inline ? nullptr : std::allocator<T>().allocate(capacity);
    // The block's address overlaps the inline elements, so write it after they have moved out and
    // read it before they move in.
    T* const to = fresh == nullptr ? inline_data() : fresh;
    std::uninitialized_move_n(from, size_, to);
    std::destroy_n(from, size_);
    if (capacity_ != Inline) std::allocator<T>().deallocate(from, capacity_);
    if (fresh != nullptr) block = fresh;
    capacity_ = capacity;
  }
  void take(SmallList& other) noexcept {
    if (other.capacity_ == Inline) {
      std::uninitialized_move_n(other.inline_data(), other.size_, inline_data());
      std::destroy_n(other.inline_data(), other.size_);
    } else {
      block = other.block;
    }
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, Inline);
  }
  void clear() noexcept {
    std::destroy_n(begin(), size_);
    if (capacity_ != Inline) std::allocator<T>().deallocate(block, capacity_);
    size_ = 0;
    capacity_ = Inline;
  }

  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = Inline;
  union {
    std::uint32_t spare_word = 0;
    T* block;
    alignas(T) unsigned char bytes[Inline * sizeof(T)];  // NOLINT(modernize-avoid-c-arrays)
  };
};

}  // namespace ordercast::detail
