// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/flat_index.hpp>
#include <ordercast/detail/hash.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

/// One slow connection's bounded, conflating send queue.
///
/// An order is a state, not a log: of each order at most one `order:updated` waits, the newest, and
/// at most one `orders:changed`. A newer one takes the older one's place in the queue. Control
/// messages (pong, errors) are never conflated. So memory is bounded by what the connection
/// watches, not by how long it is slow, and what it gets in the end is the final state.
///
/// `push`, `pop` and `drop_updates` are expected O(1). One thread at a time. An outbox exists only
/// while its connection is slow.
namespace ordercast {

enum class QueuedKind : std::uint8_t { control, order_updated, orders_changed };

enum class PushResult : std::uint8_t {
  queued,
  conflated,  ///< An older message of the same kind and order made way.
  full,       ///< Not taken: the outbox is at its bound and can't be conflated further.
};

/// `Frame`: cheap to copy, as the transport prepared it.
template <class Frame>
class Outbox {
 public:
  /// Bounds in messages and in bytes of their frames; 0: no bound.
  Outbox(std::size_t max_messages, std::size_t max_bytes)
      : max_messages_(max_messages), max_bytes_(max_bytes) {}

  /// Queues a message of `bytes` bytes. `order_id` is not looked at for `control`.
  PushResult push(QueuedKind kind, std::string_view order_id, const Frame& frame,
                  std::size_t bytes) {
    if (kind == QueuedKind::control) return append(kind, {}, frame, bytes);
    const auto older = find(kind, order_id);
    if (older == npos) return append(kind, order_id, frame, bytes);
    if (max_bytes_ != 0 && bytes_ - entry(older).bytes + bytes > max_bytes_) {
      return PushResult::full;
    }
    // The order itself goes before the hint on it: a hint that stands before its order moves back.
    const auto update =
        kind == QueuedKind::orders_changed ? find(QueuedKind::order_updated, order_id) : npos;
    if (update != npos && update - first_ > older - first_) {
      remove(older);
      append(kind, order_id, frame, bytes);
      return PushResult::conflated;
    }
    Entry& waiting = entry(older);
    bytes_ = bytes_ - waiting.bytes + bytes;
    waiting.frame = frame;
    waiting.bytes = bytes;
    return PushResult::conflated;
  }

  /// The message that is due. Precondition: not empty.
  [[nodiscard]] const Frame& front() const noexcept { return entries_.front().frame; }
  [[nodiscard]] std::size_t front_bytes() const noexcept { return entries_.front().bytes; }

  /// Takes the message that is due off the queue. Precondition: not empty.
  void pop() noexcept { remove(first_); }

  /// Forgets the waiting `order:updated` of an order (the client unsubscribed). True if there was
  /// one.
  bool drop_updates(std::string_view order_id) noexcept {
    const auto at = find(QueuedKind::order_updated, order_id);
    if (at == npos) return false;
    remove(at);
    return true;
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  static constexpr std::uint32_t npos = detail::FlatIndex::npos;

  struct Entry {
    Frame frame{};
    std::string order_id;
    std::size_t bytes = 0;
    QueuedKind kind = QueuedKind::control;
    bool removed = false;
  };

  [[nodiscard]] static std::uint64_t hash(QueuedKind kind, std::string_view order_id) noexcept {
    return detail::hash_bytes(order_id, detail::hash_seed() + static_cast<std::uint64_t>(kind));
  }
  // Ids count up with the queue, so an entry keeps its id while those before it leave.
  [[nodiscard]] Entry& entry(std::uint32_t id) noexcept { return entries_[id - first_]; }
  [[nodiscard]] const Entry& entry(std::uint32_t id) const noexcept {
    return entries_[id - first_];
  }

  [[nodiscard]] std::uint32_t find(QueuedKind kind, std::string_view order_id) const noexcept {
    return index_.find(hash(kind, order_id), [&](std::uint32_t id) {
      return entry(id).kind == kind && entry(id).order_id == order_id;
    });
  }

  PushResult append(QueuedKind kind, std::string_view order_id, const Frame& frame,
                    std::size_t bytes) {
    if ((max_messages_ != 0 && size_ >= max_messages_) ||
        (max_bytes_ != 0 && bytes_ + bytes > max_bytes_)) {
      return PushResult::full;
    }
    index_.reserve_one();
    entries_.push_back({frame, std::string(order_id), bytes, kind, false});
    const auto id = first_ + static_cast<std::uint32_t>(entries_.size() - 1);
    if (kind != QueuedKind::control) index_.insert(hash(kind, order_id), id);
    ++size_;
    bytes_ += bytes;
    return PushResult::queued;
  }

  /// Takes an entry out wherever it stands; entries that left the middle go when they come up.
  void remove(std::uint32_t id) noexcept {
    Entry& leaving = entry(id);
    if (leaving.kind != QueuedKind::control) {
      index_.erase(hash(leaving.kind, leaving.order_id), id);
    }
    bytes_ -= leaving.bytes;
    --size_;
    leaving.removed = true;
    leaving.frame = Frame{};
    while (!entries_.empty() && entries_.front().removed) {
      entries_.pop_front();
      ++first_;
    }
    if (entries_.size() > 2 * size_ + 32) compact();
  }

  /// Closes the gaps that a client can make by unsubscribing while it does not read. The ids are
  /// new ones, so that none meets an old one in the index on the way.
  void compact() noexcept {
    const auto fresh_first = first_ + static_cast<std::uint32_t>(entries_.size());
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].removed) continue;
      if (entries_[i].kind != QueuedKind::control) {
        const auto key = hash(entries_[i].kind, entries_[i].order_id);
        index_.erase(key, first_ + i);
        index_.insert(key, fresh_first + kept);
      }
      if (kept != i) entries_[kept] = std::move(entries_[i]);
      ++kept;
    }
    while (entries_.size() > kept) entries_.pop_back();
    first_ = fresh_first;
  }

  std::size_t max_messages_;
  std::size_t max_bytes_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
  std::uint32_t first_ = 0;  // The id of entries_.front(); wraps around.
  std::deque<Entry> entries_;
  detail::FlatIndex index_;
};

}  // namespace ordercast
