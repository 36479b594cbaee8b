// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The unanswered questions of one connection, and the orders that it is owed.
namespace ordercast::detail {

/// A subscription with an open question or a debt. It is in the registry already, so no change is
/// lost in the meantime: the newest one waits here, or becomes a debt.
template <class Frame>
struct PendingSubscription {
  enum class Stage : std::uint8_t {
    authorizing,  ///< The authorizer has been asked.
    unanswered,   ///< The authorizer was unavailable; ask again at `due`.
    owed,         ///< Authorized; read the order when there is room, not before `due`.
    fetching,     ///< The order source has been asked.
    refused,      ///< Ended; tell the client when there is room.
  };

  struct Held {
    Frame frame{};
    std::size_t bytes = 0;
    std::uint64_t version = 0;
  };

  /// An application's message that must come after the order.
  struct Follower {
    std::string topic;
    Frame frame{};
    std::size_t bytes = 0;
    bool conflates = false;
  };
  using Following = std::vector<Follower>;

  std::string order_id;
  std::uint64_t request = 0;  ///< Identifies the record; counts up in the order of subscribing.
  std::uint32_t asked = 0;    ///< How many subscribes it answers.
  std::uint32_t message = 0;  ///< The number of the first one's message; see AbuseWindow.
  std::uint32_t apart = 0;    ///< How many of them came in other messages than the first.
  std::uint32_t tries = 0;    ///< Answers "unavailable" in a row.
  std::uint32_t attempt =
      0;  ///< Identifies the newest question; answers to older ones are ignored.
  Stage stage = Stage::authorizing;
  ErrorCode refusal = ErrorCode::unavailable;  ///< Why it has ended.
  bool any_version = false;  ///< `since` is from another store: any version is new.
  bool must = false;  ///< A change became this debt: pay it with that version or a newer one.
  std::uint64_t promised_at_ask = 0;  ///< The version owed when the order source was asked.
  std::optional<std::uint64_t> since;
  std::optional<Held> held;
  Following following;
  TimePoint due = (TimePoint::max)();       ///< When an answer is late, or when to try next.
  std::optional<TimePoint> troubled_since;  ///< When the first answer was "unavailable".

  [[nodiscard]] bool is_authorized() const noexcept {
    return stage == Stage::owed || stage == Stage::fetching;
  }

  /// Merges another subscribe for the same order that came before the first was answered.
  void merge(std::optional<std::uint64_t> other, bool other_store, std::uint32_t number) noexcept {
    ++asked;
    if (number == 0 || number != message) ++apart;
    any_version = any_version || other_store;
    if (other) since = since ? (std::min)(*since, *other) : *other;
  }
};

/// The records of one connection, found by request and by order in O(log n). References stay valid
/// until a record is erased. Bounded by the connection's subscriptions.
template <class Frame>
class PendingList {
 public:
  using Record = PendingSubscription<Frame>;
  using Stage = typename Record::Stage;

  /// Adds a record for an order that has none. Strong guarantee.
  Record& add(Record record) {
    const auto request = record.request;
    Record& added = records_.emplace(request, std::move(record)).first->second;
    try {
      by_order_.emplace(added.order_id, request);
      if (added.stage == Stage::owed) owed_.insert(request);
    } catch (...) {
      by_order_.erase(added.order_id);
      records_.erase(request);
      throw;
    }
    return added;
  }

  void erase(Record& record) noexcept {
    drop_held(record);
    static_cast<void>(take_following(record));
    if (record.stage == Stage::fetching) --fetching_;
    owed_.erase(record.request);
    refused_.erase(record.request);
    by_order_.erase(record.order_id);
    records_.erase(record.request);
    if (records_.empty()) next_due_ = (TimePoint::max)();
  }

  [[nodiscard]] Record* find(std::string_view order_id) noexcept {
    const auto found = by_order_.find(order_id);
    return found == by_order_.end() ? nullptr : find(found->second);
  }
  [[nodiscard]] Record* find(std::uint64_t request) noexcept {
    const auto found = records_.find(request);
    return found == records_.end() ? nullptr : &found->second;
  }

  void set_stage(Record& record, Stage stage) {
    // May throw, so do it before anything changes.
    if (stage == Stage::owed) owed_.insert(record.request);
    if (stage == Stage::refused) refused_.insert(record.request);
    if (stage != Stage::owed) owed_.erase(record.request);
    if (stage != Stage::refused) refused_.erase(record.request);
    if (record.stage == Stage::fetching) --fetching_;
    if (stage == Stage::fetching) ++fetching_;
    record.stage = stage;
  }

