// SPDX-License-Identifier: MIT
#include "../../support/tls_client.hpp"
#include "siege.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

// Slow attacks in each phase of a connection, and attacks by number.

using namespace ordercast::test;

namespace {

const std::vector<std::string> short_patience = {
    "--handshake-seconds", "1", "--ping-seconds",        "1",
    "--pong-seconds",      "1", "--write-stall-seconds", "1"};

struct Phase {
  const char* name;
  std::string bytes;  ///< What is sent before the silence.
};

/// Silences that the handshake timeout ends.
std::vector<Phase> http_phases() {
  const std::string head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\n";
  return {{"the connection alone", ""},
          {"the request line", "GET /ws?tok"},
          {"the headers", head + "Content-Ty"},
          {"the body", head + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"},
          {"the upgrade",
           "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgr"}};
}

/// Silences on an open WebSocket that the pong timeout ends.
std::vector<Phase> frame_phases() {
  const auto frame = ws_frame_bytes(Opcode::text, true, true, std::string(200, ' '));
  return {{"a peer that is gone", ""},
          {"a frame's header", frame.substr(0, 1)},
          {"a frame's extended length", frame.substr(0, 3)},
          {"a frame's mask", frame.substr(0, 6)},
          {"a frame's payload", frame.substr(0, 50)},
          {"the next fragment", ws_frame_bytes(Opcode::text, false, true, "{")}};
}

}  // namespace

TEST_CASE("slow clients are ended in each phase of a request", "[hostile]") {
  Siege siege(short_patience);
  std::vector<std::pair<const char*, RawSocket>> slow;
  for (const auto& phase : http_phases()) {
    for (int i = 0; i < 20; ++i) {
      auto& socket = slow.emplace_back(phase.name, RawSocket()).second;
      REQUIRE(socket.connect("127.0.0.1", siege.port()));
      REQUIRE(socket.send_bytes(phase.bytes));
    }
  }
  for (auto& [name, socket] : slow) {
    CAPTURE(name);
    CHECK(socket.wait_for_end(patience));
  }
  siege.check_over();
}

TEST_CASE("a client that drips its request byte by byte has no more time than others",
          "[hostile]") {
  Siege siege(short_patience);
  RawSocket socket;
  REQUIRE(socket.connect("127.0.0.1", siege.port()));
  REQUIRE(socket.send_bytes("GET / HTTP/1.1\r\nX: "));
  // Reading waits a moment for the server, which spaces the drops out without sleeping.
  bool ended = false;
  for (int i = 0; i < 3'000 && !ended; ++i) {
    ended = !socket.send_bytes("x") || socket.wait_for_end(std::chrono::milliseconds(10));
  }
  CHECK(ended);
  siege.check_over();
}

TEST_CASE("slow and half-open peers are ended in each phase of a frame", "[hostile]") {
  Siege siege(short_patience);
  std::vector<std::pair<const char*, WsClient>> slow;
  for (const auto& phase : frame_phases()) {
    for (int i = 0; i < 3; ++i) {
      auto& client = slow.emplace_back(phase.name, siege.attacker()).second;
      client.answer_pings(false);
      REQUIRE(client.socket().send_bytes(phase.bytes));
    }
  }
  for (auto& [name, client] : slow) {
    CAPTURE(name);
    CHECK(client.socket().wait_for_end(patience));
  }
  siege.check_over();
}

TEST_CASE("a close handshake that the client does not end is ended", "[hostile]") {
  Siege siege(short_patience);
  std::vector<WsClient> deaf;
  for (int i = 0; i < 5; ++i) {
    deaf.push_back(siege.attacker());
    REQUIRE(deaf.back().send_text(ping_text));
    REQUIRE(deaf.back().next_text(patience).has_value());
  }
  const auto path = "/api/v1/admin/users/" + demo().customer.id + "/disconnect";
  const auto answer = siege.server().as(demo().admin).post(path, {{"reason", "bye"}});
  CHECK(answer.status == 200);
  CHECK(integer_of(answer.data(), "disconnected") == 5);
  for (auto& client : deaf) CHECK(client.socket().wait_for_end(patience));
  siege.check_over();
}

TEST_CASE("slow TLS handshakes are ended, and the encrypted bystander is served", "[hostile]") {
  const TempDir folder;
  const CertificateFiles files(folder.path());
  const auto made = make_certificate("hostile");
  files.write(made);
  OrderServer server(
      {"--tls-cert", files.certificate, "--tls-key", files.key, "--handshake-seconds", "1"});
  WsClient bystander(tls_to(made));
  REQUIRE(bystander.connect("127.0.0.1", server.port(), ws_target(demo().customer.token)));
  const auto alive = [&] {
    return bystander.send_text(ping_text) && bystander.next_text(patience) == R"({"type":"pong"})";
  };
  REQUIRE(alive());
  const auto sockets = open_sockets(server.process().pid());
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  std::vector<RawSocket> slow(60);
  for (std::size_t i = 0; i < slow.size(); ++i) {
    REQUIRE(slow[i].connect("127.0.0.1", server.port()));
    REQUIRE(slow[i].send_bytes(hello.substr(0, i % (hello.size() + 1))));
  }
  CHECK(alive());
  for (auto& socket : slow) CHECK(socket.wait_for_end(patience));
  CHECK(alive());
  slow.clear();
  CHECK(eventually([&] { return alive() && open_sockets(server.process().pid()) <= sockets; }));
}

TEST_CASE("connections that are reset in mid-frame and during broadcasts leave nothing",
          "[hostile]") {
  Siege siege;
  auto& server = siege.server();
  const auto id = text_of(server.new_order(demo().customer), "id");
  const auto half = ws_frame_bytes(Opcode::text, true, true, std::string(200, ' ')).substr(0, 50);
  for (const auto* status : {"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY", "DELIVERED"}) {
    std::vector<WsClient> clients;
    for (int i = 0; i < 15; ++i) {
      clients.push_back(siege.attacker());
      REQUIRE(clients.back().send_text(
          Json{{"type", "subscribe"}, {"orderId", id}, {"since", 0}}.dump()));
    }
    RawSocket change;
    REQUIRE(change.connect("127.0.0.1", siege.port()));
    REQUIRE(change.send_bytes(server.as(demo().admin)
                                  .request_text("PATCH", "/api/v1/orders/" + id + "/status",
                                                Json{{"status", status}}.dump())));
    // Now, while the change is being sent: some in mid-frame, some in mid-close.
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (i % 3 == 0) clients[i].socket().send_bytes(half);
      if (i % 3 == 1) clients[i].send_close();
      clients[i].socket().reset();
    }
    CHECK(read_http_reply(change, false, patience).status == 200);
  }
  siege.check_over();
}

