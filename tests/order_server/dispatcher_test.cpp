// SPDX-License-Identifier: MIT
#include "realtime/dispatcher.hpp"

#include "faulty_store.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <condition_variable>
#include <stdexcept>

using namespace order_server;
using namespace std::chrono_literals;

namespace {

/// Stands for the shards: writes down what is published and answers when told.
class Shards {
 public:
  bool hold = false;  ///< Set before the dispatcher starts: `done` waits for release().
  std::atomic<int> throws{0};
  std::string unwelcome;  ///< Set before the dispatcher starts: a shard can't take this order
  std::atomic<int> refusals{0};  ///< so many times.
  std::string poison;  ///< Set before the dispatcher starts: this order can't be published.

  Dispatcher::Publish publisher() {
    return [this](const ordercast::OrderEvent& event, const Dispatcher::Done& done) {
      if (throws > 0) {
        --throws;
        throw std::runtime_error("expected by a test");
      }
      if (event.order_id == poison) throw std::runtime_error("no UTF-8");
      {
        const std::lock_guard lock(mutex_);
        published_.emplace_back(std::string(event.order_id) + "@" + std::to_string(event.version));
        if (hold) held_.push_back(done);
      }
      changed_.notify_all();
      if (hold) return;
      if (event.order_id == unwelcome && refusals > 0) {
        --refusals;
        done({0, 1});
      } else {
        done({1, 0});
      }
    };
  }

  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, 30s, [&] { return published_.size() >= count; }));
    return published_;
  }
  void release_one() {
    Dispatcher::Done done;
    {
      const std::lock_guard lock(mutex_);
      REQUIRE_FALSE(held_.empty());
      done = std::move(held_.front());
      held_.erase(held_.begin());
    }
    done({1, 0});
  }
  std::vector<std::string> published() {
    const std::lock_guard lock(mutex_);
    return published_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> published_;
  std::vector<Dispatcher::Done> held_;
};

DispatcherOptions quick_options() {
  DispatcherOptions options;
  options.first_backoff = 1ms;
  options.last_backoff = 2ms;
  options.retry = {1ms, 2ms};
  options.now_ms = [] { return std::int64_t{1500}; };
  return options;
}

/// A dispatcher's tests end when everything is marked; this waits for that without a clock.
void wait_until_marked(const FaultyStore& store, std::size_t count) {
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (store.marked().size() < count && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  CHECK(store.marked().size() == count);
}

}  // namespace

TEST_CASE("what an earlier process left is published in commit order at the start",
          "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  auto options = quick_options();
  options.batch = 3;
  std::vector<std::string> expected;
  for (std::uint64_t i = 1; i <= 10; ++i) {
    store.add_entry("a", i);
    expected.push_back("a@" + std::to_string(i));
  }
  Dispatcher dispatcher(store, metrics, shards.publisher(), options);
  dispatcher.start();
  CHECK(shards.wait_for(10) == expected);
  wait_until_marked(store, 10);
  CHECK(metrics.broadcasts.value() >= 9);
  CHECK(metrics.commit_to_send.sum_seconds() == Approx(5.0));
}

TEST_CASE("a commit's wake-up publishes it, and only it", "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  Dispatcher dispatcher(store, metrics, shards.publisher(), quick_options());
  dispatcher.start();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    store.add_entry("a", i);
    dispatcher.wake();
    CHECK(shards.wait_for(i).back() == "a@" + std::to_string(i));
  }
  dispatcher.stop();
  CHECK(shards.published().size() == 20);
}

TEST_CASE("an entry is marked only when every shard has its batch", "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  shards.hold = true;
  auto options = quick_options();
  options.batch = 2;
  for (std::uint64_t i = 1; i <= 3; ++i) store.add_entry("a", i);
  Dispatcher dispatcher(store, metrics, shards.publisher(), options);
  dispatcher.start();
  shards.wait_for(2);
  shards.release_one();
  CHECK(store.marked().empty());
  CHECK(shards.published().size() == 2);  // bounded: the third waits for the batch
  shards.release_one();
  shards.wait_for(3);
  CHECK(store.marked() == std::set<std::int64_t>{1, 2});
  shards.release_one();
  wait_until_marked(store, 3);
}

TEST_CASE("a stop does not wait for shards and leaves their batch for the next start",
          "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  shards.hold = true;
  store.add_entry("a", 1);
  {
    Dispatcher dispatcher(store, metrics, shards.publisher(), quick_options());
    dispatcher.start();
    shards.wait_for(1);
  }
  CHECK(store.marked().empty());
  shards.release_one();  // too late, and harmless

  Shards later;
  Dispatcher next(store, metrics, later.publisher(), quick_options());
  next.start();
  CHECK(later.wait_for(1) == std::vector<std::string>{"a@1"});
  wait_until_marked(store, 1);
}

TEST_CASE("a database that fails is tried again until it works", "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  store.failures = 25;
  store.add_entry("a", 1);
  Dispatcher dispatcher(store, metrics, shards.publisher(), quick_options());
  dispatcher.start();
  CHECK(shards.wait_for(1) == std::vector<std::string>{"a@1"});
  wait_until_marked(store, 1);
  CHECK(metrics.dispatcher_failures.value() == 25);
}

