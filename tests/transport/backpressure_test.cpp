// SPDX-License-Identifier: MIT
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <chrono>
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
  SlowPair slow;
  CHECK(slow.accepted * block.size() <= 64 * 1024 + ours + more);
  SlowPair small(with_kernel_unsent(16 * 1024));
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
