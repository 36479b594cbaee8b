// SPDX-License-Identifier: MIT
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/allocations.hpp>
#include <support/ws_client.hpp>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";
const std::string block(16 * 1024, 'x');

RecordingServer::Setup with_kernel_unsent(std::size_t bytes) {
  RecordingServer::Setup setup;
  setup.accept.max_kernel_unsent_bytes = bytes;
  return setup;
}

/// A client that reads nothing until it is told to.
struct SlowPair {
  explicit SlowPair(RecordingServer::Setup setup = {}) : server(std::move(setup)) {
    REQUIRE(client.connect(host, server.port(), "/ws", {}, default_timeout, 4096));
    handle = server.opened();
    accepted = server.send_until_backpressure(handle, block);
  }
  RecordingServer server;
  WsClient client;
  Handle handle = 0;
  std::size_t accepted = 0;
};

}  // namespace

TEST_CASE("a client that does not read pushes back, and what it holds up is counted",
          "[backpressure]") {
  SlowPair slow;
  const auto buffered = slow.server.buffered_bytes(slow.handle);
  CHECK(buffered >= 32 * 1024);
  CHECK(buffered <= 32 * 1024 + block.size() + 4);
  CHECK(slow.server.send(slow.handle, "more") == SendResult::backpressure);
  CHECK(slow.server.buffered_bytes(slow.handle) == buffered);
}

TEST_CASE("the kernel takes no more of a connection than it may keep unsent", "[backpressure]") {
  // Beside that, what the peer's window lets through and the rounding of buffers.
  constexpr std::size_t more = 128 * 1024;
  constexpr std::size_t ours = 32 * 1024 + 16 * 1024;
  SlowPair slow(with_kernel_unsent(64 * 1024));
  CHECK(slow.accepted * block.size() <= 64 * 1024 + ours + more);
  SlowPair small;  // 16 KiB, the default.
  CHECK(small.accepted * block.size() <= 16 * 1024 + ours + more);
  CHECK(small.accepted < slow.accepted);
  // As much as the system likes: megabytes.
  SlowPair unbounded(with_kernel_unsent(0));
  CHECK(unbounded.accepted * block.size() > 1024 * 1024);
  // A bound changes when bytes go, and none of them.
  for (std::size_t i = 0; i < small.accepted; ++i) REQUIRE(small.client.next_text() == block);
  REQUIRE(small.server.expect(Event::Kind::writable, small.handle));
}

TEST_CASE("what a write under way has not got rid of is counted", "[backpressure]") {
  // websocketpp's own amount is 0 by then: nothing waits behind the one frame.
  RecordingServer server;
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws", {}, default_timeout, 4096));
  const auto handle = server.opened();
  const std::string huge(16 * 1024 * 1024, 'x');
  REQUIRE(server.send(handle, huge) == SendResult::accepted);
  CHECK_FALSE(server.next(300ms));
  const auto buffered = server.buffered_bytes(handle);
  CHECK(buffered > huge.size() / 2);
  CHECK(buffered < huge.size());
  CHECK(server.send(handle, "more") == SendResult::backpressure);
  CHECK(client.next_text() == huge);
  CHECK(server.expect(Event::Kind::writable, handle));
  CHECK(server.buffered_bytes(handle) == 0);
}

TEST_CASE("what a slow client reads shows in the unacknowledged bytes while the kernel takes none",
          "[backpressure]") {
  SlowPair slow(with_kernel_unsent(0));
  const auto buffered = slow.server.buffered_bytes(slow.handle);
  auto before = slow.server.unacknowledged_bytes(slow.handle);
  CHECK(before > buffered);
  // Far too little for the next write: the server's writes stall while the peer still reads.
  for (int i = 0; i < 8; ++i) {
    REQUIRE(slow.client.next_text() == block);
    const auto after = slow.server.unacknowledged_bytes(slow.handle);
    CHECK(after < before);
    before = after;
  }
  CHECK(slow.server.buffered_bytes(slow.handle) == buffered);
  for (std::size_t i = 8; i < slow.accepted; ++i) REQUIRE(slow.client.next_text() == block);
  slow.client.send_text("read");
  REQUIRE(slow.server.expect(Event::Kind::writable, slow.handle));
  REQUIRE(slow.server.expect(Event::Kind::message, slow.handle));
  CHECK(slow.server.unacknowledged_bytes(slow.handle) == 0);
  slow.server.terminate(slow.handle);
  CHECK(slow.server.unacknowledged_bytes(slow.handle) == 0);
}

TEST_CASE("writable is reported once, when a slow client has caught up", "[backpressure]") {
  SlowPair slow;
  for (std::size_t i = 0; i < slow.accepted; ++i) REQUIRE(slow.client.next_text() == block);
  REQUIRE(slow.server.expect(Event::Kind::writable, slow.handle));
  CHECK(slow.server.buffered_bytes(slow.handle) <= 8 * 1024);
  CHECK(slow.server.send(slow.handle, "again") == SendResult::accepted);
  CHECK(slow.client.next_text() == "again");
  CHECK(slow.server.unread() == 0);
}

