// SPDX-License-Identifier: MIT
#include "opened_pair.hpp"
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

TEST_CASE("a text message reaches the sink and a frame reaches the client", "[websocket]") {
  OpenedPair pair;
  pair.client.send_text("hello");
  CHECK(pair.hears("hello"));
  CHECK(pair.server.send(pair.handle, "world") == SendResult::accepted);
  const auto frame = pair.client.next_frame();
  REQUIRE(frame);
  CHECK(frame->opcode == Opcode::text);
  CHECK(frame->fin);
  CHECK_FALSE(frame->masked);
  CHECK(frame->rsv == 0);
  CHECK(frame->payload == "world");
}

TEST_CASE("a prepared frame has the right length form at every boundary", "[websocket]") {
  OpenedPair pair;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 300000U}) {
    CAPTURE(size);
    const std::string text(size, 'x');
    REQUIRE(pair.server.send(pair.handle, text) == SendResult::accepted);
    CHECK(pair.client.next_text() == text);
    if (size >= 32 * 1024) {
      // The client may be quicker than the server, which checks its own socket.
      while (pair.server.buffered_bytes(pair.handle) > 0) {
      }
    }
  }
}

TEST_CASE("one frame serves many connections", "[websocket]") {
  RecordingServer server;
  std::vector<WsClient> clients(50);
  std::vector<Handle> handles;
  for (auto& client : clients) {
    REQUIRE(client.connect(host, server.port(), "/ws"));
    handles.push_back(server.opened());
  }
  for (const auto result : server.send_to_all(handles, "all")) {
    CHECK(result == SendResult::accepted);
  }
  for (auto& client : clients) CHECK(client.next_text() == "all");
  CHECK(server.websockets() == 50);
}

TEST_CASE("frames arrive in the order of their sending", "[websocket]") {
  OpenedPair pair;
  for (int i = 0; i < 200; ++i)
    REQUIRE(pair.server.send(pair.handle, std::to_string(i)) == SendResult::accepted);
  for (int i = 0; i < 200; ++i) REQUIRE(pair.client.next_text() == std::to_string(i));
}

TEST_CASE("a message sent together with the handshake is not lost", "[websocket]") {
  RecordingServer server;
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  const auto request = http_request_text("GET", "/ws",
                                         {{"Upgrade", "websocket"},
                                          {"Connection", "Upgrade"},
                                          {"Sec-WebSocket-Key", WsClient::key},
                                          {"Sec-WebSocket-Version", "13"}});
  socket.send_bytes(request + ws_frame_bytes(Opcode::text, true, true, "early"));
  CHECK(server.opened() != 0);
  const auto event = server.next();
  REQUIRE(event);
  CHECK(event->text == "early");
}

TEST_CASE("fragments are joined, also around a ping", "[websocket]") {
  OpenedPair pair;
  pair.client.send_frame(Opcode::text, false, true, "one ");
  pair.client.send_frame(Opcode::ping, true, true, "p");
  pair.client.send_frame(Opcode::continuation, false, true, "two ");
  pair.client.send_frame(Opcode::continuation, true, true, "three");
  CHECK(pair.hears("one two three"));
  const auto pong = pair.client.next_frame();
  REQUIRE(pong);
  CHECK(pong->opcode == Opcode::pong);
  CHECK(pong->payload == "p");
}

TEST_CASE("a frame is read whatever the cuts between its bytes", "[websocket]") {
  OpenedPair pair;
  for (const char byte : ws_frame_bytes(Opcode::text, true, true, std::string(300, 'z'))) {
    pair.client.socket().send_bytes({&byte, 1});
  }
  CHECK(pair.hears(std::string(300, 'z')));
}

TEST_CASE("a ping of the server is answered and heard", "[websocket]") {
  OpenedPair pair;
  pair.server.ping(pair.handle);
  const auto ping = pair.client.next_frame();
  REQUIRE(ping);
  CHECK(ping->opcode == Opcode::ping);
  CHECK(ping->payload.empty());
  pair.client.send_frame(Opcode::pong, true, true, ping->payload);
  CHECK(pair.server.expect(Event::Kind::pong, pair.handle));
}

