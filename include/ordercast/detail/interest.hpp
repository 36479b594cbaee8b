// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/flat_index.hpp>
#include <ordercast/detail/hash.hpp>
#include <ordercast/detail/slab.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

/// Which shards have recipients for a change: subscribers of an order, connections of a user,
/// members of an organization, connections that see everything. A publisher asks it, so that a
/// change wakes only those shards.
///
/// **No subscription misses a version.** A shard adds its interest before anything of the order is
/// read for that subscription, and removes it after the subscription has ended. A publisher asks
/// after the change has been committed. Both happen under the lock of one stripe, so one is first:
/// - The add is first: the publisher finds the shard, and posts to it.
/// - The question is first: the commit came before it, and every read for the subscription comes
///   after the add. So what is read has the change, or a later one. A client without `since` reads
///   for itself, after it has been told that it is connected or subscribed.
/// What is posted runs on the shard's thread, thus after the step that added the interest.
///
/// Thread-safe. Keys are hashes that are compared in full: two ids with one hash share a count, so
/// a shard may be woken for nothing, and is never forgotten. Expected O(1), plus the shards that a
/// key has. Cost: about 30 bytes for each key and shard.
namespace ordercast::detail {

class Interest {
 public:
  enum class Kind : std::uint8_t { order, user, organization, everything };

  /// A set of shards. The shards from the last bit on share it.
  using Shards = std::uint64_t;
  static constexpr std::uint32_t last_bit = 63;
  [[nodiscard]] static constexpr Shards bit_of(std::size_t shard) noexcept {
    return Shards{1} << (shard < last_bit ? shard : last_bit);
  }

  /// Strong guarantee.
  void add(std::uint32_t shard, Kind kind, std::string_view id) {
    const auto key = key_of(kind, id);
    auto& stripe = stripe_of(key);
    const std::lock_guard<std::mutex> lock(stripe.mutex);
    auto at = stripe.find(key, shard);
    if (at == FlatIndex::npos) {
      stripe.index.reserve_one();
      at = stripe.entries.acquire();
      stripe.entries[at] = {key, shard, 0};
      stripe.index.insert(key, at);
    }
    ++stripe.entries[at].count;
  }

  /// Takes back one `add`; does nothing without one.
  void remove(std::uint32_t shard, Kind kind, std::string_view id) noexcept {
    const auto key = key_of(kind, id);
    auto& stripe = stripe_of(key);
    const std::lock_guard<std::mutex> lock(stripe.mutex);
    const auto at = stripe.find(key, shard);
    if (at == FlatIndex::npos || --stripe.entries[at].count != 0) return;
    stripe.index.erase(key, at);
    stripe.entries.release(at);
  }

  /// Returns the shards that have added this.
  [[nodiscard]] Shards of(Kind kind, std::string_view id) const {
    const auto key = key_of(kind, id);
    auto& stripe = stripe_of(key);
    const std::lock_guard<std::mutex> lock(stripe.mutex);
    Shards found = 0;
    static_cast<void>(stripe.index.find(key, [&](std::uint32_t at) {
      if (stripe.entries[at].key == key) found |= bit_of(stripe.entries[at].shard);
      return false;  // On to the next.
    }));
    return found;
  }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t shard = 0;
    std::uint32_t count = 0;
    [[nodiscard]] std::uint32_t& free_link() noexcept { return count; }
  };
  struct alignas(64) Stripe {
    std::mutex mutex;
    Slab<Entry> entries;
    FlatIndex index;

    [[nodiscard]] std::uint32_t find(std::uint64_t key, std::uint32_t shard) const noexcept {
      return index.find(key, [&](std::uint32_t at) {
        return entries[at].key == key && entries[at].shard == shard;
      });
    }
  };
  static constexpr std::size_t stripes = 64;

  [[nodiscard]] std::uint64_t key_of(Kind kind, std::string_view id) const noexcept {
    return hash_bytes(id, seed_ + 2 * static_cast<std::uint64_t>(kind));
  }
  [[nodiscard]] Stripe& stripe_of(std::uint64_t key) const noexcept {
    return stripes_[key % stripes];
  }

  std::uint64_t seed_ = hash_seed();
  mutable std::array<Stripe, stripes> stripes_;
};

/// One shard's part of it; without one it does nothing.
class ShardInterest {
 public:
  ShardInterest() = default;
  ShardInterest(std::shared_ptr<Interest> all, std::uint32_t shard) noexcept
      : all_(std::move(all)), shard_(shard) {}

  void add(Interest::Kind kind, std::string_view id) const {
    if (all_) all_->add(shard_, kind, id);
  }
  void remove(Interest::Kind kind, std::string_view id) const noexcept {
    if (all_) all_->remove(shard_, kind, id);
  }

 private:
  std::shared_ptr<Interest> all_;
  std::uint32_t shard_ = 0;
};

}  // namespace ordercast::detail
