// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.hpp"
#include "push/push_policy.hpp"
#include "push/push_sender.hpp"
#include "store/push_store.hpp"
#include "workers/backoff.hpp"
#include <ordercast/clock.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

/// Turns committed changes into pushes. The second reader of the outbox, with its own cursor.
namespace order_server {

struct PushOptions {
  PushPolicy policy = PushPolicy::always;
  /// Outbox entries that one transaction turns into pushes.
  std::size_t batch = 256;
  /// The wait before a failed attempt is repeated.
  BackoffRange retry{};
  /// Gives up on a message after this many failures of its own.
  std::int64_t max_failures = 5;
  /// Gives up on a change that has waited longer: the news is stale.
  std::chrono::hours max_age{24};
  /// Pauses after this many attempts in a row that ended in an outage, and then tries with one
  /// message at a time.
  std::size_t outage_after = 3;
  /// How long a connection has to answer a ping; then its owner counts as away.
  std::chrono::milliseconds presence_wait{3'000};
  /// How often to look at the database without being woken.
  std::chrono::milliseconds look{5'000};
  /// How long `stop` waits for pushes in flight.
  std::chrono::milliseconds finish_wait{3'000};
  std::function<std::int64_t()> now_ms;       ///< Unix time in milliseconds.
  std::function<ordercast::TimePoint()> now;  ///< Monotonic.
  /// The worker's thread calls it regularly while it makes progress; see Watchdog.
  std::function<void()> beat = [] {};
  std::uint64_t seed = std::random_device{}();
};

/// One thread that queues pushes, sends the ones that are due, and records each result.
///
/// Sends at least once: an attempt is recorded after the service has taken it, so a crash in
/// between repeats it; the version in the message tells. The queue holds one push for each order
/// and device, and a newer version replaces it. So the queue is bounded by orders times devices,
/// and after an outage only the newest state goes out. A message's own failure counts against it,
/// up to `max_failures`; an outage does not count, and pauses all messages. Retries a failing
/// database forever, and meanwhile does not repeat pushes whose results are not recorded yet.
class PushWorker {
 public:
  using LastSeen = std::optional<ordercast::TimePoint>;
  /// Asks when the visible connections of a user last answered a ping, as `Sharded::last_heard`
  /// does. The answer is nullopt if there is none anywhere; it may come on any thread, more than
  /// once, or never.
  using Presence = std::function<void(const std::string& user_id, bool ping,
                                      std::function<void(LastSeen)> done)>;

  /// If `presence` is empty, everybody counts as away.
  PushWorker(PushStore& store, PushSender& sender, Metrics& metrics, Presence presence,
             PushOptions options);
  PushWorker(const PushWorker&) = delete;
  PushWorker& operator=(const PushWorker&) = delete;
  ~PushWorker();

  /// Starts with the pushes that an earlier process left. Call once.
  void start();

  /// Says that the outbox has something new. Any thread; cheap.
  void wake() { sender_.wake(); }

  /// Starts no more pushes, waits up to `finish_wait` for those in flight, so that the next start
  /// does not repeat them, and ends the thread. Idempotent.
  void stop();

  /// Does one round of work without waiting; tests call it instead of starting the thread. Returns
  /// how long the next round may wait. Throws StoreError.
  std::chrono::milliseconds turn();

 private:
  using Clock = ordercast::TimePoint::clock;

  /// A push held back while its owner may be looking at the order.
  struct Held {
    PushJob job;
    ordercast::TimePoint since;
    ordercast::TimePoint asked_at;
  };
  struct Inbox;  // answers about presence, from other threads

  void run();
  void finish();
  void write_down();
  void queue();
  void settle_held();
  void start_due();
  void take(PushJob job);
  void hold(PushJob job);
  void ask(const Held& held, bool ping);
  void send(const PushJob& job);
  void on_outcome(const PushJob& job, const PushOutcome& outcome);
  void retry(PushResult& result, const PushJob& job, std::chrono::milliseconds at_least);
  void note_outage(const PushJob& job, const PushOutcome& outcome);
  void note_service();
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] bool was_heard_since(const Held& held, const LastSeen& heard) const;
  [[nodiscard]] std::chrono::milliseconds idle_time();

  PushStore& store_;
  PushSender& sender_;
  Metrics& metrics_;
  const Presence presence_;
  const PushOptions options_;
  const std::shared_ptr<Inbox> inbox_;  // shared with answers that come after the end
  std::atomic<bool> stopping_{false};

  // The worker's thread only.
  std::unordered_set<std::int64_t> busy_;  // jobs in flight, held back, or not yet recorded
  std::size_t in_flight_ = 0;
  std::vector<Held> held_;
  std::vector<PushResult> results_;
  Backoff retry_;
  Backoff outage_backoff_;
  std::size_t outages_ = 0;                   // in a row
  std::unordered_set<std::string> doubtful_;  // devices that may be the only cause of those
  bool is_hastening_ = false;                 // the service is back: waiting pushes go at once
  ordercast::TimePoint paused_until_{};
  std::int64_t last_ms_ = 0;  // to notice a clock that was set

  std::thread thread_;
};

}  // namespace order_server
