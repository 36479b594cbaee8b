// SPDX-License-Identifier: MIT
#include "realtime/resync.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace order_server;
using namespace std::chrono_literals;

namespace {

using TimePoint = ordercast::TimePoint;

/// A store and what two shards watch of it, by a clock that the test moves.
struct World {
  explicit World(ResyncOptions given = small()) : options(given) {
    ResyncWorld world;
    world.shards = 2;
    world.watched = [this](std::size_t shard, std::uint32_t from, std::uint32_t most) {
      return piece(shards[shard], from, most);
    };
    world.users = [this](std::size_t shard, std::uint32_t from, std::uint32_t most) {
      return piece(users[shard], from, most);
    };
    world.organizations = [this](std::size_t shard) { return organizations[shard]; };
    world.versions = [this](const std::vector<std::string>& ids) {
      if (store_fails) throw std::runtime_error("the store is away");
      asked.push_back(ids.size());
      asked_at.push_back(now);
      std::vector<WatchedVersion> found;
      for (const auto& id : ids) {
        if (const auto one = stored.find(id); one != stored.end())
          found.push_back({id, one->second});
      }
      std::reverse(found.begin(), found.end());
      return found;
    };
    world.publish = [this](const std::string& id) {
      published.push_back(id);
      for (auto& shard : shards) {
        for (auto& order : shard) {
          if (order.order_id == id) order.version = stored.at(id);
        }
      }
    };
    world.hint_user = [this](const std::string& id) { hints.push_back("user " + id); };
    world.hint_organization = [this](const std::string& id) { hints.push_back("org " + id); };
    resync.emplace(std::move(world), options, now, 1);
  }

  static ResyncOptions small() {
    ResyncOptions options;
    options.batch = 2;
    return options;
  }

  template <class T>
  static Piece<T> piece(const std::vector<T>& all, std::uint32_t from, std::uint32_t most) {
    Piece<T> made;
    const auto end = std::min<std::size_t>(all.size(), from + most);
    for (std::size_t i = from; i < end; ++i) made.items.push_back(all[i]);
    made.next = end < all.size() ? static_cast<std::uint32_t>(end) : 0;
    return made;
  }

