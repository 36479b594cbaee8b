// SPDX-License-Identifier: MIT
// Two nodes whose clocks are ten minutes apart, on one PostgreSQL and one NATS.
#include "../backplane/nats_server.hpp"
#include "../backplane/tcp_proxy.hpp"
#include "../support/postgres_server.hpp"
#include "cluster.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

struct SkewedCluster {
  SkewedCluster() {
    for (const auto* node : {&ahead, &right}) REQUIRE(becomes_whole(*node));
  }

  [[nodiscard]] std::vector<std::string> args(const std::string& name, const TcpProxy& way) const {
    return {"--db", url, "--nats", way.url(), "--node", name};
  }

  std::string url = PostgresServer::shared().url(PostgresServer::shared().create_database());
  NatsServer nats;
  TcpProxy way_of_ahead{nats.port()};
  TcpProxy way_of_right{nats.port()};
  OrderServer ahead{args("ahead", way_of_ahead),
                    Database::empty,
                    {{"LD_PRELOAD", FAKETIME_PATH},
                     {"FAKETIME", "+600s"},
                     {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}}};
  OrderServer right{args("right", way_of_right), Database::empty};
};

}  // namespace

TEST_CASE("nodes whose clocks are ten minutes apart serve each other's clients", "[clocks]") {
  SkewedCluster cluster;
  const auto order = cluster.right.new_order(demo().customer);
  const auto id = id_of(order);
  auto version = version_of(order);
  Watcher at_ahead(cluster.ahead, demo().admin);
  Watcher at_right(cluster.right, demo().admin);
  at_ahead.follow(id);
  at_right.follow(id);
  const auto change = [&](const OrderServer& node, const std::string& status) {
    REQUIRE(node.as(demo().admin).set_status(id, status).status == 200);
    ++version;
    for (auto* watcher : {&at_ahead, &at_right}) watcher->read_until(update_of(id, version));
  };
  change(cluster.ahead, "CONFIRMED");
  change(cluster.right, "PREPARING");

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
  change(cluster.right, "READY");
  cluster.way_of_ahead.pass();
  REQUIRE(becomes_whole(cluster.ahead));
  cluster.way_of_right.drop_silently();
  change(cluster.ahead, "CANCELLED");
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
