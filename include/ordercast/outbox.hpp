// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/flat_index.hpp>
#include <ordercast/detail/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// The bounded, conflating send queue of one slow connection.
///
/// An order is a state, not a log: the queue holds at most one `order:updated` of each order, the
/// newest, and at most one `orders:changed`. A newer one takes the older one's place. It holds one
/// control message of each topic (pongs; errors of one code about one order). So memory is bounded
/// by what the connection watches, not by how long it is slow, and the connection gets the final
/// state in the end. Of an application's messages with the same topic only the newest waits, at the
/// end of the queue, since it may depend on what was queued after the older one.
///
/// If a message does not fit, the owner decides: it may make room (`take_newest_update`,
/// `drop_oldest_hint`) or owe an order instead of queueing it (connection_manager.hpp).
///
/// `push`, `pop` and `drop_updates` are expected O(1). One thread at a time. An outbox exists only
/// while its connection is slow.
namespace ordercast {

enum class QueuedKind : std::uint8_t {
  control,         ///< A pong, an error.
  order_updated,   ///< An order.
  orders_changed,  ///< A hint.
  application,     ///< An application's message.
};

enum class PushResult : std::uint8_t {
  queued,
  conflated,  ///< Replaced an older message of the same kind and order.
  full,       ///< Not queued: it would exceed a bound.
};

/// `Frame`: as the transport prepared it; cheap to copy.
template <class Frame>
class Outbox {
 public:
  /// Bounds in messages and in bytes of their frames. 0 messages: `most_messages`; 0 bytes: no
  /// bound. The bound in bytes never refuses a message into an empty queue. `first_id`: the first
  /// internal id, so that a test can start shortly before they wrap.
  Outbox(std::size_t max_messages, std::size_t max_bytes, std::uint32_t first_id = 0)
      : max_messages_(max_messages == 0 ? most_messages : (std::min)(max_messages, most_messages)),
        max_bytes_(max_bytes),
        first_(first_id & id_mask) {}

  /// No outbox holds more messages, whatever bound was given.
  static constexpr std::size_t most_messages = std::size_t{1} << 20U;

  /// Queues a message of `bytes` bytes. For `control` and `application` the `order_id` is the
  /// topic. Without a topic, or if `conflates` is false, an older message stays.
  PushResult push(QueuedKind kind, std::string_view order_id, const Frame& frame, std::size_t bytes,
                  bool conflates = true) {
    conflates = conflates && !order_id.empty();
    const auto older = conflates ? find(kind, order_id) : npos;
    if (older == npos) return append(kind, order_id, frame, bytes, conflates);
    if (!fits(size_ - 1, bytes_ - entry(older).bytes, bytes)) return PushResult::full;
    // An order must precede its hint, so a hint that stands before its order moves back.
    const auto update =
        kind == QueuedKind::orders_changed ? find(QueuedKind::order_updated, order_id) : npos;
    if (kind == QueuedKind::application || (update != npos && position(update) > position(older))) {
      // Add first, so that nothing is lost if memory runs out.
      add(kind, order_id, frame, bytes, true);
      remove(older);
      return PushResult::conflated;
    }
    Entry& waiting = entry(older);
    bytes_ = bytes_ - waiting.bytes + bytes;
    waiting.frame = frame;
    waiting.bytes = bytes;
    return PushResult::conflated;
  }

  /// Returns the first message. Precondition: not empty.
  [[nodiscard]] const Frame& front() const noexcept { return entries_.front().frame; }
  [[nodiscard]] std::size_t front_bytes() const noexcept { return entries_.front().bytes; }
  [[nodiscard]] QueuedKind front_kind() const noexcept { return entries_.front().kind; }

  /// Removes the first message. Precondition: not empty.
  void pop() noexcept { remove(first_); }

  /// Removes the queued `order:updated` of an order (the client unsubscribed). Returns true if
  /// there was one.
  bool drop_updates(std::string_view order_id) noexcept {
    const auto at = find(QueuedKind::order_updated, order_id);
    if (at == npos) return false;
    remove(at);
    return true;
  }

  /// Removes the `order:updated` that was queued last and returns its order; nullopt if there is
  /// none. O(messages behind it).
  [[nodiscard]] std::optional<std::string> take_newest_update() {
    for (auto at = entries_.size(); at-- > 0;) {
      if (entries_[at].removed || entries_[at].kind != QueuedKind::order_updated) continue;
      std::string order_id = entries_[at].order_id;
      remove(id_at(at));
      return order_id;
    }
    return std::nullopt;
  }

  /// Drops the oldest `orders:changed`. Returns false if no more than `keep` are queued.
  /// O(messages).
  bool drop_oldest_hint(std::size_t keep = 0) noexcept {
    auto oldest = entries_.size();
    std::size_t hints = 0;
    for (auto at = entries_.size(); at-- > 0;) {
      if (entries_[at].removed || entries_[at].kind != QueuedKind::orders_changed) continue;
      oldest = at;
      ++hints;
    }
    if (hints <= keep) return false;
    remove(id_at(oldest));
    return true;
  }

