// SPDX-License-Identifier: MIT
#include "push/push_worker.hpp"

#include "domain/printable.hpp"
#include "process/crash_report.hpp"
#include "push/push_message.hpp"
#include "store/store.hpp"
#include "workers/fail_point.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace order_server {
namespace {

using std::chrono::milliseconds;

/// The most pushes that wait to hear whether their owner is looking; further ones are sent at once.
constexpr std::size_t max_held = 1024;

/// How often to ask again about a connection that has not answered yet.
constexpr milliseconds presence_look{250};

constexpr milliseconds first_database_wait{50};
constexpr milliseconds last_database_wait{5'000};

/// Returns the result of a successful attempt; the caller changes it for a failed one.
PushResult result_of(const PushJob& job) {
  PushResult result;
  result.id = job.id;
  result.token = job.token;
  result.version = job.version;
  result.registered_at_ms = job.registered_at_ms;
  return result;
}

}  // namespace

/// The answers about presence, by job.
struct PushWorker::Inbox {
  std::mutex mutex;
  std::unordered_map<std::int64_t, LastSeen> answers;

  void put(std::int64_t job, const LastSeen& heard) {
    const std::lock_guard lock(mutex);
    auto& newest = answers.try_emplace(job, heard).first->second;
    newest = std::max(newest, heard);  // Several nodes may answer. "Nobody" is less than any time.
  }
  std::unordered_map<std::int64_t, LastSeen> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(answers, {});
  }
};

PushWorker::PushWorker(PushStore& store, PushSender& sender, Metrics& metrics, Presence presence,
                       PushOptions options)
    : store_(store),
      sender_(sender),
      metrics_(metrics),
      presence_(std::move(presence)),
      options_(std::move(options)),
      inbox_(std::make_shared<Inbox>()),
      retry_(options_.retry, options_.seed),
      outage_backoff_(options_.retry, options_.seed + 1) {}

PushWorker::~PushWorker() {
  stop();
}

void PushWorker::start() {
  thread_ = std::thread([this] {
    use_signal_stack();
    run();
  });
}

void PushWorker::stop() {
  stopping_ = true;
  sender_.wake();
  if (thread_.joinable()) thread_.join();
}

void PushWorker::run() {
  auto backoff = first_database_wait;
  while (!stopping_) {
    options_.beat();
    stall_point("push");
    auto wait = backoff;
    try {
      wait = turn();
      backoff = first_database_wait;
    } catch (const StoreError& error) {
      metrics_.push_database_failures.add();
      spdlog::error("push: {}; trying again in {} ms", error.what(), backoff.count());
      backoff = std::min(backoff * 2, last_database_wait);
    } catch (const std::exception& error) {
      spdlog::error("push: {}", printable(error.what()));
      backoff = std::min(backoff * 2, last_database_wait);
    }
    if (!stopping_) sender_.poll(wait);
  }
  finish();
}

void PushWorker::finish() {
  const auto deadline = ordercast::SteadyClock{}.now() + options_.finish_wait;
  while (in_flight_ > 0 && ordercast::SteadyClock{}.now() < deadline) {
    sender_.poll(milliseconds(100));
  }
  try {
    write_down();
  } catch (const std::exception& error) {
    spdlog::error("push: {}; the last pushes will be sent again", printable(error.what()));
  }
}

milliseconds PushWorker::turn() {
  write_down();
  queue();
  settle_held();
  start_due();
  if (!results_.empty()) return milliseconds(0);
  return idle_time();
}

void PushWorker::write_down() {
  const auto now_ms = options_.now_ms();
  if (!results_.empty()) {
    fail_point("push.sent");
    store_.finish_pushes(results_, now_ms);
    fail_point("push.marked");
    for (const auto& result : results_) busy_.erase(result.id);
    results_.clear();
  }
  // If the clock is set back, retries would wait that much longer; set forward, they are due at
  // once.
  const bool was_set_back = now_ms < last_ms_;
  last_ms_ = now_ms;
  if (is_hastening_ || was_set_back) store_.hasten_pushes(now_ms);
  is_hastening_ = false;
}

void PushWorker::queue() {
  std::size_t queued = 0;
  do {
    queued = store_.queue_pushes(options_.batch, options_.now_ms());
    if (queued > 0) fail_point("push.queued");
  } while (queued == options_.batch);
}

void PushWorker::settle_held() {
  if (held_.empty()) return;
  const auto answers = inbox_->take();
  const auto now = options_.now();
  for (auto& held : std::exchange(held_, {})) {
    const auto answer = answers.find(held.job.id);
    const bool is_answered = answer != answers.end();
    if (is_answered && was_heard_since(held, answer->second)) {
      metrics_.pushes_skipped.add();
      results_.push_back(result_of(held.job));
      continue;
    }
    const bool is_away = is_answered && !answer->second;
    if (is_away || now - held.since >= options_.presence_wait) {
      if (room() > 0) {
        send(held.job);
      } else {
        busy_.erase(held.job.id);  // still due
      }
      continue;
    }
    if (now - held.asked_at >= presence_look) {
      held.asked_at = now;
      ask(held, false);
    }
    held_.push_back(std::move(held));
  }
}

void PushWorker::start_due() {
  if (room() == 0) return;
  for (auto& job : store_.due_pushes(room() + busy_.size(), options_.now_ms())) {
    if (room() == 0) break;
    if (busy_.count(job.id) == 0) take(std::move(job));
  }
}

