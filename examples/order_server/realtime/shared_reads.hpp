// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.hpp"
#include "workers/worker_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// Shares reads by key on a worker pool, for threads that must never wait for a database.
namespace order_server {

/// The result of a read. `value` is borrowed for the call; all callers that share a read get the
/// same.
template <class Value>
struct ReadResult {
  bool is_available = false;     ///< False: the read failed. Ask again.
  const Value* value = nullptr;  ///< Null if available: there is nothing under this key.
};

/// Logs and counts reads that gave no answer, with at most one line a second.
void note_unavailable(Metrics& metrics, std::size_t count, const char* reason) noexcept;

/// Bounds of reads that are shared.
struct SharedReadLimits {
  std::size_t keys_a_turn = 1;
  /// Most callers that may wait; a further one gets "not available". A pool's own bound is of
  /// turns.
  std::size_t waiting = 262'144;
  /// The same for the callers of one owner; not for "", the server itself.
  std::size_t waiting_of_owner = 4'000;
};

/// A read joins one of the same key that still waits for a worker: when all clients come back at
/// once, an order is read once for all its watchers. A read never joins one that has begun, whose
/// answer may be older than the caller's subscription.
///
/// Each owner (a user) takes turns of its own in the pool, so that no user waits for the many keys
/// of another, not even for a key that both want: the first turn serves all callers that wait for
/// the key, and the other turns find nothing to do. A turn reads several keys at once, so that who
/// asks for twenty in one message is answered from one read.
///
/// A read that fails, or that a full pool refuses, is answered at once as not available: the caller
/// knows best when to ask again. Any thread. Pool and metrics must outlive the last callback;
/// `WorkerPool::stop` runs every waiting read.
template <class Value>
class SharedReads {
 public:
  using Result = ReadResult<Value>;
  using Callback = std::function<void(const Result&)>;
  using Keys = std::vector<std::string>;
  using Values = std::unordered_map<std::string, Value>;
  /// Reads what there is under these keys.
  using Read = std::function<Values(const Keys& keys)>;

  SharedReads(WorkerPool& pool, Metrics& metrics, SharedReadLimits limits, Read read)
      : pool_(pool), metrics_(metrics), limits_(limits), read_(std::move(read)) {}

