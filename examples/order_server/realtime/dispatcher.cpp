// SPDX-License-Identifier: MIT
#include "realtime/dispatcher.hpp"

#include "process/crash_report.hpp"
#include "workers/fail_point.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <iterator>
#include <mutex>
#include <utility>

namespace order_server {

/// The state that other threads change to wake this thread.
struct Dispatcher::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
  bool stopping = false;
  std::uint64_t batch = 0;    ///< The current batch; callbacks of earlier ones no longer count.
  std::size_t in_flight = 0;  ///< Of this batch.
  /// Entries of this batch that a shard could not take. It has room for the whole batch, so that
  /// noting one can't fail.
  std::vector<std::int64_t> refused;

  /// Waits for a wake-up, at most `most`. Returns false when it is time to stop.
  bool wait_for_work(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, most, [this] { return woken || stopping; });
    woken = false;
    return !stopping;
  }

  /// Waits for the whole backoff. Returns false when it is time to stop.
  bool wait_out(std::chrono::milliseconds backoff) {
    std::unique_lock lock(mutex);
    return !changed.wait_for(lock, backoff, [this] { return stopping; });
  }

  enum class Shards : std::uint8_t { done, stopping, late };

  /// Waits until every shard has the batch, at most `most`.
  Shards wait_for_shards(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, most, [this] { return in_flight == 0 || stopping; });
    if (in_flight == 0) return Shards::done;
    return stopping ? Shards::stopping : Shards::late;
  }

  /// Call it under the mutex. A publish that threw half-way may be counted twice.
  void one_less() noexcept {
    if (in_flight > 0) --in_flight;
  }

  template <class Update>
  void update(Update&& change) {
    {
      const std::lock_guard lock(mutex);
      change(*this);
    }
    changed.notify_all();
  }
};

Dispatcher::Dispatcher(Store& store, Metrics& metrics, Publish publish, DispatcherOptions options)
    : store_(store),
      metrics_(metrics),
      publish_(std::move(publish)),
      options_(std::move(options)),
      shared_(std::make_shared<Shared>()),
      retry_(options_.retry) {}

Dispatcher::~Dispatcher() {
  stop();
}

void Dispatcher::start() {
  thread_ = std::thread([this] {
    use_signal_stack();
    run();
  });
}

void Dispatcher::wake() {
  shared_->update([](Shared& shared) { shared.woken = true; });
}

void Dispatcher::stop() {
  shared_->update([](Shared& shared) { shared.stopping = true; });
  if (thread_.joinable()) thread_.join();
}

void Dispatcher::run() {
  auto backoff = options_.first_backoff;
  for (;;) {
    bool go_on = true;
    options_.beat();
    stall_point("dispatcher");
    try {
      const bool more = dispatch_batch();
      prune();
      if (more || prune_again_) {
        go_on = shared_->wait_out(std::chrono::milliseconds(0));
      } else {
        go_on = shared_->wait_for_work(options_.look);
      }
      backoff = options_.first_backoff;
    } catch (const std::exception& error) {
      metrics_.dispatcher_failures.add();
      spdlog::error("dispatcher: {}; trying again in {} ms", error.what(), backoff.count());
      go_on = shared_->wait_out(backoff);
      backoff = std::min(backoff * 2, options_.last_backoff);
    }
    if (!go_on) return;
  }
}

bool Dispatcher::dispatch_batch() {
  if (published_.empty() && failed_.empty()) {
    const auto entries = next_batch();
    if (entries.empty()) return false;
    ++batch_;
    shared_->update([&](Shared& shared) {
      shared.batch = batch_;
      shared.in_flight = entries.size();
      shared.refused.clear();
      shared.refused.reserve(entries.size());
    });
    std::vector<std::int64_t> sequences;
    sequences.reserve(entries.size());  // Nothing may fail once a publish has begun.
    for (const auto& entry : entries) {
      try {
        publish(entry);
        sequences.push_back(entry.sequence);
      } catch (const std::exception& error) {
        shared_->update([](Shared& state) { state.one_less(); });
        note_failure(entry, error.what(), true);
      }
    }
    if (!wait_for_shards()) {
      failed_.clear();
      return true;  // they are still in the outbox, so the next round or start publishes them
    }
    std::vector<std::int64_t> refused;
    shared_->update([&](Shared& shared) { refused = shared.refused; });
    for (const auto& entry : entries) {
      if (std::find(refused.begin(), refused.end(), entry.sequence) == refused.end()) continue;
      sequences.erase(std::remove(sequences.begin(), sequences.end(), entry.sequence),
                      sequences.end());
      note_failure(entry, "an I/O thread, or the stream to other nodes, could not take it", false);
    }
    if (!refused.empty()) {
      spdlog::error(
          "dispatcher: {} of {} changes were not taken by every I/O thread and the stream to other "
          "nodes; trying again",
          refused.size(), entries.size());
    }
    options_.beat();
    unpruned_ += entries.size();
    fail_point("broadcast.published");
    metrics_.broadcasts.add(static_cast<std::int64_t>(sequences.size()));
    published_ = std::move(sequences);
  }
  store_.mark_broadcast(published_);
  published_.clear();
  store_.fail_broadcasts(failed_, options_.now_ms());
  failed_.clear();
  fail_point("broadcast.marked");
  return true;
}