std::size_t PushWorker::room() const {
  if (options_.now() < paused_until_) return 0;
  // After a pause, send one message to find out whether the service is back.
  const std::size_t most = outages_ >= options_.outage_after ? 1 : sender_.capacity();
  return most - std::min(most, in_flight_);
}

void PushWorker::take(PushJob job) {
  busy_.insert(job.id);
  const auto age = milliseconds(options_.now_ms() - job.changed_at_ms);
  if (age > options_.max_age) {
    PushResult result = result_of(job);
    result.verdict = PushResult::Verdict::dead;
    result.error = "not taken within " + std::to_string(options_.max_age.count()) + " hours";
    metrics_.pushes_given_up.add();
    results_.push_back(std::move(result));
    return;
  }
  const auto status = order_status_from_string(job.status);
  const bool may_be_skipped = options_.policy == PushPolicy::when_away && presence_ && status &&
                              !is_critical(*status) && age.count() >= 0;
  if (may_be_skipped && held_.size() < max_held) {
    hold(std::move(job));
  } else {
    send(job);
  }
}

void PushWorker::hold(PushJob job) {
  const auto now = options_.now();
  held_.push_back({std::move(job), now, now});
  ask(held_.back(), true);
}

void PushWorker::ask(const Held& held, bool ping) {
  presence_(held.job.user_id, ping,
            [inbox = inbox_, id = held.job.id](const LastSeen& heard) { inbox->put(id, heard); });
}

/// If in doubt, returns false: an unneeded push is better than a missing one.
bool PushWorker::was_heard_since(const Held& held, const LastSeen& heard) const {
  if (!heard || *heard == ordercast::TimePoint::min()) return false;
  const auto age = milliseconds(options_.now_ms() - held.job.changed_at_ms);
  return age.count() >= 0 && *heard >= options_.now() - age;
}

void PushWorker::send(const PushJob& job) {
  ++in_flight_;
  sender_.start(job, [this, job](const PushOutcome& outcome) {
    --in_flight_;
    on_outcome(job, outcome);
  });
}

void PushWorker::on_outcome(const PushJob& job, const PushOutcome& outcome) {
  using Kind = PushOutcome::Kind;
  PushResult result = result_of(job);
  result.error = outcome.error;
  switch (outcome.kind) {
    case Kind::sent:
      metrics_.pushes_sent.add();
      note_service();
      break;
    case Kind::no_device:
      result.verdict = PushResult::Verdict::remove;
      metrics_.push_devices_removed.add();
      spdlog::info("push: {}; device {} removed", printable(outcome.error), abbreviated(job.token));
      note_service();
      break;
    case Kind::rejected:
      result.held_against = true;
      retry(result, job, outcome.retry_after);
      note_service();
      break;
    case Kind::throttled:
    case Kind::unavailable:
      retry(result, job, outcome.retry_after);
      note_outage(job, outcome);
      break;
  }
  results_.push_back(std::move(result));
}

void PushWorker::retry(PushResult& result, const PushJob& job, milliseconds at_least) {
  if (result.held_against && job.failures + 1 >= options_.max_failures) {
    result.verdict = PushResult::Verdict::dead;
    metrics_.pushes_given_up.add();
    spdlog::error("push: giving up on order {} version {}: {}", printable(job.order_id),
                  job.version, printable(result.error));
    return;
  }
  auto delay = retry_.delay(job.attempts + 1);
  if (at_least.count() > 0) delay = std::max(delay, retry_.at_least(at_least));
  delay = std::min(delay, milliseconds(retry_horizon_ms));
  result.verdict = PushResult::Verdict::retry;
  result.due_at_ms = options_.now_ms() + delay.count();
  metrics_.push_retries.add();
}

void PushWorker::note_outage(const PushJob& job, const PushOutcome& outcome) {
  const auto now = options_.now();
  // Attempts that were in flight when the pause began tell nothing new.
  if (now < paused_until_) return;
  // A single failing device must not stop the others.
  const bool is_outage = outages_ >= options_.outage_after;
  if (outcome.may_be_the_device && !is_outage && !doubtful_.insert(job.token).second) return;
  if (++outages_ == 1) spdlog::warn("push: {}; trying again", printable(outcome.error));
  if (outages_ < options_.outage_after) return;
  auto delay =
      outage_backoff_.delay(static_cast<std::int64_t>(outages_ - options_.outage_after) + 1);
  if (outcome.retry_after.count() > 0) {
    delay = std::max(delay, outage_backoff_.at_least(outcome.retry_after));
  }
  paused_until_ = now + delay;
  spdlog::warn("push: {}; pausing for {} ms", printable(outcome.error), delay.count());
}

void PushWorker::note_service() {
  if (outages_ >= options_.outage_after) {
    is_hastening_ = true;
    spdlog::info("push: the service is back");
  }
  outages_ = 0;
  doubtful_.clear();
  paused_until_ = {};
}

milliseconds PushWorker::idle_time() {
  using std::chrono::ceil;
  auto wait = options_.look;
  const auto now_ms = options_.now_ms();
  if (const auto next = store_.next_push_at(now_ms)) {
    wait = std::min(wait, milliseconds(*next - now_ms));
  }
  if (!held_.empty()) wait = std::min(wait, presence_look);
  const auto now = options_.now();
  if (now < paused_until_) wait = std::min(wait, ceil<milliseconds>(paused_until_ - now));
  return wait;
}

}  // namespace order_server
