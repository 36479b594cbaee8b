// SPDX-License-Identifier: MIT
// A manager over a transport that counts no bytes and frames each message anew: what
// docs/transports.md promises for it, and what it says is lost.
#include "support/plain_transport.hpp"

#include "support/fake_services.hpp"
#include <ordercast/connection_manager.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using test::FakeServices;
using test::ManualClock;
using test::PlainTransport;
using test::World;

static_assert(is_transport<PlainTransport>);

/// One client who watches an order.
struct Scene {
  Scene() {
    world->tokens["alice"] = {"alice", Reach::own};
    world->orders["o"] = {"alice", "", 1, R"({"version":1})"};
    transport.high_water = 100;
    manager.on_open(1, "alice");
    manager.on_message(1, R"({"type":"subscribe","orderId":"o"})");
  }
  std::size_t change() {
    auto& order = world->orders["o"];
    order.json = R"({"version":)" + std::to_string(++order.version) + "}";
    return manager.publish(
        {"o", OwnerId("alice"), OrganizationId(), "READY", order.version, order.json});
  }
  /// The transport takes no more.
  void stop_reading() {
    transport[1].reads = false;
    while (!transport[1].wants_writable) change();
  }
  void read() {
    if (transport.take(1)) manager.on_writable(1);
  }
  void pass(Duration time) {
    for (const auto end = clock.now() + time; clock.now() < end;) {
      clock.advance(100ms);
      manager.tick(clock.now());
    }
  }

  std::shared_ptr<World> world = std::make_shared<World>();
  ManualClock clock;
  PlainTransport transport;
  ConnectionManager<PlainTransport, FakeServices> manager{transport, FakeServices(world, clock)};
};

}  // namespace

TEST_CASE("a transport that keeps the text frames it for each recipient", "[plain_transport]") {
  Scene s;
  s.manager.on_open(2, "alice");
  const auto framed = s.transport.framed;
  CHECK(s.change() == 2);
  CHECK(s.transport.framed - framed == 3);  // The order once, the hint twice.
  CHECK(s.transport[2].received.size() == 1);
}

TEST_CASE("without byte counts a slow connection still gets the final state", "[plain_transport]") {
  Scene s;
  s.stop_reading();
  for (int i = 0; i < 1000; ++i) s.change();
  s.transport[1].reads = true;
  s.read();
  const auto& got = s.transport[1].received;
  const auto last = R"("version":)" + std::to_string(s.world->orders["o"].version) + "}";
  CHECK(got[got.size() - 2].find(last) != std::string::npos);
  CHECK_FALSE(s.transport[1].closed);
}

TEST_CASE("without byte counts a stall is known by what the transport refuses",
          "[plain_transport]") {
  Scene s;
  SECTION("who takes nothing is ended") {
    s.stop_reading();
    s.pass(29s);
    CHECK_FALSE(s.transport[1].terminated);
    s.pass(2s);
    CHECK(s.transport[1].terminated);
  }
  SECTION("who takes a little now and then is not") {
    for (int i = 0; i < 10; ++i) {
      s.stop_reading();
      s.pass(20s);
      s.read();
      s.manager.on_pong(1);
    }
    CHECK_FALSE(s.transport[1].terminated);
  }
}

TEST_CASE("without byte counts no ping goes to a connection that takes no more",
          "[plain_transport]") {
  Scene s;
  s.stop_reading();
  s.pass(29s);
  CHECK(s.transport[1].pings == 0);
  s.transport[1].reads = true;
  s.read();
  s.pass(26s);
  CHECK(s.transport[1].pings == 1);
}

TEST_CASE("without byte counts a pong may be late only while the transport takes no more",
          "[plain_transport]") {
  Scene s;
  SECTION("a ping behind what was refused waits for the stall") {
    s.stop_reading();
    s.manager.ping_user("alice");
    s.pass(25s);
    CHECK_FALSE(s.transport[1].terminated);
  }
  SECTION("a ping behind what was taken is timed from when it was sent: what is lost") {
    s.transport[1].reads = false;
    s.change();
    REQUIRE_FALSE(s.transport[1].wants_writable);
    s.manager.ping_user("alice");
    s.pass(11s);
    CHECK(s.transport[1].terminated);
  }
}