TEST_CASE("protocol errors close with the code of the contract", "[websocket]") {
  struct Case {
    const char* what;
    std::string bytes;
    std::uint16_t code;
  };
  const std::string too_long(4097, 'x');
  const std::vector<Case> cases = {
      {"binary", ws_frame_bytes(Opcode::binary, true, true, "b"), 1003},
      {"not masked", ws_frame_bytes(Opcode::text, true, false, "t"), 1002},
      {"reserved bit", raw({0xC1, 0x80, 0, 0, 0, 0}), 1002},
      {"reserved opcode", raw({0x83, 0x80, 0, 0, 0, 0}), 1002},
      {"reserved control opcode", raw({0x8B, 0x80, 0, 0, 0, 0}), 1002},
      {"fragmented ping", ws_frame_bytes(Opcode::ping, false, true, "p"), 1002},
      {"ping over 125 bytes", ws_frame_bytes(Opcode::ping, true, true, std::string(126, 'p')),
       1002},
      {"continuation of nothing", ws_frame_bytes(Opcode::continuation, true, true, "c"), 1002},
      {"text within a message",
       ws_frame_bytes(Opcode::text, false, true, "a") +
           ws_frame_bytes(Opcode::text, true, true, "b"),
       1002},
      {"close with one byte", ws_frame_bytes(Opcode::close, true, true, "x"), 1002},
      {"close with a reserved code", ws_frame_bytes(Opcode::close, true, true, raw({0x03, 0xED})),
       1002},
      {"bad UTF-8", ws_frame_bytes(Opcode::text, true, true, raw({0xC0, 0xAF})), 1007},
      {"UTF-8 cut short", ws_frame_bytes(Opcode::text, true, true, raw({0xE2, 0x82})), 1007},
      {"UTF-8 cut short by the end of the last fragment",
       ws_frame_bytes(Opcode::text, false, true, "a") +
           ws_frame_bytes(Opcode::continuation, true, true, raw({0xE2, 0x82})),
       1007},
      {"a surrogate", ws_frame_bytes(Opcode::text, true, true, raw({0xED, 0xA0, 0x80})), 1007},
      {"too big", ws_frame_bytes(Opcode::text, true, true, too_long), 1009},
      {"too big by its length alone", raw({0x81, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4}), 1009},
      {"too big in fragments",
       ws_frame_bytes(Opcode::text, false, true, std::string(4000, 'x')) +
           ws_frame_bytes(Opcode::continuation, true, true, std::string(97, 'x')),
       1009},
      {"length not minimal, 16 bits", raw({0x81, 0xFE, 0, 1, 0, 0, 0, 0, 'a'}), 1002},
      {"length not minimal, 64 bits", raw({0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 'a'}),
       1002},
  };
  for (const auto& one : cases) {
    CAPTURE(one.what);
    OpenedPair pair;
    pair.client.socket().send_bytes(one.bytes);
    const auto info = pair.client.expect_close();
    REQUIRE(info);
    CHECK(info->code == one.code);
    CHECK(pair.hears_close());
  }
}

TEST_CASE("a close reason that is no UTF-8 is answered with 1007", "[websocket]") {
  for (const auto* reason : {"\xFF", "ok \xC3", "\xED\xA0\x80", "\xC0\x80"}) {
    OpenedPair pair;
    REQUIRE(pair.client.send_close(1000, reason));
    const auto told = pair.client.expect_close();
    REQUIRE(told);
    CHECK(told->code == 1007);
    CHECK(pair.server.expect(Event::Kind::close, pair.handle));
  }
}

TEST_CASE("each ping and pong of a client is reported, also behind what it does not read",
          "[websocket]") {
  OpenedPair pair;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(pair.client.send_frame(Opcode::ping, true, true, ""));
    REQUIRE(pair.client.send_frame(Opcode::pong, true, true, ""));
  }
  pair.client.send_text("done");
  for (int i = 0; i < 5; ++i) CHECK(pair.server.expect(Event::Kind::pong, pair.handle));
  CHECK(pair.server.expect(Event::Kind::message, pair.handle));
  CHECK(pair.server.controls() == 10);
}

