// SPDX-License-Identifier: MIT
// Clients that send without end: each kind of frame counts in the rate, over real sockets.
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

namespace {

const std::string host = "127.0.0.1";

std::string frame(Opcode opcode, bool final, std::string_view payload = {}) {
  return ws_frame_bytes(opcode, final, true, payload);
}

/// A message with so many fragments that hold nothing.
std::string with_empty_fragments(int count, std::string_view text) {
  auto bytes = frame(Opcode::text, false);
  for (int i = 1; i < count; ++i) bytes += frame(Opcode::continuation, false);
  return bytes + frame(Opcode::continuation, true, text);
}

/// Frames that are no message; a flood of each ends in the same way.
const std::vector<std::pair<std::string, std::string>> floods{
    {"text", frame(Opcode::text, true, R"({"type":"ping"})")},
    {"empty text", frame(Opcode::text, true)},
    {"pings", frame(Opcode::ping, true)},
    {"pongs that nobody asked for", frame(Opcode::pong, true)},
    {"empty fragments", with_empty_fragments(100, "x")},
    {"fragments with pings between them",
     frame(Opcode::text, false, "x") + frame(Opcode::ping, true, "p") +
         frame(Opcode::continuation, false) + frame(Opcode::continuation, true, "y")},
};

/// True once the server has processed everything that this client has sent.
bool settled(WsClient& client) {
  client.send_text(R"({"type":"ping"})");
  return client.next_text() == R"({"type":"pong"})";
}

}  // namespace

TEST_CASE(
    "a client that floods with any kind of frame is warned, then closed with 1008, and others go "
    "on",
    "[flood]") {
  WholeServer server;
  WsClient bystander;
  REQUIRE(bystander.connect(host, server.port(), "/ws?token=bob"));
  for (const auto& [name, bytes] : floods) {
    CAPTURE(name);
    WsClient client;
    REQUIRE(client.connect(host, server.port(), "/ws?token=alice"));
    std::string flood;
    for (int i = 0; i < 1000; ++i) flood += bytes;
    client.socket().send_bytes(flood);
    bool told = false;
    for (auto text = client.next_text(); text; text = client.next_text()) {
      told = told || text->find(R"("type":"error")") != std::string::npos;
    }
    CHECK(told);
    const auto closed = client.expect_close();
    REQUIRE(closed);
    CHECK(closed->code == 1008);
    CHECK(settled(bystander));
  }
}

TEST_CASE("a sink hears of each fragment that holds nothing and ends nothing", "[flood]") {
  RecordingServer server;
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  const auto step = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{10'000});
  std::string bytes = with_empty_fragments(100, "one") + frame(Opcode::text, true, "two") +
                      frame(Opcode::text, true, std::string(300, 'x')) +
                      with_empty_fragments(20, std::string(400, 'y'));
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    REQUIRE(client.socket().send_bytes(bytes.substr(at, step)));
  }
  for (int i = 0; i < 4; ++i) REQUIRE(server.expect(Event::Kind::message, handle));
  server.on_io_thread([] {});
  CHECK(server.controls() == 120);
}

TEST_CASE("fragments that come with the handshake count as well", "[flood]") {
  RecordingServer server;
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  REQUIRE(socket.send_bytes(http_request_text("GET", "/ws",
                                              {{"Upgrade", "websocket"},
                                               {"Connection", "Upgrade"},
                                               {"Sec-WebSocket-Key", WsClient::key},
                                               {"Sec-WebSocket-Version", "13"}}) +
                            with_empty_fragments(3, "one")));
  const auto handle = server.opened();
  REQUIRE(handle != 0);
  REQUIRE(server.expect(Event::Kind::message, handle));
  server.on_io_thread([] {});
  CHECK(server.controls() == 3);
}

TEST_CASE("a message of fragments that hold nothing ends in 1008, whoever counts", "[flood]") {
  RecordingServer server;
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws"));
  auto bytes = frame(Opcode::text, false);
  for (int i = 0; i < 10'000; ++i) bytes += frame(Opcode::continuation, false);
  client.socket().send_bytes(bytes);
  const auto closed = client.expect_close();
  REQUIRE(closed);
  CHECK(closed->code == 1008);
}

TEST_CASE("a client within its rate is left alone", "[flood]") {
  WholeServer server;
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws?token=alice"));
  std::string bytes;
  for (int i = 0; i < 60; ++i) {
    bytes += frame(Opcode::ping, true) + frame(Opcode::pong, true);
  }
  REQUIRE(client.socket().send_bytes(bytes + with_empty_fragments(50, R"({"type":"ping"})")));
  CHECK(client.next_text() == R"({"type":"pong"})");
}

TEST_CASE("a client of ordercast.v2 gets hello before anything else, one of v1 does not",
          "[flood]") {
  WholeServer server;
  WsClient second;
  REQUIRE(second.connect(host, server.port(), "/ws?token=alice",
                         {{"Sec-WebSocket-Protocol", "ordercast.v2, ordercast.v1"}}));
  CHECK(second.next_text() == R"({"type":"hello","epoch":"epoch-1","node":"node-1"})");
  CHECK(settled(second));
  WsClient first;
  REQUIRE(first.connect(host, server.port(), "/ws?token=alice",
                        {{"Sec-WebSocket-Protocol", "ordercast.v1"}}));
  CHECK(settled(first));
}