/// New entries first; entries that have failed fill the rest of the batch.
std::vector<OutboxEntry> Dispatcher::next_batch() {
  auto entries = store_.pending_broadcasts(options_.batch);
  if (entries.size() < options_.batch) {
    auto again = store_.failed_broadcasts(options_.batch - entries.size(), options_.now_ms());
    std::move(again.begin(), again.end(), std::back_inserter(entries));
  }
  return entries;
}

void Dispatcher::publish(const OutboxEntry& entry) {
  if (entry.superseded) {
    shared_->update([](Shared& state) { state.one_less(); });
    return;
  }
  const ordercast::OrderEvent event{entry.order_id,
                                    ordercast::OwnerId(entry.owner_id),
                                    ordercast::OrganizationId(entry.organization_id),
                                    entry.status,
                                    entry.version,
                                    entry.order_json};
  auto done = [shared = shared_, metrics = &metrics_, now_ms = options_.now_ms,
               committed_ms = entry.created_at_ms, sequence = entry.sequence,
               batch = batch_](ordercast::PublishOutcome outcome) {
    if (outcome.failed_shards == 0) {
      metrics->commit_to_send.observe(std::chrono::milliseconds(now_ms() - committed_ms));
    }
    shared->update([&](Shared& state) {
      if (state.batch != batch) return;
      const bool has_room = state.refused.size() < state.refused.capacity();
      if (outcome.failed_shards > 0 && has_room) state.refused.push_back(sequence);
      state.one_less();
    });
  };
  publish_(event, std::move(done));
}

bool Dispatcher::wait_for_shards() {
  using Shards = Shared::Shards;
  auto shards = shared_->wait_for_shards(options_.slow_shards);
  if (shards == Shards::late) {
    metrics_.dispatcher_stalls.add();
    spdlog::error("dispatcher: the I/O threads have not taken a batch within {} ms; waiting",
                  options_.slow_shards.count());
    shards = shared_->wait_for_shards(options_.lost_shards - options_.slow_shards);
    if (shards == Shards::late) {
      spdlog::error("dispatcher: the batch is published again");
    } else if (shards == Shards::done) {
      spdlog::warn("dispatcher: the I/O threads have taken the batch");
    }
  }
  return shards == Shards::done;
}

void Dispatcher::note_failure(const OutboxEntry& entry, const char* reason, bool may_give_up) {
  metrics_.dispatcher_failures.add();
  BroadcastFailure failure;
  failure.sequence = entry.sequence;
  failure.error = reason;
  const auto attempts = entry.attempts + 1;
  if (!may_give_up || attempts < options_.max_attempts) {
    failure.retry_at_ms = options_.now_ms() + retry_.delay(attempts).count();
  }
  if (may_give_up) {
    spdlog::error("dispatcher: order {} version {} can't be published: {}; {}", entry.order_id,
                  entry.version, reason, failure.retry_at_ms ? "trying again" : "given up");
  }
  failed_.push_back(std::move(failure));
}

void Dispatcher::prune() {
  const auto now = options_.now();
  // A step of less than two batches would not keep up.
  const auto step = std::max(options_.prune_step, options_.batch * 2);
  const bool is_due = !pruned_at_ || now - *pruned_at_ >= options_.prune_interval;
  if (!is_due && !prune_again_ && unpruned_ * 2 < step) return;
  pruned_at_ = now;
  unpruned_ = 0;
  prune_again_ = false;  // also if the database fails, which must not be asked again at once
  const auto pruned = store_.prune_outbox(options_.now_ms() - dead_letter_retention_ms, step);
  prune_again_ = pruned >= step;
}

}  // namespace order_server
