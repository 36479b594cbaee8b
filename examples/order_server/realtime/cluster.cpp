// SPDX-License-Identifier: MIT
#include "realtime/cluster.hpp"

#include "process/crash_report.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <stdexcept>
#include <utility>

namespace order_server {
namespace {

using ordercast::BackplaneAnswer;
using ordercast::BackplaneDelivery;
using ordercast::BackplaneNotice;
using ordercast::OrderEvent;
using ordercast::PublishOutcome;

// The kinds of notices. A name never changes its meaning, because nodes of two releases run at
// once.
constexpr std::string_view sessions_ended = "sessions-ended";
constexpr std::string_view disconnect = "disconnect";

/// How often to check whether this node hears the stream.
constexpr std::chrono::milliseconds hearing_look{200};

/// A publish with two parts: to this node's connections, and to the stream.
class Both {
 public:
  explicit Both(Cluster::Done done) : done_(std::move(done)) {}

  void here(PublishOutcome outcome) {
    reached_ = outcome.reached;
    failed_ += outcome.failed_shards;
    one_less();
  }
  void in_stream(BackplaneAnswer answer) {
    if (answer == BackplaneAnswer::unavailable) ++failed_;
    one_less();
  }

 private:
  void one_less() {
    if (--left_ == 0 && done_) done_({reached_.load(), failed_.load()});
  }

  const Cluster::Done done_;
  std::atomic<int> left_{2};
  std::atomic<std::size_t> reached_{0};
  std::atomic<std::size_t> failed_{0};
};

}  // namespace

/// Changes of other nodes that the I/O threads have not taken yet.
struct Cluster::InFlight {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t count = 0;
  std::size_t failed = 0;

  bool enter(std::size_t most, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, patience, [&] { return count < most; })) return false;
    ++count;
    return true;
  }
  void leave(bool has_failed) {
    {
      const std::lock_guard lock(mutex);
      --count;
      if (has_failed) ++failed;
    }
    changed.notify_all();
  }
  std::size_t take_failed() {
    const std::lock_guard lock(mutex);
    return std::exchange(failed, 0);
  }
};

Cluster::Cluster(std::unique_ptr<NodeBackplane> backplane, ClusterLocal local, ResyncWorld world,
                 Metrics& metrics, ClusterOptions options)
    : backplane_(std::move(backplane)),
      local_(std::move(local)),
      world_(std::move(world)),
      metrics_(metrics),
      options_(std::move(options)),
      resync_(world_, options_.resync, options_.now()),
      in_flight_(std::make_shared<InFlight>()),
      presence_(
          local_.last_heard,
          [this](std::string_view kind, const std::string& question, const std::string& user_id) {
            tell_presence(kind, question, user_id);
          },
          options_.now, options_.presence) {
  resync_.set_hearing(false);
}

Cluster::~Cluster() {
  stop();
}

void Cluster::start() {
  thread_ = std::thread([this] {
    use_signal_stack();
    run();
  });
  backplane_->subscribe(
      {[this](const OrderEvent& event, const BackplaneDelivery& how) { on_order(event, how); },
       [this](const BackplaneNotice& notice, const BackplaneDelivery& how) {
         on_notice(notice, how);
       },
       [this](std::string_view reason) { fell_behind(reason); }});
}

void Cluster::rest() {
  const std::lock_guard lock(mutex_);
  resting_ = true;
}

