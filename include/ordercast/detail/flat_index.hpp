// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

/// An open-addressing index from a hash to 32-bit ids of records that live elsewhere.
///
/// It stores no keys: the caller compares. So look-ups by `string_view` need no allocation, a slot
/// takes 8 bytes, and one type indexes strings, handles and pairs. Linear probing with
/// backward-shift deletion. Slots are ordered by hash at any capacity, so it grows by a quarter in
/// one pass from front to back: it is at least 3/5 full after growing, and never more than 3/4.
/// Expected O(1), `reserve` amortized O(1). One thread at a time.
namespace ordercast::detail {

class FlatIndex {
 public:
  static constexpr std::uint32_t npos = UINT32_MAX;

  FlatIndex() = default;
  FlatIndex(FlatIndex&& other) noexcept
      : slots_(std::move(other.slots_)),
        capacity_(std::exchange(other.capacity_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  FlatIndex& operator=(FlatIndex&& other) noexcept {
    slots_ = std::move(other.slots_);
    capacity_ = std::exchange(other.capacity_, 0);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  FlatIndex(const FlatIndex&) = delete;
  FlatIndex& operator=(const FlatIndex&) = delete;
  ~FlatIndex() = default;

  /// Returns the id with this hash for which `equal(id)` holds, or `npos`.
  template <class Equal>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Equal&& equal) const noexcept {
    if (size_ == 0) return npos;
    const auto tag = tag_of(hash);
    for (std::size_t at = home(tag);; at = next(at)) {
      const Slot& slot = slots_[at];
      if (slot.id == npos) return npos;
      if (slot.tag == tag && equal(slot.id)) return slot.id;
    }
  }

  /// Makes room for `more` ids, so that as many calls of `insert` can't throw. Strong guarantee.
  void reserve(std::size_t more) {
    auto capacity = capacity_ == 0 ? smallest : capacity_;
    while ((size_ + more) * 4 > capacity * 3) capacity += capacity / 4;
    if (capacity != capacity_) rehash(capacity);
  }
  void reserve_one() { reserve(1); }

  /// Adds a new id. Call `reserve` first.
  void insert(std::uint64_t hash, std::uint32_t id) noexcept {
    place(Slot{tag_of(hash), id});
    ++size_;
  }

  /// Replaces an existing id with another one of the same hash.
  void replace(std::uint64_t hash, std::uint32_t id, std::uint32_t other) noexcept {
    slots_[locate(hash, id)].id = other;
  }

  /// Removes an existing id; frees memory when most of the table is empty.
  void erase(std::uint64_t hash, std::uint32_t id) noexcept {
    std::size_t hole = locate(hash, id);
    for (std::size_t at = next(hole); slots_[at].id != npos; at = next(at)) {
      // Move a slot back only if its home is not behind the hole.
      if (distance(home(slots_[at].tag), at) >= distance(hole, at)) {
        slots_[hole] = slots_[at];
        hole = at;
      }
    }
    slots_[hole].id = npos;
    --size_;
    shrink();
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return capacity_ * sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t id = npos;
  };

  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
  }
  /// Maps the tag's position in its range to a position in the table.
  [[nodiscard]] std::size_t home(std::uint32_t tag) const noexcept {
    return static_cast<std::size_t>((std::uint64_t{tag} * capacity_) >> 32U);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept {
    return at + 1 == capacity_ ? 0 : at + 1;
  }
  /// How many steps of `next` lead from one slot to another.
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const noexcept {
    return to >= from ? to - from : to + capacity_ - from;
  }
  /// Returns the slot of an existing id. Ids may repeat, but a tag and an id together are unique.
  [[nodiscard]] std::size_t locate(std::uint64_t hash, std::uint32_t id) const noexcept {
    const auto tag = tag_of(hash);
    std::size_t at = home(tag);
    while (slots_[at].id != id || slots_[at].tag != tag) at = next(at);
    return at;
  }

  void place(Slot slot) noexcept {
    std::size_t at = home(slot.tag);
    while (slots_[at].id != npos) at = next(at);
    slots_[at] = slot;
  }

  void rehash(std::size_t capacity) {
    auto fresh = std::make_unique<Slot[]>(capacity);  // NOLINT(modernize-avoid-c-arrays)
    const auto old = std::exchange(slots_, std::move(fresh));
    const auto old_capacity = std::exchange(capacity_, capacity);
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old[i].id != npos) place(old[i]);
    }
  }

  void shrink() noexcept {
    if (size_ == 0) {
      slots_.reset();
      capacity_ = 0;
    } else if (capacity_ > 64 && size_ * 4 < capacity_) {
      try {
        rehash(capacity_ / 2);
      } catch (const std::bad_alloc&) {  // Keep the larger table.
      }
    }
  }

  static constexpr std::size_t smallest = 8;

  std::unique_ptr<Slot[]> slots_;  // NOLINT(modernize-avoid-c-arrays)
  std::size_t capacity_ = 0;       // 0, or `smallest` and more; below 2^32.
  std::size_t size_ = 0;
};

}  // namespace ordercast::detail
