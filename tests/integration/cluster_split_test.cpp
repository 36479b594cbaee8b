// SPDX-License-Identifier: MIT
// Three nats-servers whose ways to each other can be cut, and a node at two of them, on one
// PostgreSQL.
#include "../backplane/nats_server.hpp"
#include "../backplane/tcp_proxy.hpp"
#include "../support/postgres_server.hpp"
#include "cluster.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// Each pair of servers has one connection, which the later one makes, through a proxy of its own.
/// What they tell each other of further addresses leads nowhere.
struct SplitCluster {
  static constexpr const char* nowhere = "nats://127.0.0.1:1";
  static constexpr const char* elsewhere = "nats://127.0.0.1:2";

  SplitCluster() {
    for (const auto* node : {&a, &b}) {
      // Three servers elect a leader first.
      REQUIRE((becomes_whole(*node) || becomes_whole(*node)));
    }
  }

  SplitCluster(const SplitCluster&) = delete;
  SplitCluster& operator=(const SplitCluster&) = delete;
  /// Where the case fails, the reason stands in what the servers say.
  ~SplitCluster() {
    if (std::uncaught_exceptions() == 0) return;
    for (const auto* server : {&nats_1, &nats_2, &nats_3}) std::cerr << server->log() << "\n";
  }

  [[nodiscard]] static std::vector<std::string> arguments(std::uint16_t port,
                                                          const std::vector<std::string>& routes) {
    std::vector<std::string> words = {
        "--cluster_name",      "split",
        "--cluster",           "nats://127.0.0.1:" + std::to_string(port),
        "--cluster_advertise", "127.0.0.1:1",
        "--no_advertise"};
    std::string all;
    for (const auto& route : routes) all += (all.empty() ? "" : ",") + route;
    words.insert(words.end(), {"--routes", all});
    return words;
  }
  [[nodiscard]] std::vector<std::string> node(const std::string& name, const NatsServer& at) const {
    return {"--db", url, "--nats", at.url(), "--nats-replicas", "3", "--node", name};
  }
  /// The first server is alone; the others are the majority.
  void split() {
    way_21.drop_silently();
    way_31.drop_silently();
  }
  void heal() {
    way_21.pass();
    way_31.pass();
  }

  std::string url = PostgresServer::shared().url(PostgresServer::shared().create_database());
  std::uint16_t port_1 = free_port();
  std::uint16_t port_2 = free_port();
  std::uint16_t port_3 = free_port();
  TcpProxy way_21{port_1};
  TcpProxy way_31{port_1};
  TcpProxy way_32{port_2};
  // Each has two routes, by which it knows that they are three.
  NatsServer nats_1{arguments(port_1, {nowhere, elsewhere}), "n1"};
  NatsServer nats_2{arguments(port_2, {way_21.url(), nowhere}), "n2"};
  NatsServer nats_3{arguments(port_3, {way_31.url(), way_32.url()}), "n3"};
  OrderServer a{node("node-a", nats_1), Database::empty};
  OrderServer b{node("node-b", nats_2), Database::empty};
};

}  // namespace

TEST_CASE("where NATS servers are cut off from each other, changes reach both sides", "[split]") {
  SplitCluster cluster;
  WatchedOrder order(cluster.a, cluster.b, cluster.b.new_order(demo().customer));

  cluster.split();
  // Its server goes on with heartbeats. The node notices after some ten seconds that the others
  // don't hear that server.
  const auto notices = [&] { return !behind(cluster.a).empty(); };
  REQUIRE((eventually(notices) || eventually(notices)));
  // At the majority: the other side learns it from the database.
  order.change(cluster.b, "CONFIRMED");
  // At the minority: its node can't publish, so the other one does.
  order.change(cluster.a, "PREPARING");

  cluster.heal();
  REQUIRE(becomes_whole(cluster.a));
  REQUIRE(becomes_whole(cluster.b));
  order.change(cluster.a, "READY");
}
