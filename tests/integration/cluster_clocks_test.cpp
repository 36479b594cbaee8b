// SPDX-License-Identifier: MIT
// Two nodes whose clocks are ten minutes apart, on one PostgreSQL and one NATS.
#include "shared_cluster.hpp"

#include <catch2/catch.hpp>

using namespace ordercast::test;

namespace {

struct SkewedCluster : SharedCluster {
  SkewedCluster()
      : SharedCluster(Environment{{"LD_PRELOAD", FAKETIME_PATH},
                                  {"FAKETIME", "+600s"},
                                  {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}}) {}

  OrderServer& ahead = a;
  OrderServer& right = b;
  TcpProxy& way_of_ahead = way_of_a;
  TcpProxy& way_of_right = way_of_b;
};

}  // namespace

TEST_CASE("nodes whose clocks are ten minutes apart serve each other's clients", "[clocks]") {
  SkewedCluster cluster;
  WatchedOrder order(cluster.ahead, cluster.right, cluster.right.new_order(demo().customer));
  order.change(cluster.ahead, "CONFIRMED");
  order.change(cluster.right, "PREPARING");

  // A sign-in at one is good at the other, and over at both when it ends.
  for (const auto* node : {&cluster.ahead, &cluster.right}) {
    const auto* other = node == &cluster.ahead ? &cluster.right : &cluster.ahead;
    const auto login = node->anonymous().login(demo().customer.email, demo().customer.password);
    const auto token = text_of(login.data(), "accessToken");
    CHECK(other->as(token).get("/api/v1/auth/me").status == 200);
    REQUIRE(other->as(token).post("/api/v1/auth/logout", Json::object()).status == 200);
    CHECK(eventually([&] { return node->as(token).get("/api/v1/auth/me").status == 401; }));
  }

  // One that is cut off from NATS compares with the database by no clock of its own.
  cluster.way_of_ahead.drop_silently();
  order.change(cluster.right, "READY");
  cluster.way_of_ahead.pass();
  REQUIRE(becomes_whole(cluster.ahead));
  cluster.way_of_right.drop_silently();
  order.change(cluster.ahead, "CANCELLED");
}

TEST_CASE("what a node ahead of time can't publish, another one publishes soon", "[clocks]") {
  SkewedCluster cluster;
  const auto order = cluster.right.new_order(demo().customer);
  const auto id = id_of(order);
  Watcher watcher(cluster.right, demo().admin);
  watcher.follow(id);
  cluster.way_of_ahead.drop_silently();
  REQUIRE(cluster.ahead.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  watcher.read_until(update_of(id, version_of(order) + 1));
}
