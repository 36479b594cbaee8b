// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

/// Records that are named by small integers.
///
/// References stay valid until the record is released: memory grows by chunks that never move.
/// `acquire` is amortised O(1) and has the strong guarantee; `release` is O(1). All memory goes
/// back when the last record is released. One thread at a time.
namespace ordercast::detail {

template <class T>
class Slab {
 public:
  static constexpr std::uint32_t npos = UINT32_MAX;

  /// A default-constructed record; ids of released records are used again, newest first.
  [[nodiscard]] std::uint32_t acquire() {
    if (free_.empty()) grow();
    const auto id = free_.back();
    free_.pop_back();
    ++size_;
    return id;
  }

  void release(std::uint32_t id) noexcept {
    (*this)[id] = T{};
    free_.push_back(id);  // Never reallocates: `grow` reserved room for every id.
    if (--size_ == 0) {
      decltype(chunks_)().swap(chunks_);
      decltype(free_)().swap(free_);
    }
  }

  [[nodiscard]] T& operator[](std::uint32_t id) noexcept {
    return chunks_[id / chunk_size][id % chunk_size];
  }
  [[nodiscard]] const T& operator[](std::uint32_t id) const noexcept {
    return chunks_[id / chunk_size][id % chunk_size];
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// One past the largest id; records that are not in use below it are default-constructed.
  [[nodiscard]] std::uint32_t end_id() const noexcept {
    return static_cast<std::uint32_t>(chunks_.size()) * chunk_size;
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return chunks_.size() * chunk_size * sizeof(T) + free_.capacity() * sizeof(std::uint32_t);
  }

 private:
  static constexpr std::uint32_t chunk_size = 256;

  void grow() {
    const auto total = (chunks_.size() + 1) * chunk_size;
    if (free_.capacity() < total) free_.reserve(total * 2);
    chunks_.reserve(chunks_.size() + 1);
    auto chunk = std::make_unique<T[]>(chunk_size);  // NOLINT(modernize-avoid-c-arrays)
    const auto first = static_cast<std::uint32_t>(chunks_.size()) * chunk_size;
    chunks_.push_back(std::move(chunk));
    for (std::uint32_t i = chunk_size; i-- > 0;) free_.push_back(first + i);
  }

  std::vector<std::unique_ptr<T[]>> chunks_;  // NOLINT(modernize-avoid-c-arrays)
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace ordercast::detail
