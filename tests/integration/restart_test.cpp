// SPDX-License-Identifier: MIT
#include "storm.hpp"
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// Version, status and log of an order that only ever moved forward must tell the same story.
void check_whole(const Json& order) {
  INFO(order.dump(2));
  const auto& logs = order.at("statusLogs");
  REQUIRE(integer_of(order, "version") == static_cast<long long>(logs.size()));
  REQUIRE(logs.size() <= lifecycle.size());
  std::set<std::string> log_ids;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    CHECK(text_of(logs[i], "status") == lifecycle[i]);
    CHECK(log_ids.insert(id_of(logs[i])).second);
  }
  CHECK(text_of(order, "status") == text_of(logs.back(), "status"));
}

}  // namespace

TEST_CASE("after a restart clients get by since exactly what changed", "[restart]") {
  OrderServer server;
  const auto changed = id_of(server.new_order(demo().customer));
  const auto quiet = id_of(server.new_order(demo().customer));
  {
    Watcher owner(server, demo().customer);
    owner.follow(changed);
    owner.follow(quiet);
    REQUIRE(server.as(demo().manager).set_status(changed, "CONFIRMED").status == 200);
    CHECK(update_of(changed, 2)(owner.next()));
  }
  REQUIRE(server.as(demo().manager).set_status(changed, "PREPARING").status == 200);

  const bool crash = GENERATE(false, true);
  CAPTURE(crash);
  if (crash) {
    server.kill();
  } else {
    REQUIRE(server.drain().code == 0);
  }
  server.start();

  Watcher owner(server, demo().customer);
  owner.subscribe(quiet, 1);
  owner.subscribe(changed, 2);
  const auto recovered = owner.read_until(update_of(changed));
  CHECK(update_of(changed, 3)(recovered.back()));
  CHECK(recovered.back().at("data") == server.order(changed));
  CHECK(count(recovered, update_of(quiet)) == 0);

  // And it is a live subscription, not only a snapshot.
  REQUIRE(server.as(demo().manager).set_status(quiet, "CONFIRMED").status == 200);
  CHECK(update_of(quiet, 2)(owner.read_until(update_of(quiet)).back()));
}

TEST_CASE("tokens, limits of a login and devices outlive a restart where they must", "[restart]") {
  OrderServer server;
  const auto login = server.anonymous().login("customer@martly.dev", "customer123");
  REQUIRE(login.status == 200);
  REQUIRE(server.drain().code == 0);
  server.start();
  CHECK(server.as(text_of(login.data(), "accessToken")).get("/api/v1/auth/me").status == 200);
  const auto renewed = server.anonymous().post(
      "/api/v1/auth/refresh", {{"refreshToken", text_of(login.data(), "refreshToken")}});
  CHECK(renewed.status == 200);
}

TEST_CASE("kill -9 in mid-storm loses nothing that was answered 200", "[crash]") {
  OrderServer server;
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  constexpr int rounds = 6;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    std::vector<std::string> ids;
    ids.reserve(24);
    for (int i = 0; i < 24; ++i) ids.push_back(id_of(server.new_order(demo().customer)));

    Watcher owner(server, demo().customer);
    for (const auto& id : ids) owner.subscribe(id);
    owner.read_until_pong();

    Storm storm(server, ids);
    // Choose the moment by work done, not by time: anywhere in the storm.
    const auto moment = std::uniform_int_distribution<std::size_t>(1, 100)(random);
    std::map<std::string, long long> seen;
    while (storm.answered() < moment) {
      const auto message = owner.next();
      if (text_of(message, "type") != "order:updated") continue;
      const auto id = text_of(message, "orderId");
      const auto version = integer_of(message.at("data"), "version");
      CHECK(version > seen[id]);
      seen[id] = version;
    }
    server.kill();
    storm.join();
    server.start();

    Watcher again(server, demo().customer);
    for (const auto& id : ids) {
      const auto order = server.order(id);
      const auto version = integer_of(order, "version");
      check_whole(order);
      CHECK(version >= storm.acknowledged().at(id));
      // Every broadcast change was committed.
      const auto known = std::max(1LL, seen[id]);
      CHECK(version >= known);
      if (version > known) {
        again.subscribe(id, known);
        const auto recovered = again.read_until(update_of(id));
        CHECK(recovered.back().at("data") == order);
      }
    }
    server.settle();

    // Changes continue where they stopped, without a missing version.
    const auto& id = ids.front();
    const auto before = server.order(id);
    if (text_of(before, "status") != "DELIVERED") {
      const auto& next = lifecycle[static_cast<std::size_t>(integer_of(before, "version"))];
      const auto reply = server.as(demo().admin).set_status(id, next);
      REQUIRE(reply.status == 200);
      CHECK(integer_of(reply.data(), "version") == integer_of(before, "version") + 1);
    }
  }
}

TEST_CASE("what was committed before a crash is broadcast after it", "[crash]") {
  OrderServer server;
  // A clean start has an empty outbox. After every crash below, the server must reach that state
  // again by broadcasting what is left in the outbox.
  for (int round = 0; round < 5; ++round) {
    std::vector<std::string> ids;
    ids.reserve(6);
    for (int i = 0; i < 6; ++i) ids.push_back(id_of(server.new_order(demo().customer)));
    Storm storm(server, ids);
    REQUIRE(eventually(
        [&] { return server.anonymous().get("/healthz").status == 200 && storm.answered() >= 3; }));
    server.kill();
    storm.join();
    server.start();
    server.settle();
    Watcher owner(server, demo().customer);
    for (const auto& id : ids) {
      owner.subscribe(id, 0);
      const auto recovered = owner.read_until(update_of(id));
      CHECK(recovered.back().at("data") == server.order(id));
    }
  }
}
