// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/flat_index.hpp>
#include <ordercast/detail/hash.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

/// Maps a handle to the number of its record. One thread at a time.
namespace ordercast::detail {

/// A handle that is a small number, such as a slab id: indexed by an array instead of a hash.
struct DenseHandle {
  std::uint32_t value = UINT32_MAX;

  DenseHandle() = default;
  // NOLINTBEGIN(google-explicit-constructor): it is the number, under another name.
  DenseHandle(std::uint32_t number) noexcept : value(number) {}
  operator std::uint32_t() const noexcept { return value; }
  // NOLINTEND(google-explicit-constructor)
};

/// For any handle: expected O(1). `equal(id)` says whether the record has the handle.
template <class Handle>
class HandleIndex {
 public:
  template <class Equal>
  [[nodiscard]] std::uint32_t find(const Handle& handle, Equal&& equal) const noexcept {
    return index_.find(hash(handle), equal);
  }
  /// Makes room, so that the next `insert` of this handle can't throw.
  void reserve(const Handle& /*handle*/) { index_.reserve(1); }
  void insert(const Handle& handle, std::uint32_t id) noexcept { index_.insert(hash(handle), id); }
  void erase(const Handle& handle, std::uint32_t id) noexcept { index_.erase(hash(handle), id); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return index_.memory_bytes(); }

 private:
  [[nodiscard]] std::uint64_t hash(const Handle& handle) const noexcept {
    return hash_integer(static_cast<std::uint64_t>(std::hash<Handle>{}(handle)), seed_);
  }

  std::uint64_t seed_ = hash_seed();
  FlatIndex index_;
};

/// O(1). Memory: 4 bytes for each number up to the largest; freed when all have left.
template <>
class HandleIndex<DenseHandle> {
 public:
  template <class Equal>
  [[nodiscard]] std::uint32_t find(DenseHandle handle, Equal&& /*equal*/) const noexcept {
    return handle.value < ids_.size() ? ids_[handle.value] : FlatIndex::npos;
  }
  void reserve(DenseHandle handle) {
    if (handle.value >= ids_.size()) {
      ids_.resize(static_cast<std::size_t>(handle.value) + 1, FlatIndex::npos);
    }
  }
  void insert(DenseHandle handle, std::uint32_t id) noexcept {
    ids_[handle.value] = id;
    ++size_;
  }
  void erase(DenseHandle handle, std::uint32_t /*id*/) noexcept {
    ids_[handle.value] = FlatIndex::npos;
    if (--size_ == 0) decltype(ids_)().swap(ids_);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return ids_.capacity() * sizeof(ids_[0]);
  }

 private:
  std::vector<std::uint32_t> ids_;
  std::size_t size_ = 0;
};

}  // namespace ordercast::detail
