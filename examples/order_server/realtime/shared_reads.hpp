// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.hpp"
#include "workers/worker_pool.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
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

/// A read joins one of the same key that still waits for a worker: when all clients come back at
/// once, an order is read once for all its watchers. A read never joins one that has begun, whose
/// answer may be older than the caller's subscription.
///
/// Each owner (a user) takes turns of its own in the pool, so that no user waits for the many keys
/// of another, not even for a key that both want: the first turn serves all callers that wait for
/// the key, and the other turns find nothing to do.
///
/// A read that fails, or that a full pool refuses, is answered at once as not available: the caller
/// knows best when to ask again. Any thread. Pool and metrics must outlive the last callback;
/// `WorkerPool::stop` runs every waiting read.
template <class Value>
class SharedReads {
 public:
  using Result = ReadResult<Value>;
  using Callback = std::function<void(const Result&)>;
  using Read = std::function<std::optional<Value>(const std::string& key)>;

  SharedReads(WorkerPool& pool, Metrics& metrics, Read read)
      : pool_(pool), metrics_(metrics), read_(std::move(read)) {}

  /// Calls `found` exactly once: on a worker, or at once on this thread when the queue is full. It
  /// takes a turn of `owner`; "" is the server itself.
  void find(const std::string& owner, const std::string& key, Callback found) {
    metrics_.lookups.add();
    {
      const std::lock_guard lock(mutex_);
      auto& waiting = waiting_[key][owner];
      waiting.push_back(std::move(found));
      if (waiting.size() > 1) return;
    }
    const char* reason = too_many;
    try {
      Job job{[this, key] { read(key); }, owner, 0,
              [this, key, owner] { give_up(take(key, owner), too_many); }};
      if (pool_.submit(std::move(job))) return;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    give_up(take(key, owner), reason);
  }

 private:
  using Waiting = std::vector<Callback>;
  static constexpr const char* too_many = "too many look-ups wait";

  /// All that wait for the key, of any owner.
  [[nodiscard]] Waiting take(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return {};
    Waiting all;
    for (auto& [owner, waiting] : found->second) {
      std::move(waiting.begin(), waiting.end(), std::back_inserter(all));
    }
    waiting_.erase(found);
    return all;
  }

  /// Only that owner's; others have turns of their own.
  [[nodiscard]] Waiting take(const std::string& key, const std::string& owner) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return {};
    auto node = found->second.extract(owner);
    if (found->second.empty()) waiting_.erase(found);
    return node.empty() ? Waiting{} : std::move(node.mapped());
  }

  void read(const std::string& key) {
    const auto waiting = take(key);
    if (waiting.empty()) return;  // another owner's turn came first
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
  const Read read_;
  std::mutex mutex_;
  // Guarded by mutex_: the callers that wait for a read that has not begun, by key and owner.
  std::unordered_map<std::string, std::unordered_map<std::string, Waiting>> waiting_;
};

}  // namespace order_server
