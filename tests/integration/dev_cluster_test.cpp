// SPDX-License-Identifier: MIT
#include "dev_cluster.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace ordercast::test;

TEST_CASE(
    "the demo cluster serves through its balancer, survives a kill, and leaves nothing behind",
    "[dev_cluster]") {
  DevCluster cluster;
  const auto page = cluster.api().get("/cluster");
  CHECK(page.status == 200);
  CHECK(page.body.find("Which node") != std::string::npos);

  const auto token =
      text_of(cluster.api().login("admin@martly.dev", "admin123").data(), "accessToken");
  REQUIRE_FALSE(token.empty());
  const auto api = cluster.api(token);
  const auto orders = api.get("/api/v1/orders?status=PENDING").data();
  REQUIRE_FALSE(orders.empty());
  const auto id = id_of(orders[0]);
  auto version = integer_of(orders[0], "version");

  // The balancer gives a new socket to the node with the fewest.
  Socket one(cluster, token);
  Socket other(cluster, token);
  one.connect();
  other.connect();
  CHECK(one.node() != other.node());
  for (auto* socket : {&one, &other}) {
    socket->subscribe(id, 0);
    socket->read_until(update_of(id, version));
  }
  REQUIRE(api.set_status(id, "CONFIRMED").status == 200);
  ++version;
  for (auto* socket : {&one, &other}) socket->read_until(update_of(id, version));

  const auto killed = one.node();
  REQUIRE(cluster.tell({"kill", killed}).first == 0);
  CHECK(cluster.status_of(killed).find("down") != std::string::npos);
  CHECK(one.is_closed());
  one.connect();
  CHECK(one.node() != killed);
  one.subscribe(id, version);
  REQUIRE(eventually([&] { return api.set_status(id, "PREPARING").status == 200; }));
  ++version;
  for (auto* socket : {&one, &other}) socket->read_until(update_of(id, version));

  CHECK(cluster.tell({"kill", killed}).first == 1);  // It does not run.
  CHECK(cluster.tell({"kill", "node9"}).first == 1);
  REQUIRE(cluster.tell({"kill", "nats1"}).first == 0);
  REQUIRE(cluster.tell({"start", killed}).first == 0);
  CHECK(cluster.status_of(killed).find("ready") != std::string::npos);
  REQUIRE(api.set_status(id, "READY").status == 200);
  ++version;
  for (auto* socket : {&one, &other}) socket->read_until(update_of(id, version));

  CHECK(cluster.processes().size() >= 7);
  CHECK(cluster.end().code == 0);
  const auto left = cluster.processes();
  CAPTURE(left);
  CHECK(left.empty());
  CHECK_FALSE(cluster.has_left_files());
}

TEST_CASE("sockets stay while the database is down; who comes meanwhile is sent away",
          "[dev_cluster]") {
  DevCluster cluster;
  const auto token =
      text_of(cluster.api().login("admin@martly.dev", "admin123").data(), "accessToken");
  const auto api = cluster.api(token);
  const auto orders = api.get("/api/v1/orders?status=PENDING").data();
  REQUIRE_FALSE(orders.empty());
  const auto id = id_of(orders[0]);
  const auto version = integer_of(orders[0], "version");
  Socket socket(cluster, token);
  socket.connect();
  socket.subscribe(id, version);

  REQUIRE(cluster.tell({"kill", "postgres"}).first == 0);
  // By now the balancer knows that no node is ready.
  REQUIRE(eventually([&] { return cluster.api().get("/healthz").status == 503; }));
  socket.settle();
  REQUIRE(cluster.tell({"start", "postgres"}).first == 0);
  REQUIRE(eventually([&] { return api.set_status(id, "CONFIRMED").status == 200; }));
  socket.read_until(update_of(id, version + 1));  // On the same socket.
  CHECK(cluster.end().code == 0);
}

TEST_CASE("commands to a demo cluster that does not run say so", "[dev_cluster]") {
  const TempDir folder;
  ChildProcess said(Command{{"/usr/bin/env", "node", DEV_CLUSTER_PATH, "--state",
                             (folder.path() / "control").string(), "status"},
                            {},
                            folder.path() / "stderr"});
  const auto end = said.wait(patience);
  REQUIRE(end);
  CHECK(end->code == 1);
  CHECK(read_file(folder.path() / "stderr") ==
        "cluster: no cluster runs here; start one with ./dev cluster\n");
}

