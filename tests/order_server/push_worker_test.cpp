// SPDX-License-Identifier: MIT
#include "push/push_worker.hpp"

#include "domain/transitions.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// The worker without a thread: each test takes its turns, on a real store, with a service that
/// does as it is told and clocks that stand still.
namespace order_server {
namespace {

using namespace std::chrono_literals;
using Kind = PushOutcome::Kind;

/// Takes pushes and answers them when they are polled.
class FakeSender final : public PushSender {
 public:
  std::size_t most = 64;
  PushOutcome answer;                                        ///< To everybody,
  std::map<std::string, PushOutcome> to_devices;             ///< but to these.
  std::vector<std::pair<std::string, std::uint64_t>> taken;  ///< Device and version, all attempts.
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
  std::optional<std::optional<ordercast::TimePoint>> heard;  ///< Empty: no answer.
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
               const std::function<void(PushWorker::Heard)>& done) {
          asked.emplace_back(user, ping);
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
  /// A turn, what it started, and the turn that writes down how that ended.
  void round() {
    if (!worker) make_worker();
    worker->turn();
    sender.poll(0ms);
    worker->turn();
  }
  /// Rounds until nothing is to be done any more, at most so many.
  void rounds(int most) {
    for (int i = 0; i < most; ++i) {
      round();
      sender.poll(0ms);
    }
  }
  PushStats stats() { return store.push_stats(now_ms); }
};

}  // namespace

TEST_CASE("a change is pushed once, and then forgotten", "[push]") {
  World world;
  world.move_to(OrderStatus::confirmed);
  world.round();
  REQUIRE(world.sender.taken.size() == 1);
  CHECK(world.sender.taken.front() == std::pair<std::string, std::uint64_t>("token-1", 2));
  CHECK(world.stats().waiting == 0);
  world.rounds(3);
  CHECK(world.sender.taken.size() == 1);
  CHECK(world.metrics.pushes_sent.value() == 1);
}

TEST_CASE("what was not written down is not sent again meanwhile, and is after a crash", "[push]") {
  World world;
  world.move_to(OrderStatus::confirmed);
  world.make_worker();
  world.worker->turn();
  for (int i = 0; i < 3; ++i) world.worker->turn();
  CHECK(world.sender.taken.size() == 1);  // under way
  world.sender.poll(0ms);
  world.worker.reset();  // before anything was written down
  world.round();
  CHECK(world.sender.taken.size() == 2);
  CHECK(world.stats().waiting == 0);
}

TEST_CASE("no more are under way than the sender takes", "[push]") {
  World world;
  world.sender.most = 3;
  for (int i = 2; i <= 11; ++i) {
    const auto id = "o-" + std::to_string(i);
    world.store.create_order(sample_order(id));
    world.move_to(OrderStatus::confirmed, id);
  }
  world.rounds(6);
  CHECK(world.sender.most_at_once == 3);
  CHECK(world.sender.taken.size() == 10);
  CHECK(world.stats().waiting == 0);
}

TEST_CASE("a device that is gone is forgotten, with all that waits for it", "[push]") {
  World world;
  world.store.add_device("user-1", "token-2", "ios", 200);
  world.sender.to_devices["token-1"] = {Kind::no_device, 0ms, "FCM answered 404 UNREGISTERED"};
  world.move_to(OrderStatus::confirmed);
  world.round();
  world.move_to(OrderStatus::preparing);
  world.rounds(2);
  std::size_t to_gone = 0;
  for (const auto& [token, version] : world.sender.taken) to_gone += token == "token-1" ? 1 : 0;
  CHECK(to_gone == 1);
  CHECK(world.sender.taken.size() == 3);
  CHECK(world.metrics.push_devices_removed.value() == 1);
  CHECK(number_in(world.dir.file(), "SELECT count(*) FROM devices") == 1);
}

TEST_CASE("a message that is refused again and again is given up and holds nobody up", "[push]") {
  World world;
  world.store.add_device("user-1", "token-2", "ios", 200);
  world.sender.to_devices["token-1"] = {Kind::rejected, 0ms, "FCM answered 400"};
  world.move_to(OrderStatus::confirmed);
  for (int i = 0; i < 12; ++i) {
    world.round();
    world.pass(61s);
  }
  std::size_t to_poisoned = 0;
  for (const auto& [token, version] : world.sender.taken) to_poisoned += token == "token-1" ? 1 : 0;
  CHECK(to_poisoned == static_cast<std::size_t>(world.options.max_failures));
  CHECK(world.metrics.pushes_sent.value() == 1);
  CHECK(world.stats().dead == 1);
  const auto letters = world.store.list_dead_letters(10);
  REQUIRE(letters.size() == 1);
  CHECK(letters.front().error == "FCM answered 400");

  // An operator has it tried again, and now it goes.
  world.sender.to_devices.clear();
  CHECK(world.store.retry_dead_letters(letters.front().id, world.now_ms) == 1);
  world.round();
  CHECK(world.metrics.pushes_sent.value() == 2);
  CHECK(world.stats().dead == 0);
}

TEST_CASE("FCM is down for ten minutes: few attempts, little kept, the newest state afterwards",
          "[push]") {
  World world;
  constexpr int orders = 40;
  for (int i = 2; i <= orders; ++i)
    world.store.create_order(sample_order("o-" + std::to_string(i)));
  world.sender.answer = {Kind::unavailable, 0ms, "FCM can't be reached"};
  const auto to_all = [&](OrderStatus status) {
    for (int i = 1; i <= orders; ++i) world.move_to(status, "o-" + std::to_string(i));
  };
  to_all(OrderStatus::confirmed);
  for (int second = 0; second < 600; ++second) {
    if (second == 100) to_all(OrderStatus::preparing);
    if (second == 300) to_all(OrderStatus::ready);
    world.round();
    world.pass(1s);
  }
  const auto attempts = world.sender.taken.size();
  INFO(attempts << " attempts in ten minutes");
  CHECK(attempts >= 10);                   // it keeps looking
  CHECK(attempts <= 100);                  // one at a time, rarer and rarer
  CHECK(world.stats().waiting == orders);  // one place an order and device, not one a change
  CHECK(world.stats().dead == 0);          // an outage is no message's fault

  world.sender.taken.clear();
  world.sender.answer = {};
  world.pass(61s);
  world.rounds(4);
  CHECK(world.stats().waiting == 0);
  REQUIRE(world.sender.taken.size() == orders);
  for (const auto& [token, version] : world.sender.taken) CHECK(version == 4);
}

TEST_CASE("an outage is over as soon as one message got through", "[push]") {
  World world;
  for (int i = 2; i <= 20; ++i) {
    world.store.create_order(sample_order("o-" + std::to_string(i)));
    world.move_to(OrderStatus::confirmed, "o-" + std::to_string(i));
  }
  world.sender.answer = {Kind::unavailable, 0ms, "FCM answered 503"};
  world.rounds(3);
  world.pass(61s);
  world.sender.taken.clear();
  world.sender.answer = {};
  world.worker->turn();
  CHECK(world.sender.under_way() == 1);  // one finds out
  world.sender.poll(0ms);
  world.worker->turn();
  CHECK(world.sender.under_way() == 18);  // and all others follow at once
}

TEST_CASE("Retry-After is kept to", "[push]") {
  World world;
  world.sender.answer = {Kind::throttled, 120s, "FCM answered 429 QUOTA_EXCEEDED"};
  world.move_to(OrderStatus::confirmed);
  world.rounds(2);
  const auto first = world.sender.taken.size();
  for (int second = 0; second < 119; ++second) {
    world.pass(1s);
    world.round();
  }
  CHECK(world.sender.taken.size() == first);
  world.pass(15s);  // a tenth more, so that all don't come back together
  world.sender.answer = {};
  world.round();
  CHECK(world.sender.taken.size() == first + 1);
  CHECK(world.stats().waiting == 0);
}

TEST_CASE("a newer version takes the place of one that waits", "[push]") {
  World world;
  world.sender.answer = {Kind::throttled, 60s, "FCM answered 429"};
  world.move_to(OrderStatus::confirmed);
  world.round();
  world.move_to(OrderStatus::preparing);
  world.move_to(OrderStatus::ready);
  world.sender.answer = {};
  world.sender.taken.clear();
  world.pass(70s);
  world.rounds(3);
  REQUIRE(world.sender.taken.size() == 1);
  CHECK(world.sender.taken.front().second == 4);
}

TEST_CASE("a newer version that comes while an older one is under way is sent as well", "[push]") {
  World world;
  world.move_to(OrderStatus::confirmed);
  world.make_worker();
  world.worker->turn();
  world.move_to(OrderStatus::preparing);
  world.worker->turn();
  CHECK(world.sender.taken.size() == 1);  // one place, one at a time
  world.sender.poll(0ms);
  world.rounds(2);
  REQUIRE(world.sender.taken.size() == 2);
  CHECK(world.sender.taken.back().second == 3);
}

TEST_CASE("what nobody wants to hear any more is given up", "[push]") {
  World world;
  world.move_to(OrderStatus::confirmed);
  world.pass(25h);
  world.rounds(2);
  CHECK(world.sender.taken.empty());
  CHECK(world.stats().dead == 1);
}

TEST_CASE("a clock that is set does not hold pushes up", "[push]") {
  World world;
  world.sender.answer = {Kind::throttled, 60s, "FCM answered 429"};
  world.move_to(OrderStatus::confirmed);
  world.round();
  world.sender.answer = {};
  SECTION("back by a day: what was planned for later is due") {
    world.now_ms -= 24 * 3600 * 1000;
  }
  SECTION("forward by an hour") {
    world.now_ms += 3600 * 1000;
  }
  world.rounds(2);
  CHECK(world.metrics.pushes_sent.value() == 1);
}

TEST_CASE("when-away: whoever has proved alive since the change is not pushed to", "[push][away]") {
  World world(PushPolicy::when_away);
  world.move_to(OrderStatus::confirmed);
  world.make_worker();
  world.pass(1s);

  SECTION("a pong came after the change") {
    world.heard = std::optional(world.now - 500ms);
    world.rounds(2);
    CHECK(world.sender.taken.empty());
    CHECK(world.metrics.pushes_skipped.value() == 1);
    CHECK(world.stats().waiting == 0);
    REQUIRE_FALSE(world.asked.empty());
    CHECK(world.asked.front() == std::pair<std::string, bool>("user-1", true));
  }
  SECTION("there is no connection: at once") {
    world.heard = std::optional<ordercast::TimePoint>();
    world.rounds(2);
    CHECK(world.sender.taken.size() == 1);
  }
  SECTION("the last pong is older than the change: it gets a little time, and no pong is no") {
    world.heard = std::optional(world.now - 10s);
    world.rounds(2);
    CHECK(world.sender.taken.empty());
    world.pass(2500ms);
    world.rounds(2);
    CHECK(world.sender.taken.empty());
    world.pass(600ms);
    world.rounds(2);
    CHECK(world.sender.taken.size() == 1);
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
  SECTION("nobody answers the question: in doubt it is sent") {
    world.rounds(2);
    CHECK(world.sender.taken.empty());
    world.pass(3100ms);
    world.rounds(2);
    CHECK(world.sender.taken.size() == 1);
  }
  SECTION("the clock was set back: in doubt it is sent") {
    world.heard = std::optional(world.now);
    world.now_ms -= 3'600'000;
    world.rounds(2);
    CHECK(world.sender.taken.size() == 1);
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

/// Answers what it has taken in the first poll that begins after it was woken: after the end was
/// asked for, as nobody else wakes it here.
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
