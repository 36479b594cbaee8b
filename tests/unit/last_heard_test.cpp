// SPDX-License-Identifier: MIT
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using test::FakeServices;
using test::FakeTransport;
using test::ManualClock;
using test::World;

struct Fixture {
  Fixture() { world->tokens = {{"alice", {"alice", Reach::own}}, {"bob", {"bob", Reach::own}}}; }

  std::shared_ptr<World> world = std::make_shared<World>();
  ManualClock clock;
  FakeTransport transport;
  ConnectionManager<FakeTransport, FakeServices> manager{transport, FakeServices(world, clock)};

  void open_visibly(int handle, const std::string& token) {
    manager.on_open(handle, token);
    manager.on_message(handle, R"({"type":"presence","visible":true})");
  }
};

}  // namespace

TEST_CASE("a user is heard from when an open connection of theirs answers a ping", "[manager]") {
  Fixture f;
  CHECK_FALSE(f.manager.last_heard("alice"));
  f.open_visibly(1, "alice");
  CHECK(f.manager.last_heard("alice") == TimePoint::min());

  CHECK(f.manager.ping_user("alice") == 1);
  f.clock.advance(1s);
  const auto answered = f.clock.now();
  f.manager.on_pong(1);
  f.clock.advance(1s);
  CHECK(f.manager.last_heard("alice") == answered);
  CHECK_FALSE(f.manager.last_heard("bob"));

  f.manager.on_close(1);
  CHECK_FALSE(f.manager.last_heard("alice"));
}

TEST_CASE("of several connections the one that was heard from last counts", "[manager]") {
  Fixture f;
  for (const int handle : {1, 2, 3}) f.open_visibly(handle, "alice");
  CHECK(f.manager.ping_user("alice") == 3);
  f.manager.on_pong(2);
  f.clock.advance(1s);
  f.manager.on_pong(3);
  CHECK(f.manager.last_heard("alice") == f.clock.now());
  f.manager.on_close(3);
  CHECK(f.manager.last_heard("alice") == f.clock.now() - 1s);
}

TEST_CASE("an unsolicited pong proves nothing", "[manager]") {
  Fixture f;
  f.open_visibly(1, "alice");
  f.manager.on_pong(1);
  CHECK(f.manager.last_heard("alice") == TimePoint::min());
}

TEST_CASE("a user is pinged once per pong, and a connection that does not answer is closed",
          "[manager]") {
  Fixture f;
  f.open_visibly(1, "alice");
  f.open_visibly(2, "bob");
  CHECK(f.manager.ping_user("alice") == 1);
  CHECK(f.manager.ping_user("alice") == 1);
  CHECK(f.transport[1].pings == 1);
  CHECK(f.transport[2].pings == 0);
  f.clock.advance(f.manager.limits().pong_timeout + 1s);
  f.manager.tick(f.clock.now());
  CHECK(f.transport[1].terminated);
  CHECK_FALSE(f.transport[2].closed);
  CHECK_FALSE(f.manager.last_heard("alice"));
}

TEST_CASE("only a connection whose newest presence says visible has been heard from", "[manager]") {
  Fixture f;
  f.manager.on_open(1, "alice");
  f.manager.ping_user("alice");
  f.manager.on_pong(1);
  CHECK_FALSE(f.manager.last_heard("alice"));
  f.manager.on_message(1, R"({"type":"presence","visible":true})");
  CHECK(f.manager.last_heard("alice") == f.clock.now());
  f.manager.on_message(1, R"({"type":"presence","visible":false})");
  CHECK_FALSE(f.manager.last_heard("alice"));
  CHECK(f.transport[1].received.empty());
}
