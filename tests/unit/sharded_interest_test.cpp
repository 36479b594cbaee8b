// SPDX-License-Identifier: MIT
// Only the shards that have somebody for a change are woken, and no subscription misses a version
// that is published while it begins.
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>
#include <ordercast/sharded.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)

const std::string subscribe = R"({"type":"subscribe","orderId":"order-1","since":0})";

OrderEvent change(std::uint64_t version, const std::string& json,
                  const std::string& order_id = "order-1") {
  return {order_id, OwnerId("nobody"), OrganizationId("org-9"), "READY", version, json};
}

/// Tasks of a shard, run when the test says so.
struct Tasks {
  std::deque<std::function<void()>> waiting;
  std::size_t posts = 0;

  [[nodiscard]] std::function<void(std::function<void()>)> poster() {
    return [this](std::function<void()> task) {
      ++posts;
      waiting.push_back(std::move(task));
    };
  }
  void run() {
    while (!waiting.empty()) {
      const auto task = std::move(waiting.front());
      waiting.pop_front();
      task();
    }
  }
};

struct Shard {
  using Manager = ConnectionManager<test::FakeTransport, test::FakeServices>;

  std::shared_ptr<test::World> world = [] {
    auto made = std::make_shared<test::World>();
    made->tokens["root"] = {"root", Reach::everything};
    made->tokens["alice"] = {"alice", Reach::own};
    made->tokens["staff"] = {"staff", Reach::organization, "org-1"};
    made->orders["order-1"] = {"alice", "org-1"};
    return made;
  }();
  test::FakeTransport transport;
  Manager manager{transport, test::FakeServices(world), Limits{100, 0}};
  Tasks tasks;
};

struct EightShards {
  EightShards() {
    for (auto& shard : shards) sharded.add(shard.manager, shard.tasks.poster());
  }
  /// How many shards a call wakes. Each is woken once at most.
  template <class F>
  std::size_t woken_by(F&& f) {
    std::size_t before = 0;
    for (auto& shard : shards) before += shard.tasks.posts;
    f();
    std::size_t after = 0;
    for (auto& shard : shards) {
      CHECK(shard.tasks.waiting.size() <= 1);
      after += shard.tasks.posts;
      shard.tasks.run();
    }
    return after - before;
  }
  std::vector<Shard> make() { return std::vector<Shard>(8); }
  std::vector<Shard> shards = make();
  Sharded<Shard::Manager> sharded;
};

}  // namespace

TEST_CASE("a change with one watcher wakes one of eight shards", "[sharded][interest]") {
  EightShards eight;
  auto& home = eight.shards[5];
  home.manager.on_open(1, "alice");
  home.manager.on_message(1, subscribe);
  const auto frames = test::FakeTransport::prepared();
  const auto published = [&](const OrderEvent& event) {
    return eight.woken_by([&] { eight.sharded.publish(event); });
  };
  CHECK(published(change(2, R"({"version":2})")) == 1);
  CHECK(home.transport[1].received.back().find(R"({"version":2})") != std::string::npos);
  CHECK(test::FakeTransport::prepared() - frames == 1);  // Nobody gets a hint.

  // Nobody is there for another order: nothing is encoded, and it is done at once.
  std::size_t done = 0;
  CHECK(eight.woken_by([&] {
    eight.sharded.publish(change(2, "{}", "order-2"), [&](PublishOutcome outcome) {
      done += outcome.reached == 0 && outcome.failed_shards == 0 ? 1U : 0U;
    });
    CHECK(done == 1);
  }) == 0);
  CHECK(test::FakeTransport::prepared() - frames == 1);

  // The owner, the assignee, the organization, whoever sees everything.
  CHECK(published({"order-2", OwnerId("alice"), OrganizationId("org-9"), "READY", 2, "{}"}) == 1);
  CHECK(published({"order-2", OwnerId("nobody"), OrganizationId("org-9"), "READY", 2, "{}",
                   AssigneeId("alice")}) == 1);
  eight.shards[0].manager.on_open(1, "staff");
  CHECK(published({"order-2", OwnerId("alice"), OrganizationId("org-1"), "READY", 2, "{}"}) == 2);
  eight.shards[7].manager.on_open(1, "root");
  CHECK(published({"order-2", OwnerId("alice"), OrganizationId("org-1"), "READY", 2, "{}"}) == 3);
  eight.shards[7].manager.on_open(2, "root");
  eight.shards[7].manager.on_close(1);
  CHECK(published(change(3, "{}")) == 2);
  eight.shards[7].manager.on_close(2);
  home.manager.on_message(1, R"({"type":"unsubscribe","orderId":"order-1"})");
  CHECK(published(change(4, "{}")) == 0);
  home.manager.on_message(1, subscribe);
  CHECK(published(change(5, "{}")) == 1);
  home.manager.on_close(1);
  eight.shards[0].manager.on_close(1);
  CHECK(published({"order-1", OwnerId("alice"), OrganizationId("org-1"), "READY", 6, "{}"}) == 0);
}

