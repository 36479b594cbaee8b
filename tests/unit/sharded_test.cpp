// SPDX-License-Identifier: MIT
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>
#include <ordercast/sharded.hpp>

#include <catch2/catch.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using Manager = ConnectionManager<test::FakeTransport, test::FakeServices>;

/// A thread that runs what is posted to it, in order: an I/O thread without the I/O.
class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  Loop(Loop&&) = delete;
  Loop& operator=(Loop&&) = delete;
  ~Loop() {
    post({});
    thread_.join();
  }
  void post(std::function<void()> task) {
    const std::lock_guard<std::mutex> lock(mutex_);
    tasks_.push_back(std::move(task));
    ++posts;
    changed_.notify_one();
  }
  int posts = 0;

 private:
  void run() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return !tasks_.empty(); });
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      if (!task) return;
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::thread thread_{[this] { run(); }};
};

struct Shard {
  std::shared_ptr<test::World> world = [] {
    auto made = std::make_shared<test::World>();
    made->tokens["root"] = {"root", Reach::everything};
    made->orders["order-1"] = {"alice", "org-1"};
    return made;
  }();
  test::FakeTransport transport;
  Manager manager{transport, test::FakeServices(world), Limits{100, 0}};
};

}  // namespace

TEST_CASE("a publish to four shards is one encode, four posts, and reaches each once",
          "[sharded]") {
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::unique_ptr<Loop>> loops;
  Sharded<Manager> sharded;
  for (int i = 0; i < 4; ++i) {
    shards.push_back(std::make_unique<Shard>());
    loops.push_back(std::make_unique<Loop>());
    for (int handle = 0; handle < 10; ++handle) {
      shards.back()->manager.on_open(handle, "root");
      shards.back()->manager.on_message(handle, R"({"type":"subscribe","orderId":"order-1"})");
    }
    sharded.add(shards.back()->manager, [loop = loops.back().get()](std::function<void()> task) {
      loop->post(std::move(task));
    });
  }
  const auto frames = test::FakeTransport::prepared();
  std::mutex mutex;
  std::condition_variable finished;
  std::vector<std::size_t> reached;
  constexpr std::uint64_t changes = 50;
  for (std::uint64_t version = 2; version < 2 + changes; ++version) {
    sharded.publish({"order-1", OwnerId("alice"), OrganizationId("org-1"), "READY", version, "{}"},
                    [&](PublishOutcome outcome) {
                      const std::lock_guard<std::mutex> lock(mutex);
                      CHECK(outcome.failed_shards == 0);
                      reached.push_back(outcome.reached);
                      finished.notify_one();
                    });
  }
  {
    std::unique_lock<std::mutex> lock(mutex);
    finished.wait(lock, [&] { return reached.size() == changes; });
  }
  CHECK(test::FakeTransport::prepared() - frames == 2 * changes);
  for (const auto count : reached) CHECK(count == 40);
  for (const auto& loop : loops) CHECK(loop->posts == changes);
  loops.clear();
  for (const auto& shard : shards) {
    for (int handle = 0; handle < 10; ++handle) {
      const auto& got = shard->transport[handle].received;
      REQUIRE(got.size() == 2 * changes);
    }
  }
}

TEST_CASE("a task for each manager runs on its own shard", "[sharded]") {
  Shard one;
  Shard two;
  Sharded<Manager> sharded;
  int posts = 0;
  const auto post = [&](const std::function<void()>& task) {
    ++posts;
    task();
  };
  sharded.add(one.manager, post);
  sharded.add(two.manager, post);
  std::vector<Manager*> visited;
  sharded.for_each([&](Manager& manager) { visited.push_back(&manager); });
  CHECK(posts == 2);
  CHECK(visited == std::vector<Manager*>{&one.manager, &two.manager});

  sharded.visit(1, [&](Manager& manager) { visited.push_back(&manager); });
  CHECK(posts == 3);
  CHECK(visited.back() == &two.manager);
}

TEST_CASE("a user was last heard from on the shard that got the newest answer", "[sharded]") {
  Shard one;
  Shard two;
  Sharded<Manager> sharded;
  const auto at_once = [](const std::function<void()>& task) { task(); };
  sharded.add(one.manager, at_once);
  sharded.add(two.manager, at_once);
  std::vector<std::optional<TimePoint>> answers;
  const auto ask = [&](bool ping) {
    sharded.last_heard("root", ping, [&](auto heard) { answers.push_back(heard); });
    return answers.back();
  };
  CHECK_FALSE(ask(true));
  one.manager.on_open(1, "root");
  two.manager.on_open(1, "root");
  for (auto* shard : {&one, &two}) {
    shard->manager.on_message(1, R"({"type":"presence","visible":true})");
  }
  CHECK(ask(false) == TimePoint::min());
  CHECK(one.transport[1].pings + two.transport[1].pings == 0);
  CHECK(ask(true) == TimePoint::min());
  CHECK(one.transport[1].pings + two.transport[1].pings == 2);
  two.manager.on_pong(1);
  const auto heard = ask(false);
  REQUIRE(heard);
  CHECK(*heard > TimePoint::min());
  CHECK(answers.size() == 4);
}

TEST_CASE("a task that a shard does not finish is reported, and done runs exactly once",
          "[sharded]") {
  Shard one;
  Shard two;
  Shard three;
  Sharded<Manager> sharded;
  for (auto* shard : {&one, &two, &three}) shard->manager.on_open(1, "root");
  std::vector<PublishOutcome> outcomes;
  const auto publish = [&] {
    sharded.publish({"order-1", OwnerId("alice"), OrganizationId("org-1"), "READY", 2, "{}"},
                    [&](PublishOutcome outcome) { outcomes.push_back(outcome); });
  };
  sharded.add(one.manager, [](const std::function<void()>& task) { task(); });

  SECTION("a shard that ends with the task unrun") {
    sharded.add(two.manager, [](const std::function<void()>& /*task*/) {});
    std::function<void()> later;
    sharded.add(three.manager, [&](std::function<void()> task) { later = std::move(task); });
    publish();
    CHECK(outcomes.empty());
    later();
    CHECK(outcomes.empty());
    later = nullptr;
    REQUIRE(outcomes.size() == 1);
    CHECK(outcomes[0].reached == 2);
    CHECK(outcomes[0].failed_shards == 1);
  }
  SECTION("a shard whose loop throws") {
    sharded.add(two.manager, [](const std::function<void()>& /*task*/) { throw std::bad_alloc(); });
    sharded.add(three.manager, [](const std::function<void()>& task) { task(); });
    publish();
    REQUIRE(outcomes.size() == 1);
    CHECK(outcomes[0].reached == 2);
    CHECK(outcomes[0].failed_shards == 1);
  }
  SECTION("a done that throws ends nothing") {
    CHECK_NOTHROW(
        sharded.publish({"order-1", OwnerId("alice"), OrganizationId("org-1"), "READY", 2, "{}"},
                        [](PublishOutcome /*outcome*/) { throw std::runtime_error("expected"); }));
  }
}