TEST_CASE("a mark that fails is tried again without publishing twice", "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  store.mark_failures = 5;
  store.add_entry("a", 1);
  store.add_entry("b", 1);
  Dispatcher dispatcher(store, metrics, shards.publisher(), quick_options());
  dispatcher.start();
  wait_until_marked(store, 2);
  dispatcher.stop();
  CHECK(shards.published() == std::vector<std::string>{"a@1", "b@1"});
}

TEST_CASE("a publish that throws loses nothing", "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  shards.throws = 3;
  store.add_entry("a", 1);
  store.add_entry("a", 2);
  Dispatcher dispatcher(store, metrics, shards.publisher(), quick_options());
  dispatcher.start();
  wait_until_marked(store, 2);
  CHECK(shards.published().back() == "a@2");
}

TEST_CASE("an entry that can't be published steps aside and is given up in the end",
          "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  shards.poison = "poison";
  auto options = quick_options();
  options.batch = 2;
  options.max_attempts = 3;
  store.add_entry("poison", 1);
  for (std::uint64_t i = 1; i <= 5; ++i) store.add_entry("a", i);
  Dispatcher dispatcher(store, metrics, shards.publisher(), options);
  dispatcher.start();
  CHECK(shards.wait_for(5).back() == "a@5");
  wait_until_marked(store, 5);
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (!store.failures_of(1).second && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  CHECK(store.failures_of(1) == std::pair<std::int64_t, bool>{3, true});
  store.add_entry("a", 6);
  dispatcher.wake();
  CHECK(shards.wait_for(6).back() == "a@6");
}

TEST_CASE("a failed entry whose order has gone on is not published behind the newer version",
          "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  shards.throws = 1;
  store.add_entry("a", 1);
  store.add_entry("a", 2);
  Dispatcher dispatcher(store, metrics, shards.publisher(), quick_options());
  dispatcher.start();
  wait_until_marked(store, 2);
  dispatcher.stop();
  CHECK(shards.published() == std::vector<std::string>{"a@2"});
}

TEST_CASE("what a shard could not take is published again until it could", "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  shards.unwelcome = "a";
  shards.refusals = 25;
  auto options = quick_options();
  options.max_attempts = 3;  // the entry's own faults; this is not one
  store.add_entry("a", 1);
  for (std::uint64_t i = 1; i <= 5; ++i) store.add_entry("b", i);
  Dispatcher dispatcher(store, metrics, shards.publisher(), options);
  dispatcher.start();
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (store.marked().size() < 6 && std::chrono::steady_clock::now() < until) dispatcher.wake();
  dispatcher.stop();
  CHECK(store.marked().size() == 6);
  CHECK(store.marked().count(1) == 1);
  CHECK(metrics.dispatcher_failures.value() == 25);
  const auto published = shards.published();
  CHECK(std::count(published.begin(), published.end(), "a@1") == 26);
  CHECK(std::count(published.begin(), published.end(), "b@5") == 1);
}

TEST_CASE("shards that never answer are noticed, counted once, and asked again", "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  shards.hold = true;
  auto options = quick_options();
  options.slow_shards = 1ms;
  options.lost_shards = 2ms;
  std::atomic<int> beats{0};
  options.beat = [&] { ++beats; };
  store.add_entry("a", 1);
  Dispatcher dispatcher(store, metrics, shards.publisher(), options);
  dispatcher.start();
  const auto published = shards.wait_for(3);
  CHECK(published.back() == "a@1");
  CHECK(metrics.dispatcher_stalls.value() >= 2);
  CHECK(store.marked().empty());
  CHECK(store.failures_of(1) == std::pair<std::int64_t, bool>{0, false});
  dispatcher.stop();
  CHECK(beats > 0);
}

TEST_CASE("a batch that waits for a shard beats no heart", "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  shards.hold = true;
  auto options = quick_options();
  std::atomic<int> beats{0};
  options.beat = [&] { ++beats; };
  store.add_entry("a", 1);
  Dispatcher dispatcher(store, metrics, shards.publisher(), options);
  dispatcher.start();
  shards.wait_for(1);
  const int before = beats;
  dispatcher.wake();
  CHECK(beats == before);
  shards.release_one();
  wait_until_marked(store, 1);
  dispatcher.stop();
  CHECK(beats > before);
}

TEST_CASE("the outbox is pruned under steady load, whatever the wall clock does", "[dispatcher]") {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  auto options = quick_options();
  std::atomic<std::int64_t> wall{1'000'000'000};
  options.now_ms = [&] { return wall -= 1'000; };  // goes back with every look at it
  options.now = [] { return ordercast::TimePoint(1h); };
  options.prune_step = 100;
  constexpr std::size_t entries = 5'000;
  for (std::uint64_t i = 1; i <= entries; ++i) store.add_entry("a", i);
  Dispatcher dispatcher(store, metrics, shards.publisher(), options);
  dispatcher.start();
  wait_until_marked(store, entries);
  dispatcher.stop();
  // Half a step and a batch, at most, are not deleted yet.
  CHECK(entries - store.pruned <= options.batch * 2);
}
