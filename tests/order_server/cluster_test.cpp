// SPDX-License-Identifier: MIT
#include "realtime/cluster.hpp"

#include "metrics.hpp"
#include "realtime/node_backplane.hpp"
#include <ordercast/in_process_backplane.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace order_server;
using namespace ordercast;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds patience{20};

/// What happened at a node, for a test that waits for it.
class Journal {
 public:
  void write(std::string line) {
    {
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::move(line));
    }
    changed_.notify_all();
  }
  [[nodiscard]] bool wait_for(const std::string& line) {
    return wait([&] { return count(line) > 0; });
  }
  template <class Predicate>
  [[nodiscard]] bool wait(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, predicate);
  }
  [[nodiscard]] std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  [[nodiscard]] std::size_t count(const std::string& line) const {
    std::size_t found = 0;
    for (const auto& one : lines_) found += one == line ? 1U : 0U;
    return found;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

/// A node whose connections watch order-1, over the stream that the nodes of a test share.
class Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  explicit Node(const std::shared_ptr<InProcessStream>& stream) {
    auto backplane = std::make_unique<NodeBackplaneOn<InProcessBackplane>>(stream);
    engine_ = &backplane->engine();
    ClusterLocal local;
    local.publish = [this](const OrderEvent& event, const Cluster::Done& done) {
      if (throws) throw std::runtime_error("planned");
      journal.write("publish " + std::string(event.order_id) + ":" + std::to_string(event.version));
      done({1, fails ? 1U : 0U});
    };
    local.look_at_sessions = [this] { journal.write("sessions"); };
    local.disconnect_user = [this](const std::string& user, const std::string& reason) {
      journal.write("disconnect " + user + ": " + reason);
    };
    local.last_heard = [this](const std::string& user, bool ping, const auto& done) {
      journal.write("last heard " + user + (ping ? ", with a ping" : ""));
      if (user == "alice" && looked_at) done(*looked_at);
      if (user == "nobody") done(std::nullopt);
    };
    ResyncWorld world;
    world.watched = [this](std::size_t, std::uint32_t, std::uint32_t) {
      journal.write("compare");
      return Piece<WatchedVersion>{{{"order-1", 1}}, 0};
    };
    world.users = [](std::size_t, std::uint32_t, std::uint32_t) { return Piece<std::string>{}; };
    world.organizations = [](std::size_t) { return std::vector<std::string>{}; };
    world.versions = [this](const std::vector<std::string>&) {
      return std::vector<WatchedVersion>{{"order-1", in_store}};
    };
    world.publish = [this](const std::string& id) { journal.write("read and publish " + id); };
    world.hint_user = world.hint_organization = [](const std::string&) {};
    ClusterOptions options;
    options.resync.jitter = 0ms;
    options.session_look = 1h;
    cluster.emplace(std::move(backplane), std::move(local), std::move(world), metrics, options);
    cluster->start();
    if (!whole()) throw std::runtime_error("the node does not hear");
  }
  ~Node() { cluster->stop(); }

  /// Waits until nothing may be missing.
  [[nodiscard]] bool whole() {
    return eventually([this] { return cluster->behind() == std::nullopt; });
  }
  template <class Predicate>
  [[nodiscard]] bool eventually(Predicate predicate) {
    const auto until = std::chrono::steady_clock::now() + patience;
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    while (!predicate()) {
      if (std::chrono::steady_clock::now() > until) return false;
      never.wait_for(lock, 2ms);
    }
    return true;
  }
  [[nodiscard]] PublishOutcome publish(std::uint64_t version, std::string_view json = "{}") {
    std::optional<PublishOutcome> outcome;
    cluster->publish({"order-1", OwnerId("alice"), OrganizationId("org-1"), "NEW", version, json},
                     [&](PublishOutcome what) { outcome = what; });
    REQUIRE(outcome);
    return *outcome;
  }
  InProcessBackplane& engine() { return *engine_; }

  Metrics metrics;
  Journal journal;
  bool throws = false;
  bool fails = false;
  /// When alice's visible connection answered last; she has one if this is set.
  std::optional<TimePoint> looked_at;
  std::uint64_t in_store = 1;
  std::optional<Cluster> cluster;

 private:
  InProcessBackplane* engine_ = nullptr;
};

