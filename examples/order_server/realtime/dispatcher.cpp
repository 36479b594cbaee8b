// SPDX-License-Identifier: MIT
#include "realtime/dispatcher.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
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

  /// Waits for a wake-up; false when it is time to stop.
  bool wait_for_work() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return woken || stopping; });
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
      shared_(std::make_shared<Shared>()) {}

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
        go_on = shared_->wait_for_work();
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
  if (published_.empty()) {
    const auto entries = store_.pending_broadcasts(options_.batch);
    if (entries.empty()) return false;
    ++batch_;
    shared_->update([&](Shared& shared) {
      shared.batch = batch_;
      shared.in_flight = entries.size();
    });
    for (const auto& entry : entries) publish(entry);
    if (!shared_->wait_for_shards()) return true;  // stopping; the next start publishes them
    metrics_.broadcasts.add(static_cast<std::int64_t>(entries.size()));
    for (const auto& entry : entries) published_.push_back(entry.sequence);
  }
  store_.mark_broadcast(published_);
  published_.clear();
  return true;
}

void Dispatcher::publish(const OutboxEntry& entry) {
  const ordercast::OrderEvent event{entry.order_id, entry.owner_id, entry.organization_id,
                                    entry.status,   entry.version,  entry.order_json};
  auto done = [shared = shared_, metrics = &metrics_, now_ms = options_.now_ms,
               committed_ms = entry.created_at_ms, batch = batch_](std::size_t /*delivered*/) {
    metrics->commit_to_send.observe(std::chrono::milliseconds(now_ms() - committed_ms));
    shared->update([batch](Shared& state) {
      if (state.batch == batch) --state.in_flight;
    });
  };
  publish_(event, std::move(done));
}

void Dispatcher::prune() {
  const auto now = options_.now_ms();
  if (pruned_at_ms_ && now - *pruned_at_ms_ < options_.prune_interval.count()) return;
  pruned_at_ms_ = now;
  store_.prune_outbox(now - outbox_retention_ms, 1000);
}

}  // namespace order_server
