// SPDX-License-Identifier: MIT
#include "realtime/dispatcher.hpp"

#include "workers/fail_point.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <iterator>
#include <mutex>
#include <utility>

namespace order_server {

/// What wakes the thread.
struct Dispatcher::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
  bool stopping = false;
  std::uint64_t batch = 0;    ///< Callbacks of an earlier batch no longer count.
  std::size_t in_flight = 0;  ///< Of this batch.

  /// Waits for a wake-up, at most `most`; false when it is time to stop.
  bool wait_for_work(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, most, [this] { return woken || stopping; });
    woken = false;
    return !stopping;
  }

  /// Waits through a backoff; false when it is time to stop.
  bool wait_out(std::chrono::milliseconds backoff) {
    std::unique_lock lock(mutex);
    return !changed.wait_for(lock, backoff, [this] { return stopping; });
  }

  /// Waits until every shard has the batch; false when it is time to stop.
  bool wait_for_shards() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return in_flight == 0 || stopping; });
    return in_flight == 0;
  }

  /// Under the mutex. A publish that threw half-way may be counted twice.
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
  thread_ = std::thread([this] { run(); });
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
    try {
      if (dispatch_batch()) {
        go_on = shared_->wait_out(std::chrono::milliseconds(0));
      } else {
        prune();
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
    });
    std::vector<std::int64_t> sequences;
    for (const auto& entry : entries) {
      try {
        publish(entry);
        sequences.push_back(entry.sequence);
      } catch (const std::exception& error) {
        note_failure(entry, error.what());
      }
    }
    if (!shared_->wait_for_shards()) return true;  // stopping; the next start publishes them
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

/// New entries first; those that have failed fill up what is left.
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
  const ordercast::OrderEvent event{entry.order_id, entry.owner_id, entry.organization_id,
                                    entry.status,   entry.version,  entry.order_json};
  auto done = [shared = shared_, metrics = &metrics_, now_ms = options_.now_ms,
               committed_ms = entry.created_at_ms, batch = batch_](ordercast::PublishOutcome /*outcome*/) {
    metrics->commit_to_send.observe(std::chrono::milliseconds(now_ms() - committed_ms));
    shared->update([batch](Shared& state) {
      if (state.batch == batch) state.one_less();
    });
  };
  publish_(event, std::move(done));
}

void Dispatcher::note_failure(const OutboxEntry& entry, const char* reason) {
  shared_->update([](Shared& state) { state.one_less(); });
  metrics_.dispatcher_failures.add();
  BroadcastFailure failure;
  failure.sequence = entry.sequence;
  failure.error = reason;
  const auto attempts = entry.attempts + 1;
  if (attempts < options_.max_attempts) {
    failure.retry_at_ms = options_.now_ms() + retry_.delay(attempts).count();
  }
  spdlog::error("dispatcher: order {} version {} can't be published: {}; {}", entry.order_id,
                entry.version, reason, failure.retry_at_ms ? "trying again" : "given up");
  failed_.push_back(std::move(failure));
}

void Dispatcher::prune() {
  const auto now = options_.now_ms();
  if (pruned_at_ms_ && now - *pruned_at_ms_ < options_.prune_interval.count()) return;
  pruned_at_ms_ = now;
  store_.prune_outbox(now - dead_letter_retention_ms, 1000);
}

}  // namespace order_server