struct TwoNodes {
  std::shared_ptr<InProcessStream> stream = std::make_shared<InProcessStream>();
  Node a{stream};
  Node b{stream};
};

std::size_t count(const std::vector<std::string>& lines, const std::string& line) {
  std::size_t found = 0;
  for (const auto& one : lines) found += one == line ? 1U : 0U;
  return found;
}

}  // namespace

TEST_CASE("a change at one node reaches the connections of both, each once", "[cluster]") {
  TwoNodes nodes;
  CHECK(nodes.a.publish(2).failed_shards == 0);
  REQUIRE(nodes.b.journal.wait_for("publish order-1:2"));
  CHECK(count(nodes.a.journal.lines(), "publish order-1:2") == 1);
  CHECK(count(nodes.b.journal.lines(), "publish order-1:2") == 1);
  CHECK(nodes.b.metrics.backplane_changes.value() == 1);
  CHECK(nodes.a.metrics.backplane_changes.value() == 0);
}

TEST_CASE("a change that the stream does not take is sent here, and counts as failed",
          "[cluster]") {
  TwoNodes nodes;
  nodes.a.engine().cut_off();
  CHECK(nodes.a.publish(2).failed_shards == 1);
  CHECK(count(nodes.a.journal.lines(), "publish order-1:2") == 1);
  CHECK(nodes.a.metrics.backplane_failures.value() == 1);
  nodes.a.engine().reconnect();
  REQUIRE(nodes.a.whole());
  CHECK(nodes.a.publish(2).failed_shards == 0);
  REQUIRE(nodes.b.journal.wait_for("publish order-1:2"));
}

TEST_CASE("a change that an I/O thread here does not take counts as failed", "[cluster]") {
  TwoNodes nodes;
  nodes.a.fails = true;
  CHECK(nodes.a.publish(2).failed_shards == 1);
  REQUIRE(nodes.b.journal.wait_for("publish order-1:2"));
}

TEST_CASE("a node that was cut off compares with the store and says so meanwhile", "[cluster]") {
  TwoNodes nodes;
  nodes.b.engine().cut_off();
  CHECK(nodes.b.cluster->behind());
  nodes.b.in_store = 2;
  nodes.stream->purge();
  nodes.b.engine().reconnect();
  REQUIRE(nodes.b.journal.wait_for("read and publish order-1"));
  REQUIRE(nodes.b.whole());
  CHECK(nodes.b.metrics.fell_behind.value() >= 1);
  CHECK(nodes.b.eventually([&] { return nodes.b.metrics.resync_newer.value() >= 1; }));
  CHECK(nodes.b.eventually([&] { return nodes.b.metrics.behind.value() == 0; }));
}

TEST_CASE("a change that an I/O thread does not take from the stream leads to a comparison",
          "[cluster]") {
  TwoNodes nodes;
  nodes.b.fails = true;
  nodes.b.in_store = 2;
  CHECK(nodes.a.publish(2).failed_shards == 0);
  REQUIRE(nodes.b.journal.wait_for("read and publish order-1"));
  nodes.b.throws = true;
  const auto before = nodes.b.metrics.fell_behind.value();
  CHECK(nodes.a.publish(3).failed_shards == 0);
  CHECK(nodes.b.eventually([&] { return nodes.b.metrics.fell_behind.value() > before; }));
}

TEST_CASE("an order that the stream could not carry is read from the store", "[cluster]") {
  TwoNodes nodes;
  CHECK(nodes.a.publish(2, "").failed_shards == 0);
  REQUIRE(nodes.b.journal.wait_for("read and publish order-1"));
  CHECK(count(nodes.b.journal.lines(), "publish order-1:2") == 0);
}