  /// Removes the application's messages whose topic begins with `prefix`, oldest first, and calls
  /// `f(topic, frame, bytes, conflates)` for each. O(messages) if there are any of the
  /// application's.
  template <class F>
  void take_application(std::string_view prefix, F&& f) {
    if (application_ == 0) return;
    for (std::size_t at = 0; at < entries_.size(); ++at) {
      const Entry& waiting = entries_[at];
      if (waiting.removed || waiting.kind != QueuedKind::application ||
          std::string_view(waiting.order_id).substr(0, prefix.size()) != prefix) {
        continue;
      }
      f(waiting.order_id, waiting.frame, waiting.bytes, waiting.indexed);
      take_out(id_at(at));
    }
    close_gaps();
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
    bool indexed = false;  ///< A newer one of the same kind and order replaces it.
    bool removed = false;
  };

  [[nodiscard]] static std::uint64_t hash(QueuedKind kind, std::string_view order_id) noexcept {
    return detail::hash_bytes(order_id, detail::hash_seed() + static_cast<std::uint64_t>(kind));
  }
  // Ids count up along the queue, so an entry keeps its id when earlier ones leave. They wrap
  // around at 2^31, so that none is ever `npos`.
  static constexpr std::uint32_t id_mask = 0x7FFFFFFFU;
  [[nodiscard]] std::uint32_t id_at(std::size_t position) const noexcept {
    return (first_ + static_cast<std::uint32_t>(position)) & id_mask;
  }
  [[nodiscard]] std::uint32_t position(std::uint32_t id) const noexcept {
    return (id - first_) & id_mask;
  }
  [[nodiscard]] Entry& entry(std::uint32_t id) noexcept { return entries_[position(id)]; }
  [[nodiscard]] const Entry& entry(std::uint32_t id) const noexcept {
    return entries_[position(id)];
  }
  /// Returns true if a message of `more` bytes fits with `messages` others of `bytes` in total.
  [[nodiscard]] bool fits(std::size_t messages, std::size_t bytes,
                          std::size_t more) const noexcept {
    return messages < max_messages_ &&
           (max_bytes_ == 0 || messages == 0 || (more <= max_bytes_ && bytes <= max_bytes_ - more));
  }

  [[nodiscard]] std::uint32_t find(QueuedKind kind, std::string_view order_id) const noexcept {
    return index_.find(hash(kind, order_id), [&](std::uint32_t id) {
      return entry(id).kind == kind && entry(id).order_id == order_id;
    });
  }

  PushResult append(QueuedKind kind, std::string_view order_id, const Frame& frame,
                    std::size_t bytes, bool indexed) {
    if (!fits(size_, bytes_, bytes)) return PushResult::full;
    add(kind, order_id, frame, bytes, indexed);
    return PushResult::queued;
  }

  /// Strong guarantee.
  void add(QueuedKind kind, std::string_view order_id, const Frame& frame, std::size_t bytes,
           bool indexed) {
    index_.reserve_one();
    entries_.push_back({frame, std::string(order_id), bytes, kind, indexed, false});
    if (indexed) index_.insert(hash(kind, order_id), id_at(entries_.size() - 1));
    ++size_;
    bytes_ += bytes;
    application_ += kind == QueuedKind::application ? 1U : 0U;
  }

  /// Removes an entry anywhere in the queue; gaps in the middle are freed when they reach the
  /// front.
  void remove(std::uint32_t id) noexcept {
    take_out(id);
    close_gaps();
  }

  void take_out(std::uint32_t id) noexcept {
    Entry& leaving = entry(id);
    if (leaving.indexed) index_.erase(hash(leaving.kind, leaving.order_id), id);
    bytes_ -= leaving.bytes;
    --size_;
    application_ -= leaving.kind == QueuedKind::application ? 1U : 0U;
    leaving.removed = true;
    leaving.frame = Frame{};
  }

  void close_gaps() noexcept {
    while (!entries_.empty() && entries_.front().removed) {
      entries_.pop_front();
      first_ = (first_ + 1) & id_mask;
    }
    if (entries_.size() > 2 * size_ + 32) compact();
  }

  /// Closes the gaps that a client makes by unsubscribing while it does not read. Assigns new ids,
  /// so that none collides with an old one; the index keeps its size, so it neither allocates nor
  /// frees its table.
  void compact() noexcept {
    const auto fresh_first = id_at(entries_.size());
    std::uint32_t kept = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].removed) continue;
      if (entries_[i].indexed) {
        index_.replace(hash(entries_[i].kind, entries_[i].order_id), id_at(i),
                       (fresh_first + kept) & id_mask);
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
  std::size_t application_ = 0;  // How many of size_ are the application's.
  std::uint32_t first_;          // The id of entries_.front(); wraps.
  std::deque<Entry> entries_;
  detail::FlatIndex index_;
};

}  // namespace ordercast
