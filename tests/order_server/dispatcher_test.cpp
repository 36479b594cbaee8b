// SPDX-License-Identifier: MIT
#include "realtime/dispatcher.hpp"

#include "faulty_store.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <condition_variable>
#include <optional>
#include <stdexcept>

using namespace order_server;
using namespace std::chrono_literals;

namespace {

/// Fake shards: record what is published and answer when told to.
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

/// A dispatcher with what it reads from and publishes to. Set `options` before `start`.
struct World {
  FaultyStore store;
  Metrics metrics;
  Shards shards;
  DispatcherOptions options = quick_options();
  std::optional<Dispatcher> dispatcher;

  void add_entries(const std::string& order, std::uint64_t count) {
    for (std::uint64_t version = 1; version <= count; ++version) store.add_entry(order, version);
  }
  void start() {
    dispatcher.emplace(store, metrics, shards.publisher(), options);
    dispatcher->start();
  }
};

/// Waits until every entry is marked.
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
  World world;
  world.options.batch = 3;
  std::vector<std::string> expected;
  for (std::uint64_t i = 1; i <= 10; ++i) {
    world.store.add_entry("a", i);
    expected.push_back("a@" + std::to_string(i));
  }
  world.start();
  CHECK(world.shards.wait_for(10) == expected);
  wait_until_marked(world.store, 10);
  CHECK(world.metrics.broadcasts.value() >= 9);
  CHECK(world.metrics.commit_to_send.sum_seconds() == Approx(5.0));
}

TEST_CASE("a commit's wake-up publishes it, and only it", "[dispatcher]") {
  World world;
  world.start();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    world.store.add_entry("a", i);
    world.dispatcher->wake();
    CHECK(world.shards.wait_for(i).back() == "a@" + std::to_string(i));
  }
  world.dispatcher->stop();
  CHECK(world.shards.published().size() == 20);
}

TEST_CASE("an entry is marked only when every shard has its batch", "[dispatcher]") {
  World world;
  world.shards.hold = true;
  world.options.batch = 2;
  world.add_entries("a", 3);
  world.start();
  world.shards.wait_for(2);
  world.shards.release_one();
  CHECK(world.store.marked().empty());
  CHECK(world.shards.published().size() == 2);  // bounded: the third waits for the batch
  world.shards.release_one();
  world.shards.wait_for(3);
  CHECK(world.store.marked() == std::set<std::int64_t>{1, 2});
  world.shards.release_one();
  wait_until_marked(world.store, 3);
}

TEST_CASE("a stop does not wait for shards and leaves their batch for the next start",
          "[dispatcher]") {
  World world;
  world.shards.hold = true;
  world.store.add_entry("a", 1);
  world.start();
  world.shards.wait_for(1);
  world.dispatcher.reset();
  CHECK(world.store.marked().empty());
  world.shards.release_one();  // too late, and harmless

  Shards later;
  Dispatcher next(world.store, world.metrics, later.publisher(), world.options);
  next.start();
  CHECK(later.wait_for(1) == std::vector<std::string>{"a@1"});
  wait_until_marked(world.store, 1);
}

TEST_CASE("a database that fails is tried again until it works", "[dispatcher]") {
  World world;
  world.store.failures = 25;
  world.store.add_entry("a", 1);
  world.start();
  CHECK(world.shards.wait_for(1) == std::vector<std::string>{"a@1"});
  wait_until_marked(world.store, 1);
  CHECK(world.metrics.dispatcher_failures.value() == 25);
}

TEST_CASE("a mark that fails is tried again without publishing twice", "[dispatcher]") {
  World world;
  world.store.mark_failures = 5;
  world.store.add_entry("a", 1);
  world.store.add_entry("b", 1);
  world.start();
  wait_until_marked(world.store, 2);
  world.dispatcher->stop();
  CHECK(world.shards.published() == std::vector<std::string>{"a@1", "b@1"});
}