  /// Steps whenever the resync wants it, for so long.
  void run(std::chrono::milliseconds time) {
    const auto until = now + time;
    for (int steps = 0;; ++steps) {
      REQUIRE(steps < 10'000);
      const auto due = resync->step(now);
      if (due > until) break;
      now = std::max(now, due);
    }
    now = until;
  }

  ResyncOptions options;
  TimePoint now = TimePoint() + 1h;
  std::vector<WatchedVersion> shards[2];      // NOLINT(modernize-avoid-c-arrays)
  std::vector<std::string> users[2];          // NOLINT(modernize-avoid-c-arrays)
  std::vector<std::string> organizations[2];  // NOLINT(modernize-avoid-c-arrays)
  std::map<std::string, std::uint64_t> stored;
  bool store_fails = false;
  std::vector<std::size_t> asked;
  std::vector<TimePoint> asked_at;
  std::vector<std::string> published;
  std::vector<std::string> hints;
  std::optional<Resync> resync;
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a node that fell behind publishes the orders that the store has newer", "[resync]") {
  World world;
  world.shards[0] = {{"o-1", 3}, {"o-2", 5}, {"o-3", 1}};
  world.shards[1] = {{"o-4", 0}, {"gone", 2}};
  world.stored = {{"o-1", 4}, {"o-2", 5}, {"o-3", 1}, {"o-4", 1}, {"unwatched", 9}};
  world.resync->fell_behind("the stream was purged");
  CHECK(world.resync->behind() == "the stream was purged");

  world.run(2s);

  CHECK(world.published == Strings{"o-1", "o-4"});
  CHECK(world.resync->behind() == std::nullopt);
  const auto counts = world.resync->counts();
  CHECK(counts.begun == 1);
  CHECK(counts.completed == 1);
  CHECK(counts.compared == 5);
  CHECK(counts.newer == 2);
  for (const auto batch : world.asked) CHECK(batch <= 2);
}

TEST_CASE("a resync tells lists that they may be old, each once", "[resync]") {
  World world;
  world.organizations[0] = {"org-1"};
  world.organizations[1] = {"org-2", ""};
  world.users[0] = {"u-1", "u-2", "u-3"};
  world.resync->fell_behind("cut off");
  world.run(2s);
  CHECK(world.hints ==
        Strings{"org org-1", "org org-2", "org ", "user u-1", "user u-2", "user u-3"});
}

TEST_CASE("nodes that fall behind together ask the store at different times", "[resync]") {
  World world;
  world.shards[0] = {{"o-1", 1}};
  world.resync->fell_behind("NATS is away");
  const auto due = world.resync->step(world.now);
  CHECK(due > world.now);
  CHECK(due <= world.now + world.options.jitter);
  CHECK(world.asked.empty());
}

TEST_CASE("what falls behind while a resync runs is compared once more from the start",
          "[resync]") {
  World world;
  world.options.jitter = 0ms;
  world.shards[0] = {{"o-1", 1}, {"o-2", 1}, {"o-3", 1}};
  world.stored = {{"o-1", 1}, {"o-2", 1}, {"o-3", 1}};
  world.resync->fell_behind("first");
  auto due = world.resync->step(world.now);
  while (world.asked.empty()) due = world.resync->step(world.now = due);
  world.stored["o-1"] = 2;  // behind the comparison's back
  world.resync->fell_behind("second");

  world.run(5s);

  CHECK(world.published == Strings{"o-1"});
  CHECK(world.resync->counts().completed == 2);
  CHECK(world.resync->behind() == std::nullopt);
}

TEST_CASE("a store that fails stays behind and is asked again with backoff", "[resync]") {
  World world;
  world.shards[0] = {{"o-1", 1}};
  world.stored = {{"o-1", 2}};
  world.store_fails = true;
  world.resync->fell_behind("cut off");
  world.run(60s);
  CHECK(world.resync->behind() == "cut off");
  CHECK(world.resync->counts().failures >= 12);
  CHECK(world.resync->counts().failures <= 25);
  world.store_fails = false;
  world.run(6s);
  CHECK(world.published == Strings{"o-1"});
  CHECK(world.resync->behind() == std::nullopt);
}

TEST_CASE("a node that doesn't hear compares again and again, and once more when it hears",
          "[resync]") {
  World world;
  world.shards[0] = {{"o-1", 1}};
  world.stored = {{"o-1", 1}};
  world.resync->set_hearing(false);
  world.run(2s);
  CHECK(world.resync->behind() == "the stream isn't heard");
  world.stored["o-1"] = 2;
  world.run(7s);
  CHECK(world.published == Strings{"o-1"});

  world.stored["o-1"] = 3;
  world.resync->set_hearing(true);
  CHECK(world.resync->behind() == "the stream is heard again");
  world.run(2s);
  CHECK(world.published == Strings{"o-1", "o-1"});
  CHECK(world.resync->behind() == std::nullopt);
}

TEST_CASE("with no reason at all every order is compared once an interval, spread", "[resync]") {
  World world;
  for (int i = 0; i < 20; ++i) world.shards[0].push_back({"o-" + std::to_string(i), 1});
  world.stored["o-7"] = 2;
  world.run(world.options.interval);
  CHECK(world.published == Strings{"o-7"});
  world.stored["o-8"] = 2;
  world.run(world.options.interval);
  CHECK(world.published == Strings{"o-7", "o-8"});
  CHECK(world.resync->behind() == std::nullopt);
  CHECK(world.hints.empty());

  const auto batches = world.asked.size();
  REQUIRE(batches >= 20);
  CHECK(batches <= 40);
  for (std::size_t i = 1; i < batches; ++i) {
    CHECK(world.asked_at[i] - world.asked_at[i - 1] >= 200ms);
  }
}

TEST_CASE("what falls behind does not wait for the spread comparison", "[resync]") {
  World world;
  for (int i = 0; i < 20; ++i) world.shards[0].push_back({"o-" + std::to_string(i), 1});
  world.run(world.options.interval / 2 + 600ms);
  REQUIRE(world.asked.size() < 10);
  world.stored["o-19"] = 2;
  world.resync->fell_behind("cut off");
  world.run(2s);
  CHECK(world.published == Strings{"o-19"});
  CHECK(world.resync->behind() == std::nullopt);
}
