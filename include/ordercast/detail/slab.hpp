// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

/// Stores records that are identified by small integers.
///
/// `T` has a `std::uint32_t& free_link()`: a member that is unused while the record is free, so
/// that the slab needs no memory of its own. References stay valid until the record is released:
/// memory grows in chunks that never move. `acquire` is amortized O(1) with the strong guarantee;
/// `release` is O(1). All memory is freed when the last record is released. One thread at a time.
namespace ordercast::detail {

template <class T>
class Slab {
 public:
  static constexpr std::uint32_t npos = UINT32_MAX;

  /// Returns the id of a default-constructed record. Reuses released ids, newest first.
  [[nodiscard]] std::uint32_t acquire() {
    std::uint32_t id = first_free_;
    if (id != npos) {
      T& record = (*this)[id];
      first_free_ = record.free_link();
      record.free_link() = T{}.free_link();
    } else {
      if (used_ == end_id()) chunks_.push_back(std::make_unique<T[]>(chunk_size));  // NOLINT
      id = used_++;
    }
    ++size_;
    return id;
  }

  void release(std::uint32_t id) noexcept {
    T& record = (*this)[id];
    record = T{};
    record.free_link() = first_free_;
    first_free_ = id;
    if (--size_ == 0) {
      decltype(chunks_)().swap(chunks_);
      first_free_ = npos;
      used_ = 0;
    }
  }

  [[nodiscard]] T& operator[](std::uint32_t id) noexcept {
    return chunks_[id / chunk_size][id % chunk_size];
  }
  [[nodiscard]] const T& operator[](std::uint32_t id) const noexcept {
    return chunks_[id / chunk_size][id % chunk_size];
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// One past the largest id. Unused records below it are default-constructed, except for their
  /// link.
  [[nodiscard]] std::uint32_t end_id() const noexcept {
    return static_cast<std::uint32_t>(chunks_.size()) * chunk_size;
  }
  /// Calls `f(record)` for up to `most` records from the id `from` on, unused ones included.
  /// Returns where to go on, or 0 at the end.
  template <class F>
  std::uint32_t visit(std::uint32_t from, std::uint32_t most, F&& f) const {
    const auto end = end_id();
    const auto stop = from + (std::min)(most, end - (std::min)(from, end));
    for (auto id = from; id < stop; ++id) f((*this)[id]);
    return stop < end ? stop : 0;
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return chunks_.size() * (chunk_size * sizeof(T) + sizeof(chunks_[0]));
  }

 private:
  static constexpr std::uint32_t chunk_size = 256;

  std::vector<std::unique_ptr<T[]>> chunks_;  // NOLINT(modernize-avoid-c-arrays)
  std::uint32_t first_free_ = npos;
  std::uint32_t used_ = 0;  // Ids from this one on have never been acquired.
  std::size_t size_ = 0;
};

}  // namespace ordercast::detail
