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

/// Reads the outbox and broadcasts the committed changes.
namespace order_server {

struct DispatcherOptions {
  /// How many changes may be on their way to the shards at once. Each costs twice its JSON in
  /// memory.
  std::size_t batch = 128;
  /// How long to wait after a failure of the database. Each further failure doubles it.
  std::chrono::milliseconds first_backoff{50};
  std::chrono::milliseconds last_backoff{5'000};
  /// How often, at least, old outbox entries are deleted.
  std::chrono::milliseconds prune_interval{60'000};
  /// How many entries one step deletes at most. A step also runs each time half as many entries
  /// have been broadcast, so that deleting keeps up with any steady load.
  std::size_t prune_step = 1'000;
  /// After this time a batch that the shards have not taken is logged and counted,
  std::chrono::milliseconds slow_shards{5'000};
  /// and after this time it is published again; versions make that harmless.
  std::chrono::milliseconds lost_shards{60'000};
  /// The delay before an entry that could not be published is tried again.
  BackoffRange retry{};
  /// After so many failures an entry is given up.
  std::int64_t max_attempts = 10;
  /// How often to look at the outbox without a wake-up: an operator's retry comes from another
  /// process.
  std::chrono::milliseconds look{5'000};
  /// Unix time in milliseconds.
  std::function<std::int64_t()> now_ms;
  /// Monotonic.
  std::function<ordercast::TimePoint()> now = [] { return ordercast::SteadyClock{}.now(); };
  /// The dispatcher's thread calls it regularly while it makes progress; see Watchdog.
  std::function<void()> beat = [] {};
};

/// One thread reads the outbox in commit order, publishes each entry, waits until every shard has
/// it, and only then marks it. After a crash at any point, the next start publishes the unmarked
/// entries (again): no committed change is lost, and clients drop a version that they have seen.
///
/// Failures of the database are logged and counted, and the dispatcher tries again with backoff,
/// without a limit. Entries that were published before the failure are marked and not published a
/// second time. An entry that can't be published does not hold up later ones. It is tried again a
/// limited number of times, then given up and left for an operator. An entry that a shard could not
/// take is tried again with the same delays and never given up, because the fault may not be its
/// own. When its order has a newer version, the entry is not published any more, since that version
/// says everything. Store and metrics must outlive the dispatcher and the last `done`.
class Dispatcher {
 public:
  using Done = std::function<void(ordercast::PublishOutcome)>;
  /// Hands one event to all shards. `done` may run on any thread, even before the call returns. The
  /// event's text is borrowed for the call only. If the call throws, the entry is tried again
  /// later.
  using Publish = std::function<void(const ordercast::OrderEvent&, Done)>;

  Dispatcher(Store& store, Metrics& metrics, Publish publish, DispatcherOptions options);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  ~Dispatcher();

  /// Starts with the entries that an earlier process left. Call it once, when `publish` works.
  void start();

  /// Tells the dispatcher of a new entry in the outbox. Any thread; cheap; never waits for the
  /// database.
  void wake();

  /// Ends the thread; does not wait for shards that still hold a batch. Idempotent.
  void stop();

 private:
  struct Shared;

  void run();
  /// Publishes one batch. Returns false if the outbox was empty. Throws what the store throws.
  bool dispatch_batch();
  [[nodiscard]] std::vector<OutboxEntry> next_batch();
  void publish(const OutboxEntry& entry);
  void note_failure(const OutboxEntry& entry, const char* reason, bool may_give_up);
  /// Waits until every shard has the batch. Returns false if it is time to stop, or to publish it
  /// again.
  bool wait_for_shards();
  /// Deletes old entries in one bounded step, if one is due.
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
