// SPDX-License-Identifier: MIT
#include "support/manager_parts.hpp"
#include "support/shop.hpp"
#include "support/slow_store.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::ManagerParts;
using test::Shop;

TEST_CASE("the timer is set for whatever comes first", "[heartbeat]") {
  Limits limits;
  limits.ping_jitter = 0s;
  ManagerParts parts(limits);
  const auto slot = parts.open(1);
  CHECK(parts.connections.next_timer() == TimePoint::max());
  parts.heartbeat.start(slot);
  const auto is_about = [&](std::chrono::seconds time) {
    parts.connections.advance_timers(parts.clock.now(), [](detail::Slot) {});
    const auto due = parts.connections.next_timer();
    return due > parts.clock.now() && due <= parts.clock.now() + time + 1s;
  };
  CHECK(is_about(25s));
  CHECK(parts.heartbeat.ping_user("alice") == 1);
  CHECK(is_about(10s));
  parts.questions.authorize(slot, parts.ask(slot, "o"));  // Denied at once.
  parts.heartbeat.on_pong(slot);
  auto& pending = parts.ask(slot, "p");
  parts.connections.session(slot).rare->pending.set_due(pending, parts.clock.now() + 2s);
  parts.heartbeat.schedule(slot);
  CHECK(is_about(2s));
}

TEST_CASE("a beat pings idle connections and ends those that do not answer", "[heartbeat]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  parts.heartbeat.start(slot);
  CHECK(parts.heartbeat.beat(slot, parts.clock.now()));
  CHECK(parts.transport[1].pings == 0);
  parts.clock.advance(25s);
  CHECK(parts.heartbeat.beat(slot, parts.clock.now()));
  CHECK(parts.transport[1].pings == 1);
  parts.clock.advance(10s);
  CHECK_FALSE(parts.heartbeat.beat(slot, parts.clock.now()));
  CHECK(parts.transport[1].terminated);
}

TEST_CASE("each acknowledged byte restarts the time of a stall", "[heartbeat]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  parts.stop_reading(slot);
  parts.sender.deliver(slot, QueuedKind::control, {}, ManagerParts::frame("second"));
  parts.clock.advance(20s);
  parts.read(slot);
  REQUIRE(parts.sender.flush(slot));
  CHECK(parts.connections.session(slot).stall == nullptr);  // Everything is sent.
  parts.stop_reading(slot, "third");
  parts.sender.deliver(slot, QueuedKind::control, {}, ManagerParts::frame("fourth"));
  parts.clock.advance(29s);
  CHECK(parts.heartbeat.beat(slot, parts.clock.now()));
  parts.clock.advance(1s);
  CHECK_FALSE(parts.heartbeat.beat(slot, parts.clock.now()));
}

TEST_CASE("a peer that answers pings stays, one that does not is closed", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.open(2, "bob");
  for (int second = 0; second < 120; ++second) {
    f.pass(seconds(1));
    f.manager.on_pong(1);
  }
  CHECK(f.transport[1].pings >= 4);
  CHECK_FALSE(f.transport[1].terminated);
  CHECK(f.transport[2].pings == 1);
  CHECK(f.transport[2].terminated);
  CHECK(f.manager.connections() == 1);
}

