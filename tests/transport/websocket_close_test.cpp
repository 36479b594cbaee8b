// SPDX-License-Identifier: MIT
// How a WebSocket ends, over real sockets.
#include "opened_pair.hpp"
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

TEST_CASE("a client's close is answered with its own code", "[websocket]") {
  OpenedPair pair;
  CHECK(pair.client.close(1000));
  CHECK(pair.hears_close());
  CHECK(pair.server.send(pair.handle, "late") == SendResult::closed);
}

TEST_CASE("the server's close brings code and reason after what was sent", "[websocket]") {
  OpenedPair pair;
  pair.server.send(pair.handle, "first");
  pair.server.close(pair.handle, CloseCode::service_restart, "retry-after-ms=7");
  CHECK(pair.server.send(pair.handle, "late") == SendResult::closed);
  CHECK(pair.client.next_text() == "first");
  const auto info = pair.client.expect_close();
  REQUIRE(info);
  CHECK(info->code == 1012);
  CHECK(info->reason == "retry-after-ms=7");
  CHECK(pair.hears_close());
}

TEST_CASE("nothing is written behind a close, whoever began it", "[websocket]") {
  RecordingServer server;
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  REQUIRE(server.send(handle, "before") == SendResult::accepted);
  SECTION("the server") {
    server.close(handle, CloseCode::unauthorized, "Logged out");
    CHECK(server.send(handle, "after") == SendResult::closed);
    CHECK(client.next_text() == "before");
    CHECK_FALSE(client.next_text());
    CHECK(client.expect_close().value_or(CloseInfo{}).code == 4001);
  }
  SECTION("the client") {
    REQUIRE(client.send_close(1000));
    REQUIRE(server.expect(Event::Kind::close, handle));
    CHECK(server.send(handle, "after") == SendResult::closed);
    CHECK(client.next_text() == "before");
    CHECK_FALSE(client.next_text());
    CHECK(client.expect_close().value_or(CloseInfo{}).code == 1000);
  }
  SECTION("a reset") {
    client.socket().reset();
    REQUIRE(server.expect(Event::Kind::close, handle));
    CHECK(server.send(handle, "after") == SendResult::closed);
  }
  CHECK(server.buffered_bytes(handle) == 0);
}

TEST_CASE("a close reason is cut to what fits, between characters", "[websocket]") {
  OpenedPair pair;
  std::string reason = "x";
  for (int i = 0; i < 100; ++i) reason += "\xC3\xA9";
  pair.server.close(pair.handle, CloseCode::unauthorized, reason);
  const auto info = pair.client.expect_close();
  REQUIRE(info);
  CHECK(info->code == 4001);
  CHECK(info->reason == reason.substr(0, 123));
}

TEST_CASE("a client that never answers a close is cut off in time", "[websocket]") {
  RecordingServer::Setup setup;
  setup.options.close_timeout = 50ms;
  setup.options.linger_timeout = 50ms;
  OpenedPair pair(std::move(setup));
  pair.server.close(pair.handle, CloseCode::going_away, {});
  CHECK(pair.hears_close());
  CHECK(pair.client.next_frame()->opcode == Opcode::close);
  CHECK(pair.client.socket().wait_for_end());
}

TEST_CASE("a close is bounded also behind data that nobody reads", "[websocket]") {
  RecordingServer::Setup setup;
  setup.options.close_timeout = 50ms;
  RecordingServer server(std::move(setup));
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws", {}, default_timeout, 4096));
  const auto handle = server.opened();
  server.send_until_backpressure(handle, std::string(16 * 1024, 'x'));
  server.close(handle, CloseCode::too_slow, {});
  CHECK(server.expect(Event::Kind::close, handle));
}

TEST_CASE("terminate ends the socket and reports once", "[websocket]") {
  OpenedPair pair;
  pair.server.terminate(pair.handle);
  pair.server.terminate(pair.handle);
  CHECK(pair.hears_close());
  CHECK(pair.client.socket().wait_for_end());
  CHECK(pair.server.unread() == 0);
}

TEST_CASE("a connection that is reset in mid-frame is reported once", "[websocket]") {
  OpenedPair pair;
  pair.client.socket().send_bytes(raw({0x81, 0xFE, 0x01}));
  pair.client.socket().reset();
  CHECK(pair.hears_close());
  pair.server.terminate(pair.handle);
  CHECK(pair.server.unread() == 0);
}

TEST_CASE("the end of a client's stream ends the connection", "[websocket]") {
  OpenedPair pair;
  pair.client.socket().shutdown_send();
  CHECK(pair.hears_close());
  CHECK(pair.client.socket().wait_for_end());
}