TEST_CASE("floods of connections, handshakes and tokens go by", "[hostile]") {
  Siege siege;
  SECTION("connections that end as soon as they begin") {
    for (int i = 0; i < 2'000; ++i) {
      RawSocket socket;
      REQUIRE(socket.connect("127.0.0.1", siege.port()));
      socket.reset();
    }
  }
  SECTION("handshakes that are left at once") {
    for (int i = 0; i < 500; ++i) {
      WsClient client;
      static_cast<void>(
          client.connect("127.0.0.1", siege.port(), ws_target(demo().customer.token)));
      client.socket().reset();
    }
  }
  SECTION("bad tokens") {
    for (int i = 0; i < 500; ++i) {
      WsClient client;
      REQUIRE(client.connect("127.0.0.1", siege.port(),
                             ws_target("guess." + std::to_string(i) + ".x")));
      CHECK(client.expect_close(patience).value_or(CloseInfo{}).code == 4001);
    }
  }
  siege.check_over();
}

TEST_CASE("silent connections above the limit of handshakes keep nobody out", "[hostile]") {
  Siege siege({"--max-handshakes", "20"});
  std::vector<RawSocket> silent(100);
  for (auto& socket : silent) REQUIRE(socket.connect("127.0.0.1", siege.port()));
  for (int i = 0; i < 50; ++i) CHECK(siege.server().anonymous().get("/healthz").status == 200);
  for (std::size_t i = 0; i < 80; ++i) CHECK(silent[i].wait_for_end(patience));
  siege.check_over();
}

TEST_CASE("a flood of messages ends in 1008, and of pings in nothing", "[hostile]") {
  Siege siege;
  SECTION("messages") {
    auto client = siege.attacker();
    std::string flood;
    for (int i = 0; i < 1'000; ++i) flood += ws_frame_bytes(Opcode::text, true, true, ping_text);
    client.socket().send_bytes(flood);
    CHECK(client.expect_close(patience).value_or(CloseInfo{}).code == 1008);
  }
  SECTION("pings that nobody reads the answers of") {
    auto client = siege.attacker();
    std::string flood;
    const std::string payload(125, 'p');
    for (int i = 0; i < 8'000; ++i) flood += ws_frame_bytes(Opcode::ping, true, true, payload);
    for (int i = 0; i < 10; ++i) client.socket().send_bytes(flood, std::chrono::milliseconds(200));
    client.socket().reset();
  }
  siege.check_over();
}