TEST_CASE("a sink may close who sends too many control frames", "[websocket]") {
  RecordingServer::Setup setup;
  RecordingServer* server = nullptr;
  std::size_t heard = 0;
  setup.control_hook = [&](Handle handle) {
    if (++heard == 3) server->close(handle, CloseCode::policy_violation, "enough");
  };
  RecordingServer recording(std::move(setup));
  server = &recording;
  for (const auto opcode : {Opcode::ping, Opcode::pong}) {
    recording.on_io_thread([&] { heard = 0; });
    WsClient client;
    REQUIRE(client.connect("127.0.0.1", recording.port(), "/ws"));
    std::string flood;
    for (int i = 0; i < 1000; ++i) flood += ws_frame_bytes(opcode, true, true, "x");
    REQUIRE(client.socket().send_bytes(flood));
    const auto told = client.expect_close();
    REQUIRE(told);
    CHECK(told->code == 1008);
    CHECK(told->reason == "enough");
    std::size_t after = 0;
    recording.on_io_thread([&] { after = heard; });
    CHECK(after == 3);
  }
}

TEST_CASE("a message of exactly the limit is taken", "[websocket]") {
  OpenedPair pair;
  pair.client.send_text(std::string(4096, 'x'));
  CHECK(pair.hears(std::string(4096, 'x')));
}

TEST_CASE("the close code reaches a client that goes on sending", "[websocket]") {
  OpenedPair pair;
  const std::string flood(512 * 1024, 'x');
  pair.client.socket().send_bytes(ws_frame_bytes(Opcode::text, true, true, flood), 2s);
  const auto info = pair.client.expect_close();
  REQUIRE(info);
  CHECK(info->code == 1009);
  CHECK_FALSE(pair.client.socket().was_reset());
}

TEST_CASE("a stale handle never means another connection", "[websocket]") {
  OpenedPair pair;
  pair.server.terminate(pair.handle);
  REQUIRE(pair.hears_close());
  WsClient other;
  REQUIRE(other.connect(host, pair.server.port(), "/ws"));
  const auto handle = pair.server.opened();
  CHECK(handle != pair.handle);
  CHECK(pair.server.send(pair.handle, "stray") == SendResult::closed);
  CHECK(pair.server.buffered_bytes(pair.handle) == 0);
  pair.server.ping(pair.handle);
  pair.server.close(pair.handle, CloseCode::normal, {});
  pair.server.terminate(pair.handle);
  CHECK(pair.server.send(handle, "mine") == SendResult::accepted);
  CHECK(other.next_text() == "mine");
}

TEST_CASE("an exception of the sink ends its connection with 1011 and no other", "[websocket]") {
  RecordingServer::Setup setup;
  setup.hook = [](const Event& event) {
    if (event.text == "throw") throw std::runtime_error("from the sink");
  };
  OpenedPair pair(std::move(setup));
  WsClient other;
  REQUIRE(other.connect(host, pair.server.port(), "/ws"));
  REQUIRE(pair.server.opened() != 0);

  pair.client.send_text("throw");
  CHECK(pair.hears("throw"));
  const auto info = pair.client.expect_close();
  REQUIRE(info);
  CHECK(info->code == 1011);
  CHECK(pair.hears_close());
  CHECK(pair.server.errors() == 1);
  other.send_text("fine");
  CHECK(pair.hears("fine"));
}

TEST_CASE("an exception on open ends the connection too", "[websocket]") {
  RecordingServer::Setup setup;
  setup.hook = [](const Event& event) {
    if (event.kind == Event::Kind::open) throw std::runtime_error("from the sink");
  };
  RecordingServer server(std::move(setup));
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  CHECK(client.expect_close()->code == 1011);
  CHECK(server.expect(Event::Kind::close, handle));
}

TEST_CASE("a server ends cleanly with connections in every state", "[websocket]") {
  RecordingServer server;
  WsClient open;
  REQUIRE(open.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  WsClient closing;
  REQUIRE(closing.connect(host, server.port(), "/ws"));
  server.close(server.opened(), CloseCode::normal, {});
  RawSocket silent;
  REQUIRE(silent.connect(host, server.port()));
  RawSocket halfway;
  REQUIRE(halfway.connect(host, server.port()));
  halfway.send_bytes("GET /ws HTTP/1.1\r\nHost:");
  server.send_until_backpressure(handle, std::string(64 * 1024, 'x'));
  server.stop();
  CHECK(open.socket().wait_for_end());
  CHECK(silent.wait_for_end());
  CHECK(halfway.wait_for_end());
  CHECK(server.websockets() == 0);
  CHECK(server.open_sockets() == 0);
}
