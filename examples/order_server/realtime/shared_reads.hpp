// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.hpp"
#include "workers/worker_pool.hpp"

#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// Reads by key on a worker pool, for threads that must never wait for a database.
namespace order_server {

/// What a read came to. `value` is borrowed for the call; all who share a read are given the same.
template <class Value>
struct ReadAnswer {
  bool is_available = false;     ///< False: nobody can tell just now. Ask again.
  const Value* value = nullptr;  ///< Null while available: there is nothing under this key.
};

/// Logs and counts reads that gave no answer; at most one line a second, however many they are.
void note_unavailable(Metrics& metrics, std::size_t count, const char* reason) noexcept;

/// Reads that are asked for while one of the same key waits for a worker join that one: when all
/// clients come back at once, an order is read once for all of its watchers. They never join a read
/// that has begun, whose answer may be older than what they were registered for.
///
/// A read that fails, or that the full pool does not take, is answered as not available, at once:
/// whoever asks knows best when to ask again. Any thread. Pool and metrics must outlive the last
/// callback; `WorkerPool::stop` runs every read that waits.
template <class Value>
class SharedReads {
 public:
  using Answer = ReadAnswer<Value>;
  using Found = std::function<void(const Answer&)>;
  using Read = std::function<std::optional<Value>(const std::string& key)>;

  SharedReads(WorkerPool& pool, Metrics& metrics, Read read)
      : pool_(pool), metrics_(metrics), read_(std::move(read)) {}

  /// Calls `found` exactly once: on a worker, or at once on this thread when the queue is full.
  void find(const std::string& key, Found found) {
    metrics_.lookups.add();
    {
      const std::lock_guard lock(mutex_);
      auto& waiting = waiting_[key];
      waiting.push_back(std::move(found));
      if (waiting.size() > 1) return;
    }
    const char* reason = "too many look-ups wait";
    try {
      if (pool_.submit([this, key] { read(key); })) return;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    give_up(take(key), reason);
  }

 private:
  using Waiting = std::vector<Found>;

  [[nodiscard]] Waiting take(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return {};
    auto waiting = std::move(found->second);
    waiting_.erase(found);
    return waiting;
  }

  void read(const std::string& key) {
    const auto waiting = take(key);
    metrics_.lookup_reads.add();
    std::optional<Value> value;
    try {
      value = read_(key);
    } catch (const std::exception& error) {
      return give_up(waiting, error.what());
    } catch (...) {
      return give_up(waiting, "unknown exception");
    }
    answer(waiting, {true, value ? &*value : nullptr});
  }

  void give_up(const Waiting& waiting, const char* reason) {
    note_unavailable(metrics_, waiting.size(), reason);
    answer(waiting, {});
  }

  /// One whose callback throws must not cost the others their answer.
  void answer(const Waiting& waiting, const Answer& answer) {
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
  const Read read_;
  std::mutex mutex_;
  std::unordered_map<std::string, Waiting> waiting_;  // under mutex_: for a read that has not begun
};

}  // namespace order_server