TEST_CASE("pings of many connections are spread out", "[manager]") {
  Shop f({100, 0});
  for (int handle = 0; handle < 1000; ++handle) f.open(handle, "root");
  f.pass(milliseconds(22'400));
  int early = 0;
  for (int handle = 0; handle < 1000; ++handle) early += f.transport[handle].pings;
  CHECK(early == 0);
  f.pass(milliseconds(1'300));
  int half = 0;
  for (int handle = 0; handle < 1000; ++handle) half += f.transport[handle].pings;
  CHECK(half > 200);
  CHECK(half < 800);
}

TEST_CASE("a connection that reads nothing for 30 s is ended", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.transport[1].reads = false;
  for (int i = 0; i < 100; ++i) f.change("order-1");
  f.pass(seconds(29));
  CHECK_FALSE(f.transport[1].terminated);
  f.pass(seconds(2));
  CHECK(f.transport[1].terminated);
}

TEST_CASE("a connection that reads a little now and then is not ended", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.transport[1].reads = false;
  for (int minute = 0; minute < 10; ++minute) {
    for (int i = 0; i < 50; ++i) f.change("order-1");
    f.pass(seconds(20));
    if (f.transport.take(1)) f.manager.on_writable(1);
  }
  CHECK_FALSE(f.transport[1].terminated);
}

TEST_CASE("tick says when it wants to be called again", "[manager]") {
  Shop f;
  CHECK(f.manager.tick(f.clock.now()) == TimePoint::max());
  f.open(1, "alice");
  CHECK(f.manager.tick(f.clock.now()) <= f.clock.now() + seconds(26));
  f.manager.on_close(1);
  CHECK(f.manager.tick(f.clock.now()) == TimePoint::max());
}

namespace {

/// A transport that compresses: a message takes a quarter of its bytes on the wire. Its kernel
/// takes all of it, and the peer acknowledges when the test says.
struct PackedTransport : test::FakeTransport {
  SendResult send(Handle handle, const Frame& frame) {
    const auto result = FakeTransport::send(handle, frame);
    if (result == SendResult::accepted) sent += frame->size() / 4;
    return result;
  }
  [[nodiscard]] std::size_t unacknowledged_bytes(Handle /*handle*/) const { return sent - acked; }
  [[nodiscard]] std::optional<std::uint64_t> acknowledged_bytes(Handle /*handle*/) const {
    return acked;
  }
  void acknowledge(std::size_t most) { acked = (std::min)(acked + most, sent); }

  std::size_t sent = 0;
  std::size_t acked = 0;
};

/// A client that watches an order of a kilobyte, over such a transport.
struct PackedClient {
  PackedClient() {
    manager.on_open(1, "alice");
    manager.on_message(1, R"({"type":"subscribe","orderId":"a"})");
  }
  void change() {
    const auto json = R"({"x":")" + std::string(1000, 'x') + "\"}";
    manager.publish({"a", OwnerId("alice"), OrganizationId(), "READY", ++version, json});
  }
  void pass(Duration time) {
    const auto end = clock.now() + time;
    while (clock.now() < end) {
      clock.advance(std::chrono::milliseconds(100));
      manager.tick(clock.now());
    }
  }

  test::StoreAnswers answers;
  test::ManualClock clock;
  PackedTransport transport;
  ConnectionManager<PackedTransport, test::SlowSeams> manager{
      transport, test::SlowSeams{{}, {&answers}, {&answers}, {}, clock}, Limits{}, nullptr, 1};
  std::uint64_t version = 7;
};

}  // namespace

TEST_CASE("bytes that compression saves do not count as read", "[heartbeat][manager]") {
  PackedClient dead;
  for (int i = 0; i < 100; ++i) dead.change();
  for (int i = 0; i < 6; ++i) {
    dead.pass(seconds(10));
    dead.change();
  }
  CHECK(dead.transport[1].terminated);
}

TEST_CASE("a slow client of compressed messages lives while it acknowledges",
          "[heartbeat][manager]") {
  PackedClient slow;
  for (int i = 0; i < 160; ++i) slow.change();
  std::size_t pong_at = 0;
  int pings = 0;
  for (int second = 0; second < 120; ++second) {
    for (int i = 0; i < 5; ++i) slow.change();
    slow.transport.acknowledge(1'500);
    slow.pass(seconds(1));
    // It answers a ping once it has read everything before it.
    if (slow.transport[1].pings != pings) pong_at = slow.transport.sent;
    pings = slow.transport[1].pings;
    if (pong_at != 0 && slow.transport.acked >= pong_at) {
      pong_at = 0;
      slow.manager.on_pong(1);
    }
    REQUIRE_FALSE(slow.transport[1].closed);
  }
  CHECK(pings > 0);
}