TEST_CASE("a publish that throws loses nothing", "[dispatcher]") {
  World world;
  world.shards.throws = 3;
  world.add_entries("a", 2);
  world.start();
  wait_until_marked(world.store, 2);
  CHECK(world.shards.published().back() == "a@2");
}

TEST_CASE("an entry that can't be published steps aside and is given up in the end",
          "[dispatcher]") {
  World world;
  world.shards.poison = "poison";
  world.options.batch = 2;
  world.options.max_attempts = 3;
  world.store.add_entry("poison", 1);
  world.add_entries("a", 5);
  world.start();
  CHECK(world.shards.wait_for(5).back() == "a@5");
  wait_until_marked(world.store, 5);
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (!world.store.failures_of(1).second && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  CHECK(world.store.failures_of(1) == std::pair<std::int64_t, bool>{3, true});
  world.store.add_entry("a", 6);
  world.dispatcher->wake();
  CHECK(world.shards.wait_for(6).back() == "a@6");
}

TEST_CASE("a failed entry whose order has gone on is not published behind the newer version",
          "[dispatcher]") {
  World world;
  world.shards.throws = 1;
  world.add_entries("a", 2);
  world.start();
  wait_until_marked(world.store, 2);
  world.dispatcher->stop();
  CHECK(world.shards.published() == std::vector<std::string>{"a@2"});
}

TEST_CASE("what a shard could not take is published again until it could", "[dispatcher]") {
  World world;
  world.shards.unwelcome = "a";
  world.shards.refusals = 25;
  world.options.max_attempts = 3;  // counts the entry's own failures; this is not one
  world.store.add_entry("a", 1);
  world.add_entries("b", 5);
  world.start();
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (world.store.marked().size() < 6 && std::chrono::steady_clock::now() < until)
    world.dispatcher->wake();
  world.dispatcher->stop();
  CHECK(world.store.marked().size() == 6);
  CHECK(world.store.marked().count(1) == 1);
  CHECK(world.metrics.dispatcher_failures.value() == 25);
  const auto published = world.shards.published();
  CHECK(std::count(published.begin(), published.end(), "a@1") == 26);
  CHECK(std::count(published.begin(), published.end(), "b@5") == 1);
}

TEST_CASE("shards that never answer are noticed, counted once, and asked again", "[dispatcher]") {
  std::atomic<int> beats{0};
  World world;
  world.shards.hold = true;
  world.options.slow_shards = 1ms;
  world.options.lost_shards = 2ms;
  world.options.beat = [&] { ++beats; };
  world.store.add_entry("a", 1);
  world.start();
  const auto published = world.shards.wait_for(3);
  CHECK(published.back() == "a@1");
  CHECK(world.metrics.dispatcher_stalls.value() >= 2);
  CHECK(world.store.marked().empty());
  CHECK(world.store.failures_of(1) == std::pair<std::int64_t, bool>{0, false});
  world.dispatcher->stop();
  CHECK(beats > 0);
}

TEST_CASE("a batch that waits for a shard beats no heart", "[dispatcher]") {
  std::atomic<int> beats{0};
  World world;
  world.shards.hold = true;
  world.options.beat = [&] { ++beats; };
  world.store.add_entry("a", 1);
  world.start();
  world.shards.wait_for(1);
  const int before = beats;
  world.dispatcher->wake();
  CHECK(beats == before);
  world.shards.release_one();
  wait_until_marked(world.store, 1);
  world.dispatcher->stop();
  CHECK(beats > before);
}

TEST_CASE("the outbox is pruned under steady load, whatever the wall clock does", "[dispatcher]") {
  std::atomic<std::int64_t> wall{1'000'000'000};
  World world;
  world.options.now_ms = [&] { return wall -= 1'000; };  // goes back with every reading
  world.options.now = [] { return ordercast::TimePoint(1h); };
  world.options.prune_step = 100;
  constexpr std::size_t entries = 5'000;
  world.add_entries("a", entries);
  world.start();
  wait_until_marked(world.store, entries);
  world.dispatcher->stop();
  // At most half a step and a batch are not deleted yet.
  CHECK(entries - world.store.pruned <= world.options.batch * 2);
}