void Cluster::stop() {
  backplane_->stop();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Cluster::publish(const OrderEvent& event, Done done) {
  const auto both = std::make_shared<Both>(std::move(done));
  local_.publish(event, [both](PublishOutcome outcome) { both->here(outcome); });
  // A stalled NATS server must not hold up the next batches.
  if (!backplane_->hears()) {
    metrics_.backplane_failures.add();
    return both->in_stream(BackplaneAnswer::unavailable);
  }
  try {
    backplane_->publish(event, [both, metrics = &metrics_](BackplaneAnswer answer) {
      if (answer != BackplaneAnswer::stored) metrics->backplane_failures.add();
      both->in_stream(answer);
    });
  } catch (const std::exception& error) {  // Out of memory. This node's connections get it anyway.
    metrics_.backplane_failures.add();
    spdlog::error("cluster: a change was not published to other nodes: {}", error.what());
    both->in_stream(BackplaneAnswer::unavailable);
  }
}

template <class Text>
void Cluster::tell(std::string_view kind, std::string_view what, Text text) {
  try {
    const std::string said = text();
    backplane_->publish(BackplaneNotice{kind, said}, [metrics = &metrics_](BackplaneAnswer answer) {
      if (answer != BackplaneAnswer::stored) metrics->backplane_failures.add();
    });
  } catch (const std::exception& error) {
    metrics_.backplane_failures.add();
    spdlog::error("cluster: other nodes were not told of {}: {}", what, error.what());
  }
}

// If the stream does not acknowledge it, the other nodes learn it from the store.
void Cluster::tell_sessions_ended(const std::string& user_id) {
  tell(sessions_ended, "an ended sign-in", [&] {
    return nlohmann::json{{"user", user_id}}.dump();
  });
}

void Cluster::tell_disconnect(const std::string& user_id, const std::string& reason) {
  tell(disconnect, "an ended sign-in", [&] {
    return nlohmann::json{{"user", user_id}, {"reason", reason}}.dump();
  });
}

void Cluster::tell_presence(std::string_view kind, const std::string& question,
                            const std::string& user_id) {
  tell(kind, "a question about a user's presence", [&] {
    nlohmann::json text{{"question", question}};
    if (!user_id.empty()) text["user"] = user_id;
    return text.dump();
  });
}

void Cluster::ask_presence(const std::string& user_id, std::function<void()> looks) {
  presence_.ask(user_id, std::move(looks));
}

void Cluster::on_order(const OrderEvent& event, const BackplaneDelivery& delivery) {
  if (delivery.own || is_resting()) return;
  metrics_.backplane_changes.add();
  if (event.json.empty()) {  // Too large for the stream.
    return later([this, id = std::string(event.order_id)] { world_.publish(id); });
  }
  if (!in_flight_->enter(options_.in_flight, options_.slow_shards)) {
    throw std::runtime_error("the I/O threads take no changes");
  }
  try {
    local_.publish(event, [state = in_flight_](PublishOutcome outcome) {
      state->leave(outcome.failed_shards > 0);
    });
  } catch (...) {
    in_flight_->leave(false);
    throw;
  }
}

void Cluster::on_notice(const BackplaneNotice& notice, const BackplaneDelivery& delivery) {
  if (delivery.own) return;
  const auto body = nlohmann::json::parse(notice.text, nullptr, false);
  const auto text = [&](const char* name) {
    const auto found = body.is_object() ? body.find(name) : body.end();
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (notice.kind == sessions_ended) {
    later([this] { look_at_sessions(); });
  } else if (notice.kind == disconnect) {
    // Ended sign-ins become invalid before the sockets close, so that no client comes back with
    // one.
    later([this, user = text("user"), reason = text("reason")] {
      look_at_sessions();
      if (!user.empty()) local_.disconnect_user(user, reason);
    });
  } else if (notice.kind == presence_question && !is_resting()) {
    presence_.on_question(text("question"), text("user"));
  } else if (notice.kind == presence_answer) {
    presence_.on_answer(text("question"));
  }
}

void Cluster::fell_behind(std::string_view reason) {
  metrics_.fell_behind.add();
  spdlog::warn("cluster: changes of other nodes may have been missed: {}", reason);
  resync_.fell_behind(reason);
  later({});
}

/// Runs a task on the thread.
void Cluster::later(std::function<void()> task) {
  bool is_full = false;
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    is_full = waiting_.size() >= options_.most_waiting;
    if (task && !is_full) waiting_.push_back(std::move(task));
  }
  changed_.notify_all();
  if (is_full) resync_.fell_behind("more came than was read from the store");
}

void Cluster::run() {
  for (;;) {
    try {
      return turns();
    } catch (const std::exception& error) {  // Out of memory.
      spdlog::error("cluster: {}", error.what());
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, hearing_look, [this] { return stopping_; });
    if (stopping_) return;
  }
}

void Cluster::turns() {
  for (;;) {
    options_.beat();
    if (is_resting()) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, hearing_look, [this] { return stopping_; });
      if (stopping_) return;
      continue;
    }
    const bool has_more = run_waiting();
    if (in_flight_->take_failed() > 0) fell_behind("an I/O thread did not take a change");
    resync_.set_hearing(backplane_->hears());
    presence_.step();
    const auto now = options_.now();
    if (now - sessions_looked_at_ >= options_.session_look) look_at_sessions();
    const auto due = resync_.step(now);
    count();
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    if (has_more || due <= now) continue;
    const auto most = std::min<ordercast::TimePoint::duration>(due - now, hearing_look);
    changed_.wait_for(lock, most, [this] { return woken_ || stopping_; });
    woken_ = false;
    if (stopping_) return;
  }
}

bool Cluster::is_resting() {
  const std::lock_guard lock(mutex_);
  return resting_ || stopping_;
}

/// One task; whether there are more.
bool Cluster::run_waiting() {
  std::function<void()> task;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return false;
    task = std::move(waiting_.front());
    waiting_.pop_front();
  }
  try {
    task();
  } catch (const std::exception& error) {
    spdlog::error("cluster: {}", error.what());
    resync_.fell_behind("the store did not answer");
  }
  return true;
}

void Cluster::look_at_sessions() {
  sessions_looked_at_ = options_.now();
  try {
    local_.look_at_sessions();
  } catch (const std::exception& error) {
    spdlog::error("cluster: sign-ins that have ended elsewhere are not known: {}", error.what());
  }
}

void Cluster::count() {
  const auto counts = resync_.counts();
  metrics_.resyncs.set(static_cast<std::int64_t>(counts.completed));
  metrics_.resync_compared.set(static_cast<std::int64_t>(counts.compared));
  metrics_.resync_newer.set(static_cast<std::int64_t>(counts.newer));
  metrics_.resync_failures.set(static_cast<std::int64_t>(counts.failures));
  metrics_.behind.set(behind() ? 1 : 0);
}

}  // namespace order_server
