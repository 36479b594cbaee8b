// SPDX-License-Identifier: MIT
// Two nodes on one PostgreSQL, whose connections to NATS are cut.
#include "services_stub.hpp"
#include "shared_cluster.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// A sign-in at `server`: its access token.
std::string sign_in(const OrderServer& server, const Account& account) {
  return text_of(server.anonymous().login(account.email, account.password).data(), "accessToken");
}

}  // namespace

TEST_CASE("a change at one node of a database reaches who watches at the other", "[shared]") {
  SharedCluster cluster;
  const auto order = cluster.a.new_order(demo().customer);
  const auto id = id_of(order);
  Watcher at_b(cluster.b, demo().admin);
  at_b.follow(id);
  REQUIRE(cluster.a.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  at_b.read_until(update_of(id, version_of(order) + 1));
  Watcher at_a(cluster.a, demo().admin);
  at_a.follow(id);
  REQUIRE(cluster.b.as(demo().admin).set_status(id, "PREPARING").status == 200);
  at_a.read_until(update_of(id, version_of(order) + 2));
}

TEST_CASE("a node that NATS can't be reached from, without a reset, compares with the database",
          "[shared]") {
  SharedCluster cluster;
  const auto order = cluster.a.new_order(demo().customer);
  const auto id = id_of(order);
  Watcher at_b(cluster.b, demo().admin);
  at_b.follow(id);

  cluster.way_of_b.drop_silently();
  REQUIRE(cluster.a.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  at_b.read_until(update_of(id, version_of(order) + 1));
  CHECK_FALSE(behind(cluster.b).empty());
  CHECK(behind(cluster.a).empty());
  REQUIRE(cluster.a.as(demo().admin).set_status(id, "PREPARING").status == 200);
  at_b.read_until(update_of(id, version_of(order) + 2));

  cluster.way_of_b.pass();
  REQUIRE(becomes_whole(cluster.b));
  REQUIRE(cluster.a.as(demo().admin).set_status(id, "READY").status == 200);
  at_b.read_until(update_of(id, version_of(order) + 3));
}

TEST_CASE("a list at a node that was cut off is told that it is out of date", "[shared]") {
  SharedCluster cluster;
  Watcher list(cluster.b, demo().manager);
  list.read_until_pong();
  cluster.way_of_b.refuse();
  REQUIRE(eventually([&] { return !behind(cluster.b).empty(); }));
  const auto order = cluster.a.new_order(demo().customer);
  list.read_until(hint_of(id_of(order)));
  cluster.way_of_b.pass();
  REQUIRE(becomes_whole(cluster.b));
}

TEST_CASE("a sign-in that ends at one node is over at the other, cut off or not", "[shared]") {
  SharedCluster cluster;
  const auto phone = sign_in(cluster.a, demo().customer);
  const auto tablet = sign_in(cluster.a, demo().customer);
  const auto still = sign_in(cluster.a, demo().customer);
  Watcher phone_at_b(cluster.b, phone);
  Watcher tablet_at_b(cluster.b, tablet);
  Watcher still_at_b(cluster.b, still);
  still_at_b.read_until_pong();

  REQUIRE(cluster.a.as(phone).post("/api/v1/auth/logout", Json::object()).status == 200);
  const auto close = phone_at_b.ws().expect_close(patience);
  REQUIRE(close);
  CHECK(close->code == 4001);
  CHECK(cluster.b.as(phone).get("/api/v1/auth/me").status == 401);

  cluster.way_of_b.drop_silently();
  REQUIRE(cluster.a.as(tablet).post("/api/v1/auth/logout", Json::object()).status == 200);
  const auto later = tablet_at_b.ws().expect_close(patience);
  REQUIRE(later);
  CHECK(later->code == 4001);
  CHECK(cluster.b.as(tablet).get("/api/v1/auth/me").status == 401);
  CHECK(cluster.b.as(still).get("/api/v1/auth/me").status == 200);
  still_at_b.read_until_pong();
}

TEST_CASE("a push is withheld while its customer looks at a connection of any node", "[shared]") {
  const ServicesStub stub;
  SharedCluster cluster(stub.environment(), stub.environment(),
                        stub.options({"--push", "when-away"}));
  register_device(cluster.a, demo().customer, "a-device-token-of-the-customer-1");
  std::vector<std::string> orders;
  for (int i = 0; i < 3; ++i) orders.push_back(id_of(cluster.a.new_order(demo().customer)));
  const auto all_become = [&](const std::string& status) {
    for (const auto& id : orders) {
      REQUIRE(cluster.a.as(demo().admin).set_status(id, status).status == 200);
    }
  };
  {
    // Either node may take a push, and there are six.
    Watcher at_b(cluster.b, demo().customer);
    at_b.send({{"type", "presence"}, {"visible", true}});
    at_b.read_until_pong();  // The server has read it.
    for (const auto* status : {"CONFIRMED", "PREPARING"}) {
      all_become(status);
      CHECK(eventually([&] {
        // Reading answers the server's pings.
        static_cast<void>(at_b.ws().next_text(std::chrono::milliseconds(20)));
        return cluster.a.metric("ordercast_push_depth") == 0.0;
      }));
    }
    CHECK(stub.pushes().empty());
  }
  REQUIRE(cluster.b.metric_becomes("ordercast_connections", 0));
  REQUIRE(cluster.a.as(demo().admin).set_status(orders[0], "READY").status == 200);
  CHECK(stub.hears(1));
}

TEST_CASE("what a killed node had committed, another one broadcasts", "[shared]") {
  SharedCluster cluster;
  const auto order = cluster.a.new_order(demo().customer);
  const auto id = id_of(order);
  Watcher at_b(cluster.b, demo().admin);
  at_b.follow(id);
  cluster.way_of_a.drop_silently();  // So that it can't have told anybody.
  REQUIRE(cluster.a.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  cluster.a.kill();
  at_b.read_until(update_of(id, version_of(order) + 1));
}
