// SPDX-License-Identifier: MIT
#pragma once

#include "domain/transitions.hpp"
#include "push/push_worker.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// The push worker without a thread: a test calls its turns, on a real store, with a fake service
/// and manual clocks.
namespace order_server {

using namespace std::chrono_literals;
using Kind = PushOutcome::Kind;

/// Takes pushes and answers them when they are polled.
class FakeSender final : public PushSender {
 public:
  std::size_t most = 64;
  PushOutcome answer;                             ///< For every device,
  std::map<std::string, PushOutcome> to_devices;  ///< except these.
  std::vector<std::pair<std::string, std::uint64_t>>
      taken;  ///< Device and version of every attempt.
  std::size_t most_at_once = 0;

  [[nodiscard]] std::size_t capacity() const noexcept override { return most; }
  void start(const PushJob& job, Done done) override {
    taken.emplace_back(job.token, job.version);
    under_way_.emplace_back(job, std::move(done));
    most_at_once = std::max(most_at_once, under_way_.size());
  }
  void poll(std::chrono::milliseconds /*timeout*/) override {
    for (auto& [job, done] : std::exchange(under_way_, {})) {
      const auto found = to_devices.find(job.token);
      done(found == to_devices.end() ? answer : found->second);
    }
  }
  void wake() override {}
  [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }

 private:
  std::vector<std::pair<PushJob, Done>> under_way_;
};

struct World {
  TempDir dir;
  SqliteStore store{options_for(dir.file())};
  FakeSender sender;
  Metrics metrics;
  std::int64_t now_ms = 1'000'000;
  ordercast::TimePoint now{1h};
  PushOptions options;
  std::vector<std::pair<std::string, bool>> asked;
  std::optional<std::optional<ordercast::TimePoint>> heard;        ///< Empty: no answer.
  std::vector<std::function<void(PushWorker::LastSeen)>> answers;  ///< One for each question.
  std::unique_ptr<PushWorker> worker;

  explicit World(PushPolicy policy = PushPolicy::always) {
    add_sample_shop(store);
    store.create_order(sample_order("o-1"));
    store.add_device("user-1", "token-1", "android", 100);
    options.policy = policy;
    options.seed = 7;
    options.now_ms = [this] { return now_ms; };
    options.now = [this] { return now; };
  }

  void make_worker() {
    worker = std::make_unique<PushWorker>(
        store, sender, metrics,
        [this](const std::string& user, bool ping,
               const std::function<void(PushWorker::LastSeen)>& done) {
          asked.emplace_back(user, ping);
          answers.push_back(done);
          if (heard) done(*heard);
        },
        options);
  }
  void pass(std::chrono::milliseconds time) {
    now += time;
    now_ms += time.count();
  }
  void move_to(OrderStatus status, const std::string& id = "o-1") {
    REQUIRE(
        store
            .change_order(
                id, [status](const Order& order) { return decide_status(order, status); }, now_ms)
            .changed);
  }
  /// One turn, the attempts that it starts, and the turn that records their results.
  void round() {
    if (!worker) make_worker();
    worker->turn();
    sender.poll(0ms);
    worker->turn();
  }
  /// Runs at most `most` rounds.
  void rounds(int most) {
    for (int i = 0; i < most; ++i) {
      round();
      sender.poll(0ms);
    }
  }
  /// Advances the time and lets the worker do all that is due. Returns how many pushes there were
  /// so far.
  std::size_t pushes_after(std::chrono::milliseconds time) {
    pass(time);
    rounds(2);
    return sender.taken.size();
  }
  /// Makes a change whose push the service throttles; later pushes succeed.
  void change_while_throttled(std::chrono::milliseconds retry_after) {
    sender.answer = {Kind::throttled, retry_after, "FCM answered 429"};
    move_to(OrderStatus::confirmed);
    round();
    sender.answer = {};
  }
  PushStats stats() { return store.push_stats(now_ms); }
};

}  // namespace order_server