TEST_CASE("writable is not reported for a client that was never pushed back", "[backpressure]") {
  RecordingServer server;
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  REQUIRE(server.send(handle, "one") == SendResult::accepted);
  REQUIRE(client.next_text() == "one");
  client.send_text("done");
  CHECK(server.expect(Event::Kind::message, handle));
}

TEST_CASE("a client that disappears while pushed back is reported closed, not writable",
          "[backpressure]") {
  SlowPair slow;
  slow.client.socket().reset();
  CHECK(slow.server.expect(Event::Kind::close, slow.handle));
  CHECK(slow.server.buffered_bytes(slow.handle) == 0);
  CHECK(slow.server.unread() == 0);
}

TEST_CASE("a client can't fill the server's memory with pongs", "[backpressure]") {
  SlowPair slow;
  const auto before = slow.server.buffered_bytes(slow.handle);
  std::string pings;
  for (int i = 0; i < 1000; ++i) {
    pings += ws_frame_bytes(Opcode::ping, true, true, std::string(125, 'p'));
  }
  REQUIRE(slow.client.socket().send_bytes(pings));
  slow.client.send_text("after the pings");
  REQUIRE(slow.server.expect(Event::Kind::message, slow.handle));
  CHECK(slow.server.buffered_bytes(slow.handle) == before);
}

TEST_CASE("a ping of the server goes out to a connection that is pushed back", "[backpressure]") {
  SlowPair slow;
  slow.server.ping(slow.handle);
  for (std::size_t i = 0; i < slow.accepted; ++i) {
    REQUIRE(slow.client.next_frame()->opcode == Opcode::text);
  }
  CHECK(slow.client.next_frame()->opcode == Opcode::ping);
}

TEST_CASE("a burst within one turn to a client that reads is not pushed back", "[backpressure]") {
  RecordingServer::Setup setup;
  setup.options.high_water_bytes = 4096;
  setup.options.low_water_bytes = 1024;
  RecordingServer server(setup);
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  const std::string text(240, 'x');  // All of it fits the client's window.
  std::size_t accepted = 0;
  server.on_io_thread([&] {
    for (int i = 0; i < 200; ++i) {
      accepted += server.send(handle, std::to_string(i) + text) == SendResult::accepted ? 1U : 0U;
    }
  });
  CHECK(accepted == 200);
  for (int i = 0; i < 200; ++i) REQUIRE(client.next_text() == std::to_string(i) + text);
  CHECK(server.unread() == 0);  // It was never told to wait, so nothing tells it to go on.
}

TEST_CASE("a peer that is gone ends its connection in the middle of a burst", "[backpressure]") {
  RecordingServer::Setup setup;
  setup.options.high_water_bytes = 4096;
  RecordingServer server(setup);
  auto client = std::make_unique<WsClient>();
  REQUIRE(client->connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  const std::string text(1024, 'x');
  server.on_io_thread([&] {
    // A reset, before the loop sees it: the first write gets it.
    const linger hard{1, 0};
    ::setsockopt(client->socket().fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    client.reset();
    for (int i = 0; i < 200; ++i) server.send(handle, text);
    CHECK(server.send(handle, text) == SendResult::closed);
    CHECK(server.unread() == 0);  // The sink is told later, and not from inside `send`.
  });
  CHECK(server.expect(Event::Kind::close, handle));
}

namespace {

/// The allocations of a burst of 200 orders to a client that reads, on a server whose tables have
/// grown.
std::size_t allocations_of_a_burst(std::size_t high_water_bytes) {
  net::TransportOptions options;
  options.high_water_bytes = high_water_bytes;
  options.low_water_bytes = high_water_bytes / 4;
  ScarceServer server(options, {});
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws?token=admin"));
  client.send_text(R"({"type":"ping"})");
  REQUIRE(client.next_text() == R"({"type":"pong"})");
  std::size_t count = 0;
  for (int round = 0; round < 3; ++round) {
    server.on_io_thread([&] {
      const auto before = allocations();
      for (int i = 0; i < 200; ++i) {
        const auto id = "order-" + std::to_string(1000 + i);
        server.publish({id, OwnerId("nobody"), OrganizationId("org"), "READY", 0, "{}"});
      }
      count = allocations() - before;
    });
    for (int i = 0; i < 200; ++i) REQUIRE(client.next_text());
  }
  return count;
}

}  // namespace

TEST_CASE("a burst of 200 orders to a client that reads builds no outbox", "[backpressure]") {
  // 16 kB, which the client's window takes. An outbox has an entry and a place in an index for each
  // message behind the mark.
  CHECK(allocations_of_a_burst(4096) <= allocations_of_a_burst(1024 * 1024) + 20);
}