TEST_CASE("an application's message wakes only the shards of its audience", "[sharded][interest]") {
  EightShards eight;
  eight.shards[2].manager.on_open(1, "staff");
  eight.shards[3].manager.on_open(1, "alice");
  eight.shards[3].manager.on_message(1, subscribe);
  const ApplicationMessage message{R"({"type":"mine"})"};
  const auto& sharded = eight.sharded;
  CHECK(eight.woken_by([&] { sharded.send_to_user("alice", message); }) == 1);
  CHECK(eight.woken_by([&] { sharded.send_to_user("bob", message); }) == 0);
  CHECK(eight.woken_by([&] { sharded.send_to_watchers("order-1", message); }) == 1);
  CHECK(eight.woken_by([&] { sharded.send_to_watchers("order-2", message); }) == 0);
  CHECK(eight.woken_by([&] { sharded.send_to_organization("org-1", message); }) == 1);
  CHECK(eight.woken_by([&] { sharded.send_to_organization("org-2", message); }) == 0);
  CHECK(eight.shards[3].transport[1].received.back() == message.text);
  // Whoever has to leave may be on its way in: all are told.
  CHECK(eight.woken_by([&] { sharded.disconnect_user("bob", CloseCode::normal, {}); }) == 8);
}

TEST_CASE("a version that is published while a subscription is answered arrives",
          "[sharded][interest]") {
  EightShards eight;
  auto& home = eight.shards[5];
  home.world->answer_later = true;
  home.manager.on_open(1, "alice");
  home.manager.on_message(1, subscribe);
  std::uint64_t version = 1;
  const auto commit_and_publish = [&] {
    ++version;
    auto& stored = home.world->orders["order-1"];
    stored.version = version;
    stored.json = R"({"version":)" + std::to_string(version) + "}";
    eight.sharded.publish(change(version, stored.json));
  };
  const auto steps = GENERATE(0, 1, 2, 3);  // Where the change comes.
  if (steps == 0) commit_and_publish();     // Before the authorizer has answered.
  home.world->answer_one();
  if (steps == 1) commit_and_publish();  // The snapshot is read, and on its way.
  if (steps == 1) home.tasks.run();
  home.world->answer_one();
  if (steps == 2) commit_and_publish();
  home.tasks.run();
  if (steps == 3) commit_and_publish();
  home.tasks.run();
  home.world->answer_all();
  REQUIRE_FALSE(home.transport[1].received.empty());
  CHECK(home.transport[1].received.back().find(R"({"version":2})") != std::string::npos);
}

namespace {

/// A store that any thread reads.
struct Store {
  std::atomic<std::uint64_t> version{1};
};

struct AllowEverything {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order_id*/, Done done) const {
    done(true);
  }
};
struct Reader {
  Store* store;
  template <class Done>
  void fetch(std::string_view /*order_id*/, Done done) const {
    const auto version = store->version.load();
    done(OrderSnapshot{version, R"({"version":)" + std::to_string(version) + "}"});
  }
};
struct AnyToken {
  [[nodiscard]] static AuthResult authenticate(std::string_view token) {
    return Identity{std::string(token), Reach::own, {}};
  }
};
using StoreServices = Services<AnyToken, AllowEverything, Reader>;

/// A shard with a thread.
class RunningShard {
 public:
  explicit RunningShard(Store& store)
      : manager(transport, StoreServices{{}, {}, {&store}, {}, {}}, limits()) {}
  RunningShard(const RunningShard&) = delete;
  RunningShard& operator=(const RunningShard&) = delete;
  RunningShard(RunningShard&&) = delete;
  RunningShard& operator=(RunningShard&&) = delete;
  ~RunningShard() { finish(); }

  void post(std::function<void()> task) {
    const std::lock_guard<std::mutex> lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_one();
  }
  /// Runs what was posted, and ends.
  void finish() {
    post({});
    if (thread_.joinable()) thread_.join();
  }

  test::FakeTransport transport;
  ConnectionManager<test::FakeTransport, StoreServices> manager;

 private:
  static Limits limits() {
    Limits all;
    all.messages_per_second = 0;
    all.max_connections_per_user = 0;
    return all;
  }
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

}  // namespace

TEST_CASE("subscriptions that race a publisher all end with the final version",
          "[sharded][interest]") {
  constexpr int clients = 40;
  constexpr std::uint64_t last = 400;
  Store store;
  std::vector<std::unique_ptr<RunningShard>> shards;
  Sharded<ConnectionManager<test::FakeTransport, StoreServices>> sharded;
  for (int i = 0; i < 3; ++i) {
    auto& shard = *shards.emplace_back(std::make_unique<RunningShard>(store));
    sharded.add(shard.manager,
                [&shard](std::function<void()> task) { shard.post(std::move(task)); });
  }
  std::thread publisher([&] {
    for (auto version = std::uint64_t{2}; version <= last; ++version) {
      store.version = version;  // The commit.
      sharded.publish(change(version, R"({"version":)" + std::to_string(version) + "}"));
    }
  });
  // One shard after the other has its first and its last subscriber meanwhile.
  for (int client = 0; client < clients; ++client) {
    for (auto& shard : shards) {
      shard->post([&shard = *shard, client] {
        shard.manager.on_open(client, "user");
        shard.manager.on_message(client, subscribe);
      });
      if (client % 2 == 0) continue;
      shard->post([&shard = *shard, client] {
        shard.manager.on_message(client, R"({"type":"unsubscribe","orderId":"order-1"})");
        shard.manager.on_message(client - 1, R"({"type":"unsubscribe","orderId":"order-1"})");
      });
      shard->post([&shard = *shard, client] { shard.manager.on_message(client, subscribe); });
    }
  }
  publisher.join();
  for (auto& shard : shards) shard->finish();
  const auto newest = R"({"version":)" + std::to_string(last) + "}";
  for (auto& shard : shards) {
    for (int client = 1; client < clients; client += 2) {
      const auto& received = shard->transport[client].received;
      REQUIRE_FALSE(received.empty());
      CHECK(received.back().find(newest) != std::string::npos);
    }
  }
}
