// SPDX-License-Identifier: MIT
#include "push/push_worker.hpp"
#include "push_world.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace order_server {

TEST_CASE("when-away: a user who was heard from since the change gets no push", "[push][away]") {
  World world(PushPolicy::when_away);
  world.move_to(OrderStatus::confirmed);
  world.make_worker();
  world.pass(1s);

  SECTION("a pong came after the change") {
    world.heard = std::optional(world.now - 500ms);
    CHECK(world.pushes_after(0ms) == 0);
    CHECK(world.metrics.pushes_skipped.value() == 1);
    CHECK(world.stats().waiting == 0);
    REQUIRE_FALSE(world.asked.empty());
    CHECK(world.asked.front() == std::pair<std::string, bool>("user-1", true));
  }
  SECTION("there is no connection: at once") {
    world.heard = std::optional<ordercast::TimePoint>();
    CHECK(world.pushes_after(0ms) == 1);
  }
  SECTION("the last pong is older than the change: it gets a little time, and no pong is no") {
    world.heard = std::optional(world.now - 10s);
    CHECK(world.pushes_after(0ms) == 0);
    CHECK(world.pushes_after(2500ms) == 0);
    CHECK(world.pushes_after(600ms) == 1);
  }
  SECTION("the pong comes while it waits") {
    world.heard = std::optional(world.now - 10s);
    world.rounds(2);
    world.pass(300ms);
    world.heard = std::optional(world.now);
    world.rounds(2);
    CHECK(world.sender.taken.empty());
    CHECK(world.metrics.pushes_skipped.value() == 1);
  }
  SECTION("several answer, and one of them heard") {
    world.rounds(1);
    REQUIRE(world.answers.size() == 1);
    const auto& answer = world.answers.front();
    world.heard = ordercast::TimePoint::min();
    answer(ordercast::TimePoint::min());
    answer(world.now);
    answer(std::nullopt);
    CHECK(world.pushes_after(0ms) == 0);
    CHECK(world.metrics.pushes_skipped.value() == 1);
  }
  SECTION("nobody answers the question: in doubt it is sent") {
    CHECK(world.pushes_after(0ms) == 0);
    CHECK(world.pushes_after(3100ms) == 1);
  }
  SECTION("the clock was set back: in doubt it is sent") {
    world.heard = std::optional(world.now);
    world.now_ms -= 3'600'000;
    CHECK(world.pushes_after(0ms) == 1);
  }
}

TEST_CASE("when-away: what a customer has to act on always goes", "[push][away]") {
  World world(PushPolicy::when_away);
  world.heard = std::optional(world.now + 1h);
  world.move_to(OrderStatus::cancelled);
  world.round();
  CHECK(world.sender.taken.size() == 1);
  CHECK(world.asked.empty());
}

TEST_CASE("one device that fails again and again stops no other", "[push]") {
  const auto outcome = GENERATE(PushOutcome{Kind::rejected, 0ms, "FCM answered 401", false},
                                PushOutcome{Kind::throttled, 60s, "FCM answered 429", true},
                                PushOutcome{Kind::unavailable, 0ms, "FCM answered 500", true});
  World world;
  world.sender.to_devices["token-1"] = outcome;
  for (int i = 2; i <= 10; ++i) world.store.create_order(sample_order("o-" + std::to_string(i)));
  for (int i = 1; i <= 10; ++i) world.move_to(OrderStatus::confirmed, "o-" + std::to_string(i));
  world.rounds(3);
  CHECK(world.sender.taken.size() >= 10);

  world.store.add_device("user-2", "token-2", "android", 100);
  world.store.create_order(sample_order("p-1", "user-2"));
  world.move_to(OrderStatus::confirmed, "p-1");
  world.sender.taken.clear();
  world.round();
  REQUIRE(world.sender.taken.size() == 1);
  CHECK(world.sender.taken.front().first == "token-2");
  CHECK(world.metrics.pushes_sent.value() == 1);
}

TEST_CASE("several devices that are throttled make an outage", "[push]") {
  World world;
  for (const char* token : {"token-2", "token-3"}) {
    world.store.add_device("user-1", token, "android", 100);
  }
  world.sender.answer = {Kind::throttled, 30s, "FCM answered 429", true};
  world.move_to(OrderStatus::confirmed);
  world.rounds(2);
  CHECK(world.sender.taken.size() == 3);

  world.sender.answer = {};
  world.store.add_device("user-2", "token-4", "android", 100);
  world.store.create_order(sample_order("p-1", "user-2"));
  world.move_to(OrderStatus::confirmed, "p-1");
  world.round();
  CHECK(world.sender.taken.size() == 3);  // it pauses
  world.pass(34s);
  world.rounds(3);
  CHECK(world.stats().waiting == 0);
}

/// Answers in the first poll after `wake`. Here only `stop` wakes it, so it answers after the end
/// was requested.
class SlowSender final : public PushSender {
 public:
  [[nodiscard]] std::size_t capacity() const noexcept override { return 64; }
  void start(const PushJob& /*job*/, Done done) override {
    const std::lock_guard lock(mutex_);
    done_ = std::move(done);
    changed_.notify_all();
  }
  void poll(std::chrono::milliseconds timeout) override {
    Done done;
    {
      std::unique_lock lock(mutex_);
      if (is_woken_) {
        done = std::exchange(done_, nullptr);
      } else {
        changed_.wait_for(lock, timeout, [this] { return is_woken_; });
      }
    }
    if (done) done({});
  }
  void wake() override {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
    changed_.notify_all();
  }
  void wait_until_taken() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, 30s, [this] { return done_ != nullptr; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Done done_;
  bool is_woken_ = false;
};

TEST_CASE("the thread starts with what is left, and ends when what is on its way has arrived",
          "[push]") {
  World world;
  world.move_to(OrderStatus::confirmed);
  SlowSender sender;
  PushWorker worker(world.store, sender, world.metrics, {}, world.options);
  worker.start();
  sender.wait_until_taken();
  worker.stop();
  CHECK(world.metrics.pushes_sent.value() == 1);
  CHECK(world.stats().waiting == 0);  // so the next start does not send it again
}

}  // namespace order_server
