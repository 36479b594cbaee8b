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

/// Turns committed changes into pushes: the outbox' second reader, with a cursor of its own.
namespace order_server {

struct PushOptions {
  PushPolicy policy = PushPolicy::always;
  /// Outbox entries that become pushes in one transaction.
  std::size_t batch = 256;
  /// How long until an attempt that failed is made again.
  BackoffRange retry{};
  /// After so many failures of its own a message is given up.
  std::int64_t max_failures = 5;
  /// A change that has waited longer is given up: nobody wants to hear of it any more.
  std::chrono::hours max_age{24};
  /// After so many attempts in a row that ended in an outage, pushing pauses and is then tried with
  /// one message at a time.
  std::size_t outage_after = 3;
  /// How long a connection has to answer a ping before its owner counts as away.
  std::chrono::milliseconds presence_wait{3'000};
  /// How often the database is looked at without being woken.
  std::chrono::milliseconds look{5'000};
  /// How long an end waits for pushes that are on their way.
  std::chrono::milliseconds finish_wait{3'000};
  std::function<std::int64_t()> now_ms;       ///< Unix time in milliseconds.
  std::function<ordercast::TimePoint()> now;  ///< Monotonic.
  /// Called again and again by the worker's thread while it moves; see Watchdog.
  std::function<void()> beat = [] {};
  std::uint64_t seed = std::random_device{}();
};

/// One thread that queues pushes, sends those that are due, and writes down what became of each.
///
/// At least once: an attempt is marked after the service has taken it, so a crash between the two
/// repeats it; versions in the message tell. One order and device have one place in the queue,
/// which a newer version takes over, so the queue is bounded by orders times devices, and what goes
/// out after an outage is the newest state. A failure of the message's own counts against it, up to
/// `max_failures`; an outage does not, and pauses all of them. A failing database is tried again
/// for ever; what is not written down yet is not sent again meanwhile.
class PushWorker {
 public:
  using LastSeen = std::optional<ordercast::TimePoint>;
  /// Asks when connections of a user that somebody looks at last answered a ping, as
  /// `Sharded::last_heard` does; nothing when there is none. The answer may come on any thread, or
  /// never.
  using Presence = std::function<void(const std::string& user_id, bool ping,
                                      std::function<void(LastSeen)> done)>;

  /// `presence` may be empty: then everybody counts as away.
  PushWorker(PushStore& store, PushSender& sender, Metrics& metrics, Presence presence,
             PushOptions options);
  PushWorker(const PushWorker&) = delete;
  PushWorker& operator=(const PushWorker&) = delete;
  ~PushWorker();

  /// Starts with what an earlier process left. Once.
  void start();

  /// There is something new in the outbox. Any thread; cheap.
  void wake() { sender_.wake(); }

  /// Starts nothing more, waits up to `finish_wait` for what is on its way, so that the next start
  /// does not send it again, and ends the thread. Idempotent.
  void stop();

  /// One round, for a test that is the thread itself: what can be done now, without waiting.
  /// Returns how long there will be nothing to do unless something happens. Throws StoreError.
  std::chrono::milliseconds turn();

 private:
  using Clock = ordercast::TimePoint::clock;

  /// A push whose owner may be looking at the order right now.
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
  const std::shared_ptr<Inbox> inbox_;  // also held by answers that come after the end
  std::atomic<bool> stopping_{false};

  // The worker's thread only.
  std::unordered_set<std::int64_t> busy_;  // jobs on their way, held, or not yet written down
  std::size_t in_flight_ = 0;
  std::vector<Held> held_;
  std::vector<PushResult> results_;
  Backoff retry_;
  Backoff outage_backoff_;
  std::size_t outages_ = 0;                   // in a row
  std::unordered_set<std::string> doubtful_;  // devices that may be all there is to those
  bool is_hastening_ = false;                 // the service is back; what waits need not
  ordercast::TimePoint paused_until_{};
  std::int64_t last_ms_ = 0;  // to notice a clock that was set

  std::thread thread_;
};

}  // namespace order_server
