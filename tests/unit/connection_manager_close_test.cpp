// SPDX-License-Identifier: MIT
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

// Messages of a connection are never written after its close, and a close is safe at any moment:
// one test for each order of events.

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using test::FakeServices;
using test::FakeTransport;
using test::ManualClock;
using test::World;

/// Everything that may happen around the close of alice's connection, which is 1. Bob's is 2.
enum class Step {
  publish,        ///< Her order changes.
  server_closes,  ///< She is disconnected by name.
  client_leaves,  ///< The transport reports her close.
  writable,       ///< The transport takes frames again.
  message,        ///< She says something that has an answer.
  answers,        ///< The services answer what they were asked.
  time_passes,    ///< Beyond ping and pong.
};

struct Scene {
  /// Alice watches her order; with `slow` an update waits in her outbox, with `asking` another
  /// subscription waits for its answer.
  Scene(bool slow, bool asking) {
    world->tokens = {{"alice", {"alice", Reach::own}}, {"root", {"root", Reach::everything}}};
    world->orders["order-1"] = {"alice", "org-1", 1, R"({"version":1})"};
    world->orders["order-2"] = {"alice", "org-1", 1, R"({"version":1})"};
    manager.on_open(1, "alice");
    manager.on_open(2, "root");
    for (const int handle : {1, 2}) {
      manager.on_message(handle, R"({"type":"subscribe","orderId":"order-1"})");
    }
    if (slow) {
      transport.high_water = 1;
      transport[1].reads = false;
      publish();
      publish();
    }
    if (asking) {
      world->answer_later = true;
      manager.on_message(1, R"({"type":"subscribe","orderId":"order-2","since":0})");
    }
  }

  void publish() {
    const auto version = ++world->orders["order-1"].version;
    const auto json = R"({"version":)" + std::to_string(version) + "}";
    manager.publish(
        {"order-1", OwnerId("alice"), OrganizationId("org-1"), "CONFIRMED", version, json});
    last = R"({"type":"order:updated","orderId":"order-1","data":)" + json + "}";
  }

  void run(Step step) {
    switch (step) {
      case Step::publish:
        return publish();
      case Step::server_closes:
        manager.disconnect_user("alice", CloseCode::unauthorized, "Logged out");
        return;
      case Step::client_leaves:
        left = true;
        transport[1].closed = true;  // what is sent from here on is counted
        manager.on_close(1);
        return;
      case Step::writable:
        if (!left && !transport[1].closed) {
          static_cast<void>(transport.take(1));
          transport[1].reads = true;
        }
        return manager.on_writable(1);
      case Step::message:
        return manager.on_message(1, R"({"type":"ping"})");
      case Step::answers:
        return world->answer_all();
      case Step::time_passes:
        for (int i = 0; i < 80; ++i) {
          clock.advance(seconds(1));
          manager.on_pong(2);
          manager.tick(clock.now());
        }
        return;
    }
  }

  std::shared_ptr<World> world = std::make_shared<World>();
  ManualClock clock;
  FakeTransport transport;
  ConnectionManager<FakeTransport, FakeServices> manager{transport, FakeServices(world, clock), {}};
  std::string last;
  bool left = false;
};

std::string name_of(const std::vector<Step>& order) {
  std::string name;
  for (const auto step : order) name += std::to_string(static_cast<int>(step));
  return name;
}

}  // namespace

TEST_CASE("nothing is written after a close, in whatever order things happen", "[manager][close]") {
  const bool slow = GENERATE(false, true);
  const bool asking = GENERATE(false, true);
  CAPTURE(slow, asking);
  std::vector<Step> order = {Step::publish,    Step::server_closes, Step::client_leaves,
                             Step::writable,   Step::message,       Step::answers,
                             Step::time_passes};
  std::size_t orders = 0;
  do {
    CAPTURE(name_of(order));
    Scene scene(slow, asking);
    bool closed = false;
    std::size_t received = 0;
    int pings = 0;
    for (const auto step : order) {
      scene.run(step);
      auto& peer = scene.transport[1];
      if (closed) {
        REQUIRE(peer.received.size() == received);
        REQUIRE(peer.pings == pings);
      }
      closed = peer.closed;
      received = peer.received.size();
      pings = peer.pings;
    }
    REQUIRE(scene.transport[1].frames_after_close == 0);
    // Other connections are served as before, and nothing of hers is left.
    scene.publish();
    REQUIRE(scene.transport[2].received.end()[-2] == scene.last);
    REQUIRE(scene.manager.sessions() == 1);
    REQUIRE(scene.manager.connections() == 1);
    REQUIRE(scene.manager.subscriptions() == 1);
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  CHECK(orders == 5040);
}

TEST_CASE("connections that are found too slow by a publish close after it, not within",
          "[manager][close]") {
  Limits limits;
  limits.max_outbox_messages = 1;
  const auto world = std::make_shared<World>();
  world->tokens = {{"root", {"root", Reach::everything}}};
  FakeTransport transport;
  transport.high_water = 1;
  ConnectionManager<FakeTransport, FakeServices> manager{transport, FakeServices(world), limits};
  // Every second one is slow, and its outbox is full of a pong, which nothing makes way for.
  for (int handle = 1; handle <= 10; ++handle) {
    manager.on_open(handle, "root");
    transport[handle].reads = handle % 2 == 0;
    manager.on_message(handle, R"({"type":"ping"})");
    manager.on_message(handle, R"({"type":"ping"})");
    transport[handle].received.clear();
  }
  for (std::uint64_t version = 2; version <= 4; ++version) {
    manager.publish(
        {"order-1", OwnerId("alice"), OrganizationId("org-1"), "CONFIRMED", version, "{}"});
  }
  for (int handle = 1; handle <= 10; ++handle) {
    CAPTURE(handle);
    CHECK(transport[handle].closed == (handle % 2 == 1));
    CHECK(transport[handle].frames_after_close == 0);
    if (handle % 2 == 0) CHECK(transport[handle].received.size() == 3);
  }
  CHECK(manager.connections() == 5);
}

TEST_CASE("a transport that says closed in mid-publish is not asked about others",
          "[manager][close]") {
  Scene scene(false, false);
  // The network knows before the manager does.
  scene.transport[1].closed = true;
  scene.publish();
  CHECK(scene.transport[1].received.empty());
  CHECK(scene.transport[2].received.size() == 2);
  scene.manager.on_close(1);
  scene.publish();
  CHECK(scene.transport[2].received.size() == 4);
  CHECK(scene.manager.sessions() == 1);
}

TEST_CASE("a handle that is used again keeps nothing of the earlier connection",
          "[manager][close]") {
  Scene scene(true, true);
  scene.world->tokens["bob"] = {"bob", Reach::own};
  scene.manager.on_close(1);
  scene.transport[1] = {};
  scene.manager.on_open(1, "bob");
  scene.world->answer_all();  // what alice had asked
  scene.publish();
  scene.manager.on_writable(1);
  CHECK(scene.transport[1].received.empty());
  CHECK(scene.manager.subscriptions() == 1);
}