TEST_CASE("a log-out reaches the other nodes: first the store is asked, then sockets close",
          "[cluster]") {
  TwoNodes nodes;
  const auto looks = [](Node& node) { return count(node.journal.lines(), "sessions"); };
  REQUIRE(nodes.b.journal.wait_for("sessions"));  // Once at the start.
  const auto before = looks(nodes.b);
  const auto own = looks(nodes.a);
  nodes.a.cluster->tell_sessions_ended("alice");
  REQUIRE(nodes.b.eventually([&] { return looks(nodes.b) == before + 1; }));
  nodes.a.cluster->tell_disconnect("bob", "Logged \"out\"");
  REQUIRE(nodes.b.journal.wait_for("disconnect bob: Logged \"out\""));
  const auto lines = nodes.b.journal.lines();
  CHECK(lines[lines.size() - 2] == "sessions");
  CHECK(looks(nodes.a) == own);
}

TEST_CASE("a notice that a node can't read does it no harm", "[cluster]") {
  TwoNodes nodes;
  InProcessBackplane stranger(nodes.stream);
  for (const char* text : {"", "[]", "{\"user\":7}", "{", "{\"user\":\"carl\"}"}) {
    stranger.publish(BackplaneNotice{"unheard-of", text}, [](BackplaneAnswer) {});
    stranger.publish(BackplaneNotice{"disconnect", text}, [](BackplaneAnswer) {});
  }
  REQUIRE(nodes.b.journal.wait_for("disconnect carl: "));
  CHECK(nodes.a.publish(2).failed_shards == 0);
  REQUIRE(nodes.b.journal.wait_for("publish order-1:2"));
}

namespace {

/// A stream that hears, and has no memory for what is published.
class ForgetfulBackplane final : public NodeBackplane {
 public:
  void publish(const OrderEvent& /*event*/, Done /*done*/) override { throw std::bad_alloc(); }
  void publish(const BackplaneNotice& /*notice*/, Done /*done*/) override {
    throw std::bad_alloc();
  }
  void subscribe(BackplaneReceiver /*receiver*/) override {}
  [[nodiscard]] bool hears() const override { return true; }
  void stop() override {}
};

}  // namespace

TEST_CASE(
    "a change that there is no memory to publish counts as failed, once, and a notice throws "
    "nothing",
    "[cluster]") {
  Metrics metrics;
  ClusterLocal local;
  Cluster::Done here;
  local.publish = [&](const OrderEvent&, Cluster::Done done) { here = std::move(done); };
  Cluster cluster(std::make_unique<ForgetfulBackplane>(), std::move(local), {}, metrics, {});
  std::vector<PublishOutcome> outcomes;
  cluster.publish({"order-1", OwnerId("alice"), OrganizationId("org-1"), "NEW", 2, "{}"},
                  [&](PublishOutcome outcome) { outcomes.push_back(outcome); });
  CHECK(outcomes.empty());  // This node's connections are still being served.
  here({3, 0});
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].reached == 3);
  CHECK(outcomes[0].failed_shards == 1);
  CHECK(metrics.backplane_failures.value() == 1);

  CHECK_NOTHROW(cluster.tell_sessions_ended("alice"));
  CHECK_NOTHROW(cluster.tell_disconnect("not UTF-8: \xFF", "reason"));
  CHECK(metrics.backplane_failures.value() == 3);
}

TEST_CASE("a node whose user looks answers the others", "[cluster]") {
  TwoNodes nodes;
  std::atomic<int> yes{0};
  const auto looks = [&yes] { ++yes; };
  SECTION("at once, if a ping is answered") {
    nodes.b.looked_at = TimePoint::max();
    nodes.a.cluster->ask_presence("alice", looks);
    CHECK(nodes.a.eventually([&] { return yes == 1; }));
    REQUIRE(nodes.b.journal.wait_for("last heard alice, with a ping"));
    CHECK(count(nodes.a.journal.lines(), "last heard alice, with a ping") == 0);
  }
  SECTION("never, if the connection answers no ping after the question") {
    nodes.b.looked_at = TimePoint::min();
    nodes.a.cluster->ask_presence("alice", looks);
    REQUIRE(nodes.b.journal.wait_for("last heard alice"));  // It is asked again and again.
    CHECK(yes == 0);
  }
  SECTION("never, if there is no such connection") {
    nodes.a.cluster->ask_presence("nobody", looks);
    REQUIRE(nodes.b.journal.wait_for("last heard nobody, with a ping"));
    CHECK(yes == 0);
  }
}
