// SPDX-License-Identifier: MIT
// Several order_server processes and a real nats-server. Each node has its own copy of the demo's
// database here, so that all that one learns of another's changes came through the stream.
#include "cluster.hpp"

#include "../backplane/nats_server.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// Two nodes that hear each other.
struct Cluster {
  Cluster() {
    for (const auto* node : {&a, &b}) REQUIRE(becomes_whole(*node));
  }

  /// An order that both have, and that may still be cancelled.
  [[nodiscard]] Json pending_order() const {
    const auto reply = a.as(demo().admin).get("/api/v1/orders?status=PENDING");
    REQUIRE_FALSE(reply.data().empty());
    return reply.data()[0];
  }

  NatsServer nats;
  OrderServer a{{"--nats", nats.url(), "--node", "node-a"}};
  OrderServer b{{"--nats", nats.url(), "--node", "node-b"}};
};

}  // namespace

TEST_CASE("a change at one node reaches who watches at another, and lists there", "[cluster]") {
  Cluster cluster;
  const auto order = cluster.pending_order();
  const auto id = id_of(order);
  Watcher at_a(cluster.a, demo().admin);
  Watcher at_b(cluster.b, demo().manager);
  at_a.follow(id);
  at_b.follow(id);

  REQUIRE(cluster.a.as(demo().admin).set_status(id, "CONFIRMED").status == 200);

  const auto version = version_of(order) + 1;
  for (auto* watcher : {&at_a, &at_b}) {
    const auto messages = watcher->read_until(hint_of(id, "CONFIRMED"));
    CHECK(count(messages, update_of(id, version)) == 1);
  }
  // And nothing comes twice, which the next change shows.
  REQUIRE(cluster.a.as(demo().admin).set_status(id, "PREPARING").status == 200);
  for (auto* watcher : {&at_a, &at_b}) {
    const auto messages = watcher->read_until(hint_of(id, "PREPARING"));
    CHECK(messages.size() == 2);
  }
}

TEST_CASE("each node says its name", "[cluster]") {
  Cluster cluster;
  const auto reply = cluster.b.anonymous().get("/healthz");
  CHECK(reply.header("x-node") == "node-b");
  CHECK(cluster.b.metric("ordercast_node_behind") == 0);
}

TEST_CASE("without NATS a node serves its own clients, says what is missing, and catches up",
          "[cluster]") {
  Cluster cluster;
  const auto order = cluster.pending_order();
  const auto id = id_of(order);
  Watcher at_a(cluster.a, demo().admin);
  Watcher at_b(cluster.b, demo().admin);
  at_a.follow(id);
  at_b.follow(id);

  cluster.nats.kill();
  for (const auto* node : {&cluster.a, &cluster.b}) {
    REQUIRE(eventually([&] { return !behind(*node).empty(); }));
  }
  CHECK(cluster.a.metric("ordercast_node_behind") == 1);
  REQUIRE(cluster.a.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  const auto version = version_of(order) + 1;
  at_a.read_until(update_of(id, version));

  cluster.nats.start();
  at_b.read_until(update_of(id, version));
  REQUIRE(becomes_whole(cluster.a));
  REQUIRE(becomes_whole(cluster.b));
  cluster.a.settle();
  CHECK(cluster.b.metric("ordercast_node_fell_behind_total").value_or(0) >= 1);
}

TEST_CASE("a stream that is lost with its disk costs no later change", "[cluster]") {
  Cluster cluster;
  const auto order = cluster.pending_order();
  const auto id = id_of(order);
  Watcher at_b(cluster.b, demo().admin);
  at_b.follow(id);
  REQUIRE(cluster.a.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  at_b.read_until(hint_of(id, "CONFIRMED"));

  cluster.nats.kill();
  cluster.nats.lose_store();
  cluster.nats.start();
  REQUIRE(cluster.a.as(demo().admin).set_status(id, "PREPARING").status == 200);
  at_b.read_until(update_of(id, version_of(order) + 2));
  REQUIRE(becomes_whole(cluster.a));
  REQUIRE(becomes_whole(cluster.b));
}

TEST_CASE("signing out everywhere closes the sockets at every node", "[cluster]") {
  Cluster cluster;
  Watcher at_a(cluster.a, demo().customer);
  Watcher at_b(cluster.b, demo().customer);
  Watcher other(cluster.b, demo().customer2);
  REQUIRE(cluster.a.as(demo().customer)
              .post("/api/v1/auth/logout", Json{{"everywhere", true}})
              .status == 200);
  for (auto* watcher : {&at_a, &at_b}) {
    const auto close = watcher->ws().expect_close(patience);
    REQUIRE(close);
    CHECK(close->code == 4001);
  }
  other.read_until_pong();
}

TEST_CASE("a node starts without NATS, serves, and hears once it is there", "[cluster]") {
  NatsServer nats;
  nats.kill();
  OrderServer a({"--nats", nats.url()});
  CHECK(behind(a) == "the stream isn't heard");
  const auto orders = a.as(demo().admin).get("/api/v1/orders?status=PENDING");
  REQUIRE_FALSE(orders.data().empty());
  const auto id = id_of(orders.data()[0]);
  Watcher watcher(a, demo().admin);
  watcher.follow(id);
  REQUIRE(a.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  watcher.read_until(hint_of(id, "CONFIRMED"));
  nats.start();
  CHECK(becomes_whole(a));
  a.settle();
}