  /// Returns the debt to pay next: of those that are due, the first by order of subscribing. Null
  /// if there is none.
  [[nodiscard]] Record* next_owed(TimePoint now) noexcept {
    for (const auto request : owed_) {
      Record& record = records_.at(request);
      if (record.due <= now) return &record;
    }
    return nullptr;
  }

  /// Returns the first ended record by order of subscribing; null if there is none.
  [[nodiscard]] Record* next_refused() noexcept {
    return refused_.empty() ? nullptr : find(*refused_.begin());
  }

  /// Stores a message in its record. Returns false, and stores nothing, if the messages of all
  /// records together would exceed `most` bytes (0: no bound); a single one always fits.
  [[nodiscard]] bool hold(Record& record, const Frame& frame, std::size_t bytes,
                          std::uint64_t version, std::size_t most) {
    drop_held(record);
    if (most != 0 && held_bytes_ != 0 && held_bytes_ + bytes > most) return false;
    record.held = typename Record::Held{frame, bytes, version};
    held_bytes_ += bytes;
    return true;
  }
  void drop_held(Record& record) noexcept {
    if (!record.held) return;
    held_bytes_ -= record.held->bytes;
    record.held.reset();
  }

  /// Stores a message to send after a record's order; if it conflates, it replaces an older one
  /// with its topic. Returns false, and stores nothing, if the messages of all records together
  /// would exceed these bounds (0: none); a single one always fits.
  [[nodiscard]] bool follow(Record& record, typename Record::Follower message,
                            std::size_t most_messages, std::size_t most_bytes) {
    auto& following = record.following;
    if (message.conflates) {
      const auto older = std::find_if(following.begin(), following.end(), [&](const auto& one) {
        return one.conflates && one.topic == message.topic;
      });
      if (older != following.end()) {
        following_bytes_ -= older->bytes;
        --following_;
        following.erase(older);
      }
    }
    if (following_ != 0 && ((most_messages != 0 && following_ >= most_messages) ||
                            (most_bytes != 0 && following_bytes_ + message.bytes > most_bytes))) {
      return false;
    }
    const auto bytes = message.bytes;
    following.push_back(std::move(message));
    ++following_;
    following_bytes_ += bytes;
    return true;
  }
  /// Inserts messages before the stored ones. Returns false if the messages of all records together
  /// now exceed these bounds (0: none); a single one is always allowed.
  [[nodiscard]] bool follow_first(Record& record, typename Record::Following messages,
                                  std::size_t most_messages, std::size_t most_bytes) {
    for (const auto& message : messages) {
      ++following_;
      following_bytes_ += message.bytes;
    }
    for (auto& message : record.following) messages.push_back(std::move(message));
    record.following = std::move(messages);
    return following_ < 2 || ((most_messages == 0 || following_ <= most_messages) &&
                              (most_bytes == 0 || following_bytes_ <= most_bytes));
  }
  [[nodiscard]] typename Record::Following take_following(Record& record) noexcept {
    for (const auto& message : record.following) {
      --following_;
      following_bytes_ -= message.bytes;
    }
    return std::exchange(record.following, {});
  }

  /// Sets when a record is due.
  void set_due(Record& record, TimePoint due) noexcept {
    record.due = due;
    next_due_ = (std::min)(next_due_, due);
  }
  /// Returns a time at or before the earliest `due`.
  [[nodiscard]] TimePoint next_due() const noexcept { return next_due_; }
  /// Calls `f(request)` for each record that is due; `f` must not change the list.
  template <class F>
  void for_each_due(TimePoint now, F&& f) {
    next_due_ = (TimePoint::max)();
    for (const auto& [request, record] : records_) {
      if (record.due <= now) {
        f(request);
      } else {
        next_due_ = (std::min)(next_due_, record.due);
      }
    }
  }

  [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] std::size_t fetching() const noexcept { return fetching_; }
  [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }

 private:
  std::map<std::uint64_t, Record> records_;
  std::map<std::string_view, std::uint64_t> by_order_;  // Borrows the records' ids.
  std::set<std::uint64_t> owed_;
  std::set<std::uint64_t> refused_;
  std::size_t fetching_ = 0;
  std::size_t held_bytes_ = 0;
  std::size_t following_ = 0;
  std::size_t following_bytes_ = 0;
  TimePoint next_due_ = (TimePoint::max)();
};

}  // namespace ordercast::detail