namespace {

/// A client of the staff with a list: it watches each order that it hears of, and comes back after
/// each close. A thread of its own; what went wrong is told at the end.
class Follower {
 public:
  Follower(std::uint16_t port, std::string token)
      : port_(port), token_(std::move(token)), thread_([this] { run(); }) {}
  ~Follower() { thread_.join(); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// It ends when it has these versions.
  void expect(std::map<std::string, long long> versions) {
    const std::lock_guard lock(mutex_);
    expected_ = std::move(versions);
  }
  /// Waits for its end: "" or what was wrong.
  [[nodiscard]] std::string join() {
    thread_.join();
    thread_ = std::thread([] {});
    return fault_;
  }
  [[nodiscard]] int connections() const noexcept { return connections_; }

 private:
  void run() {
    const auto until = std::chrono::steady_clock::now() + 4 * patience;
    while (!is_done()) {
      if (std::chrono::steady_clock::now() > until) {
        fault_ = "it never got everything";
        return;
      }
      WsClient client;
      if (!client.connect("127.0.0.1", port_, "/ws?token=" + token_)) continue;
      ++connections_;
      received_.clear();
      for (const auto& [id, version] : seen_) subscribe(client, id);
      while (!is_done()) {
        const auto text = client.next_text(patience);
        if (!text) break;
        take(client, parse_json(*text));
        if (!fault_.empty()) return;
      }
    }
  }
  void subscribe(WsClient& client, const std::string& id) {
    client.send_text(Json{{"type", "subscribe"}, {"orderId", id}, {"since", seen_[id]}}.dump());
  }
  void take(WsClient& client, const Json& message) {
    const auto id = text_of(message, "orderId");
    if (text_of(message, "type") == "orders:changed" && seen_.count(id) == 0) {
      seen_[id] = 0;
      subscribe(client, id);
    } else if (text_of(message, "type") == "order:updated") {
      const auto version = integer_of(member(message, "data"), "version");
      auto& last = received_[id];
      if (version < last) fault_ = id + " went back";
      last = version;
      seen_[id] = std::max(seen_[id], version);
    } else if (text_of(message, "type") == "error") {
      subscribe(client, id);  // The node can't tell just now.
    }
  }
  [[nodiscard]] bool is_done() {
    const std::lock_guard lock(mutex_);
    return !expected_.empty() &&
           std::all_of(expected_.begin(), expected_.end(),
                       [this](const auto& one) { return seen_[one.first] >= one.second; });
  }

  const std::uint16_t port_;
  const std::string token_;
  std::mutex mutex_;
  std::map<std::string, long long> expected_;
  // The thread only.
  std::map<std::string, long long> seen_;
  std::map<std::string, long long> received_;
  std::string fault_;
  int connections_ = 0;
  std::thread thread_;
};

/// Staff that moves each pending order through four states, one change after the other, while
/// clients follow at all nodes.
class Load {
 public:
  explicit Load(const DevCluster& cluster)
      : api_(cluster.api(
            text_of(cluster.api().login("admin@martly.dev", "admin123").data(), "accessToken"))),
        orders_(api_.get("/api/v1/orders?status=PENDING&pageSize=100").data()) {
    REQUIRE(orders_.size() >= 3);
    const auto token =
        text_of(cluster.api().login("admin@martly.dev", "admin123").data(), "accessToken");
    for (int i = 0; i < 6; ++i) {
      followers_.push_back(std::make_unique<Follower>(cluster.port(), token));
    }
  }

  /// A change is sent again until it is answered; that it was stored already is an answer, too.
  void change() {
    static const std::vector<std::string> states = {"CONFIRMED", "PREPARING", "READY", "CANCELLED"};
    const auto id = id_of(orders_[changes_ % orders_.size()]);
    const auto& state = states.at(changes_ / orders_.size());
    ++changes_;
    REQUIRE(eventually([&] {
      const auto reply = api_.set_status(id, state);
      return reply.status == 200 ||
             (reply.status == 400 && reply.body.find("already") != std::string::npos);
    }));
  }
  /// How many changes are left before the last round.
  [[nodiscard]] std::size_t left() const { return 3 * orders_.size() - changes_; }

  /// Makes the last changes. Then every client has all of them, and the database as well.
  void finish() {
    while (left() > 0) change();
    std::map<std::string, long long> versions;
    for (const auto& order : orders_) versions[id_of(order)] = integer_of(order, "version") + 4;
    for (auto& follower : followers_) follower->expect(versions);
    for (std::size_t i = 0; i < orders_.size(); ++i) change();
    for (auto& follower : followers_) CHECK(follower->join().empty());
    for (const auto& [id, version] : versions) {
      CHECK(integer_of(api_.order(id).data(), "version") == version);
    }
  }
  /// The connections of the client that had the fewest.
  [[nodiscard]] int fewest_connections() const {
    int fewest = followers_.front()->connections();
    for (const auto& follower : followers_) fewest = std::min(fewest, follower->connections());
    return fewest;
  }

 private:
  ApiClient api_;
  Json orders_;
  std::size_t changes_ = 0;
  std::vector<std::unique_ptr<Follower>> followers_;
};

}  // namespace

TEST_CASE("a rolling restart under load costs clients a reconnection and no change",
          "[dev_cluster]") {
  DevCluster cluster;
  Load load(cluster);
  for (const auto* node : {"node1", "node2", "node3"}) {
    auto restart = cluster.begin({"restart", node});
    for (auto changes = load.left() / 3; changes > 0; --changes) load.change();
    const auto end = restart->wait(patience);
    REQUIRE(end);
    CHECK(end->code == 0);
  }
  load.finish();
  CHECK(load.fewest_connections() >= 2);
  CHECK(cluster.end().code == 0);
}

TEST_CASE("whatever part of a cluster is killed, every client ends with every change",
          "[dev_cluster]") {
  DevCluster cluster;
  Load load(cluster);
  const std::vector<std::vector<std::string>> faults = {
      {"kill", "nats1"},                     // One of three: nothing happens.
      {"kill", "nats2"},                     // No majority any more,
      {"kill", "nats3"},                     // and none at all.
      {"start", "nats1", "nats2", "nats3"},  //
      {"kill", "node1"},                     // With what it was about to publish.
      {"kill", "node2"},                     //
      {"start", "node1", "node2"},           //
      {"kill", "postgres"},                  // Changes wait until
      {"start", "postgres"},                 // it has recovered.
      {"restart", "postgres"},               //
      {"kill", "haproxy"},                   // All clients at once.
      {"start", "haproxy"},                  //
  };
  for (std::size_t i = 0; i < faults.size(); ++i) {
    CHECK(cluster.tell(faults[i]).first == 0);
    const bool can_change = faults[i] != std::vector<std::string>{"kill", "postgres"} &&
                            faults[i] != std::vector<std::string>{"kill", "haproxy"};
    for (auto n = load.left() / (faults.size() - i); can_change && n > 0; --n) load.change();
  }
  load.finish();
  CHECK(cluster.end().code == 0);
}