  /// Calls `found` exactly once: on a worker, or at once on this thread when the queue is full. It
  /// takes a turn of `owner`; "" is the server itself.
  void find(const std::string& owner, const std::string& key, Callback found) {
    metrics_.lookups.add();
    switch (enter(owner, key, found)) {
      case Entered::turned_away:
        return give_up(Waiting{std::move(found)}, too_many);
      case Entered::with_others:
        return;
      case Entered::needs_turn:
        break;
    }
    const char* reason = too_many;
    try {
      Job job{[this, owner] { read(owner); }, owner, 0,
              [this, owner] { give_up(lose_turn(owner), too_many); }};
      if (pool_.submit(std::move(job))) return;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    give_up(lose_turn(owner), reason);
  }

 private:
  using Waiting = std::vector<Callback>;
  using WaitingByOwner = std::unordered_map<std::string, Waiting>;
  static constexpr const char* too_many = "too many look-ups wait";

  enum class Entered : std::uint8_t { turned_away, with_others, needs_turn };

  /// The turns of one owner. There are at most `queued * keys_a_turn` keys; where memory ran out in
  /// between there may be more, until the owner's next `find` queues a turn for them.
  struct Turns {
    std::deque<std::string> keys;  ///< Oldest first. One that another owner's turn has read stays.
    std::size_t queued = 0;        ///< Turns that wait in the pool.
    std::size_t waiting = 0;       ///< Callers.
  };
  /// What one turn reads, and for whom.
  struct Taken {
    Keys keys;
    std::vector<WaitingByOwner> waiting;  ///< By key.
  };

  /// Has a caller wait, and takes `found` then. `needs_turn`: one more turn has been counted, and
  /// must be queued or lost.
  [[nodiscard]] Entered enter(const std::string& owner, const std::string& key, Callback& found) {
    const std::lock_guard lock(mutex_);
    auto& turns = turns_[owner];
    if (all_waiting_ >= limits_.waiting ||
        (!owner.empty() && turns.waiting >= limits_.waiting_of_owner)) {
      erase_if_idle(turns_.find(owner));
      return Entered::turned_away;
    }
    auto& waiting = waiting_[key][owner];
    if (waiting.empty()) turns.keys.push_back(key);
    waiting.push_back(std::move(found));
    ++turns.waiting;
    ++all_waiting_;
    if (turns.keys.size() <= turns.queued * limits_.keys_a_turn) return Entered::with_others;
    ++turns.queued;
    return Entered::needs_turn;
  }

  /// Callers of an owner that wait no longer.
  void leave(const std::string& owner, std::size_t count) {
    all_waiting_ -= count;
    const auto turns = turns_.find(owner);
    if (turns != turns_.end()) turns->second.waiting -= count;
  }

  /// Begins a turn: takes the oldest keys, with the callers of every owner.
  [[nodiscard]] Taken take_turn(const std::string& owner) {
    const std::lock_guard lock(mutex_);
    const auto turns = turns_.find(owner);
    --turns->second.queued;
    Taken taken;
    taken.keys.reserve(limits_.keys_a_turn);
    taken.waiting.reserve(limits_.keys_a_turn);
    auto& keys = turns->second.keys;
    while (!keys.empty() && taken.keys.size() < limits_.keys_a_turn) {  // Nothing in here throws.
      const auto found = waiting_.find(keys.front());
      if (found != waiting_.end()) {
        for (const auto& [other, waiting] : found->second) leave(other, waiting.size());
        taken.keys.push_back(std::move(keys.front()));
        taken.waiting.push_back(std::move(found->second));
        waiting_.erase(found);
      }
      keys.pop_front();
    }
    erase_if_idle(turns);
    return taken;
  }

  /// Takes back a turn that will not come, with the newest keys that are now without one: only that
  /// owner's callers, as others have turns of their own.
  [[nodiscard]] Waiting lose_turn(const std::string& owner) {
    const std::lock_guard lock(mutex_);
    const auto turns = turns_.find(owner);
    --turns->second.queued;
    Waiting lost;
    auto& keys = turns->second.keys;
    while (keys.size() > turns->second.queued * limits_.keys_a_turn) {
      const auto found = waiting_.find(keys.back());
      if (found != waiting_.end()) {
        const auto own = found->second.find(owner);
        if (own != found->second.end()) {
          lost.insert(lost.end(), own->second.begin(), own->second.end());
          leave(owner, own->second.size());
          found->second.erase(own);
        }
        if (found->second.empty()) waiting_.erase(found);
      }
      keys.pop_back();
    }
    erase_if_idle(turns);
    return lost;
  }

  void erase_if_idle(typename std::unordered_map<std::string, Turns>::iterator turns) {
    if (turns->second.queued == 0 && turns->second.keys.empty()) turns_.erase(turns);
  }

  void read(const std::string& owner) {
    Taken taken;
    try {
      taken = take_turn(owner);
    } catch (const std::exception& error) {
      return note_unavailable(metrics_, 1, error.what());
    }
    if (taken.keys.empty()) return;  // Other owners' turns came first.
    metrics_.lookup_reads.add();
    Values values;
    try {
      values = read_(taken.keys);
    } catch (const std::exception& error) {
      return give_up(taken, error.what());
    } catch (...) {
      return give_up(taken, "unknown exception");
    }
    for (std::size_t i = 0; i < taken.keys.size(); ++i) {
      const auto found = values.find(taken.keys[i]);
      const Result result{true, found == values.end() ? nullptr : &found->second};
      for (const auto& [other, waiting] : taken.waiting[i]) answer(waiting, result);
    }
  }

  void give_up(const Taken& taken, const char* reason) {
    for (const auto& owners : taken.waiting) {
      for (const auto& [owner, waiting] : owners) give_up(waiting, reason);
    }
  }
  void give_up(const Waiting& waiting, const char* reason) {
    if (waiting.empty()) return;
    note_unavailable(metrics_, waiting.size(), reason);
    answer(waiting, {});
  }

  /// A callback that throws must not cost the others their answer.
  void answer(const Waiting& waiting, const Result& answer) {
    for (const auto& found : waiting) {
      try {
        found(answer);
      } catch (const std::exception& error) {
        note_unavailable(metrics_, 1, error.what());
      }
    }
  }

  WorkerPool& pool_;
  Metrics& metrics_;
  const SharedReadLimits limits_;
  const Read read_;
  std::mutex mutex_;
  // Guarded by mutex_: the callers that wait for a read that has not begun, by key and owner.
  std::unordered_map<std::string, WaitingByOwner> waiting_;
  std::unordered_map<std::string, Turns> turns_;
  std::size_t all_waiting_ = 0;
};

}  // namespace order_server
