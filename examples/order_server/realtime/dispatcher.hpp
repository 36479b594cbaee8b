// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.hpp"
#include "store/store.hpp"
#include "workers/backoff.hpp"
#include <ordercast/clock.hpp>
#include <ordercast/sharded.hpp>
#include <ordercast/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

/// Turns committed changes into broadcasts: the reading end of the outbox.
namespace order_server {

struct DispatcherOptions {
  /// Changes that may be on their way to the shards at once. Cost: their JSON, twice.
  std::size_t batch = 128;
  /// How long to wait after a failure of the database; doubled with each further one.
  std::chrono::milliseconds first_backoff{50};
  std::chrono::milliseconds last_backoff{5'000};
  /// How often old outbox entries are deleted at least.
  std::chrono::milliseconds prune_interval{60'000};
  /// Most entries deleted in one step; a step also comes after half as many broadcasts, so that
  /// deleting keeps up with any steady load.
  std::size_t prune_step = 1'000;
  /// A batch that the shards have not taken after this time is logged and counted,
  std::chrono::milliseconds slow_shards{5'000};
  /// and after this time published again: versions make that harmless.
  std::chrono::milliseconds lost_shards{60'000};
  /// How long until an entry that could not be published is tried again.
  BackoffRange retry{};
  /// After so many failures an entry is given up.
  std::int64_t max_attempts = 10;
  /// How often the outbox is looked at without being woken: an operator's retry comes from another
  /// process.
  std::chrono::milliseconds look{5'000};
  /// Unix time in milliseconds.
  std::function<std::int64_t()> now_ms;
  /// Monotonic.
  std::function<ordercast::TimePoint()> now = [] { return ordercast::SteadyClock{}.now(); };
  /// Called again and again by the dispatcher's thread while it moves; see Watchdog.
  std::function<void()> beat = [] {};
};

/// One thread that reads the outbox in commit order, publishes each entry, waits until every shard
/// has it, and only then marks it. A crash at any point leaves entries unmarked, so the next start
/// publishes them (again): no committed change is lost, and clients drop a version they have seen.
///
/// A failing database is logged, counted and tried again with backoff, for ever; entries that were
/// published before it failed are marked, not published a second time. An entry that can't be
/// published steps aside: what comes after it goes on, and it is tried again a bounded number of
/// times, then given up for an operator to look at. One that a shard could not take is tried again
/// with the same delays and never given up, as the fault need not be its own. Once its order has a
/// newer version it is not published any more, since that version says all. Store and metrics must
/// outlive it and the last `done`.
class Dispatcher {
 public:
  using Done = std::function<void(ordercast::PublishOutcome)>;
  /// Hands one event to all shards. `done` may run on any thread, also before the call returns. The
  /// event's text is borrowed for the call alone. If it throws, that entry is tried again later.
  using Publish = std::function<void(const ordercast::OrderEvent&, Done)>;

  Dispatcher(Store& store, Metrics& metrics, Publish publish, DispatcherOptions options);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  ~Dispatcher();

  /// Starts with what an earlier process left. Call once, when `publish` works.
  void start();

  /// There is something new in the outbox. Any thread; cheap; never blocks on the database.
  void wake();

  /// Ends the thread; does not wait for shards that still hold a batch. Idempotent.
  void stop();

 private:
  struct Shared;

  void run();
  /// One batch; false when the outbox was empty. Throws what the store throws.
  bool dispatch_batch();
  [[nodiscard]] std::vector<OutboxEntry> next_batch();
  void publish(const OutboxEntry& entry);
  void note_failure(const OutboxEntry& entry, const char* reason, bool may_give_up);
  /// Waits until every shard has the batch; false if it is time to stop, or to publish it again.
  bool wait_for_shards();
  /// One bounded step, if one is due.
  void prune();

  Store& store_;
  Metrics& metrics_;
  const Publish publish_;
  const DispatcherOptions options_;
  const std::shared_ptr<Shared> shared_;  // also held by callbacks that come after the end
  // The dispatcher's thread only.
  std::uint64_t batch_ = 0;
  std::vector<std::int64_t> published_;   // and not yet marked
  std::vector<BroadcastFailure> failed_;  // and not yet written down
  Backoff retry_;
  std::optional<ordercast::TimePoint> pruned_at_;
  std::size_t unpruned_ = 0;  // broadcasts since
  bool prune_again_ = false;  // the last step was full

  std::thread thread_;
};

}  // namespace order_server
