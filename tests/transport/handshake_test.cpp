// SPDX-License-Identifier: MIT
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";

std::string token_seen(RecordingServer& server, const std::string& target,
                       const Headers& headers = {}) {
  WsClient client;
  if (!client.connect(host, server.port(), target, headers)) return "refused";
  const auto event = server.next();
  client.socket().reset();
  server.next();
  return event ? event->text : "nothing";
}

HttpReply handshake(RecordingServer& server, const Headers& headers,
                    const std::string& target = "/ws") {
  Headers all = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}};
  all.insert(all.end(), headers.begin(), headers.end());
  return http_request(host, server.port(), "GET", target, all);
}

}  // namespace

TEST_CASE("the token comes from header, subprotocol or query", "[handshake]") {
  RecordingServer server;
  CHECK(token_seen(server, "/ws?token=abc%2Ed") == "abc.d");
  CHECK(token_seen(server, "/ws", {{"Authorization", "Bearer abc"}}) == "abc");
  CHECK(token_seen(server, "/ws", {{"Sec-WebSocket-Protocol", "ordercast.v1, bearer.a-b_c.d"}}) ==
        "a-b_c.d");
  CHECK(token_seen(server, "/ws").empty());
}

TEST_CASE("ordercast.v1 is selected when it is offered", "[handshake]") {
  RecordingServer server;
  const auto selected = [&](const Headers& headers) {
    WsClient client;
    REQUIRE(client.connect(host, server.port(), "/ws", headers));
    return client.handshake().header("Sec-WebSocket-Protocol");
  };
  CHECK(selected({{"Sec-WebSocket-Protocol", "ordercast.v1"}}) == "ordercast.v1");
  CHECK(selected({{"Sec-WebSocket-Protocol", "bearer.x.y.z, ordercast.v1"}}) == "ordercast.v1");
  CHECK(selected({{"Sec-WebSocket-Protocol", "other"}}).empty());
  CHECK(selected({}).empty());
}

TEST_CASE("ordercast.v2 is selected before v1, and the sink is told", "[handshake]") {
  RecordingServer server;
  const auto opened = [&](const Headers& headers) {
    WsClient client;
    REQUIRE(client.connect(host, server.port(), "/ws", headers));
    std::optional<Event> event;
    while (event = server.next(), event && event->kind != Event::Kind::open) {
    }
    REQUIRE(event);
    return std::make_pair(client.handshake().header("Sec-WebSocket-Protocol"), event->hello);
  };
  using Selected = std::pair<std::string, bool>;
  CHECK(opened({{"Sec-WebSocket-Protocol", "ordercast.v1, ordercast.v2, bearer.x"}}) ==
        Selected{"ordercast.v2", true});
  CHECK(opened({{"Sec-WebSocket-Protocol", "ordercast.v2"}}) == Selected{"ordercast.v2", true});
  CHECK(opened({{"Sec-WebSocket-Protocol", "ordercast.v1"}}) == Selected{"ordercast.v1", false});
  CHECK(opened({}) == Selected{"", false});
}

TEST_CASE("a handshake may spread its lists over several lines", "[handshake]") {
  RecordingServer server;
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  socket.send_bytes(http_request_text("GET", "/ws",
                                      {{"Connection", "keep-alive"},
                                       {"Connection", "X, upgrade"},
                                       {"Upgrade", "h2c"},
                                       {"Upgrade", "WebSocket"},
                                       {"Sec-WebSocket-Key", WsClient::key},
                                       {"Sec-WebSocket-Version", "13"}}));
  CHECK(read_http_reply(socket).status == 101);
}

TEST_CASE("whatever port and name Host has, a handshake is answered the same", "[handshake]") {
  RecordingServer server;
  const auto status = [&](const std::string& name) {
    RawSocket socket;
    REQUIRE(socket.connect(host, server.port()));
    socket.send_bytes("GET /ws HTTP/1.1\r\nHost: " + name +
                      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " +
                      WsClient::key + "\r\nSec-WebSocket-Version: 13\r\n\r\n");
    return read_http_reply(socket).status;
  };
  for (const auto* name : {"x:0", "x:", "x:99999", "x", "", "[::1]:80", "[::1]", "a_b:1"}) {
    CAPTURE(name);
    CHECK(status(name) == 101);
  }
  for (const auto* name : {"x:y", "[::1", "a b", "x:1:2"}) {
    CAPTURE(name);
    CHECK(status(name) == 400);
  }
}

TEST_CASE("an offer of extensions that breaks the grammar is none", "[handshake]") {
  RecordingServer server;
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws",
                         {{"Sec-WebSocket-Extensions", "permessage-deflate; \"broken"}}));
  CHECK(client.handshake().header("Sec-WebSocket-Extensions").empty());
  CHECK(client.handshake().header("Server").empty());
}

TEST_CASE("a wrong version is told the right one", "[handshake]") {
  RecordingServer server;
  for (const auto& headers :
       {Headers{{"Sec-WebSocket-Key", WsClient::key}},
        Headers{{"Sec-WebSocket-Key", WsClient::key}, {"Sec-WebSocket-Version", "8"}},
        Headers{{"Sec-WebSocket-Key", WsClient::key}, {"Sec-WebSocket-Version", "x"}}}) {
    const auto reply = handshake(server, headers);
    CHECK(reply.status == 426);
    CHECK(reply.header("Sec-WebSocket-Version") == "13");
  }
}

TEST_CASE("a handshake with a bad key is refused", "[handshake]") {
  RecordingServer server;
  for (const auto* key : {"", "c2hvcnQ=", "dGhlIHNhbXBsZSBub25jZSBpcyBsb25n"}) {
    CAPTURE(key);
    const auto reply =
        handshake(server, {{"Sec-WebSocket-Key", key}, {"Sec-WebSocket-Version", "13"}});
    CHECK(reply.status == 400);
    CHECK(reply.header("Connection") == "close");
  }
}

TEST_CASE("only /ws is upgraded by default", "[handshake]") {
  RecordingServer server;
  WsClient client;
  CHECK_FALSE(client.connect(host, server.port(), "/other"));
  CHECK(client.handshake().status == 404);
  CHECK(client.handshake().header("Connection") == "close");
  CHECK_FALSE(client.connect(host, server.port(), "/wsx"));
  CHECK(server.websockets() == 0);
}

TEST_CASE("the filter sees the request and its answer reaches the client", "[handshake]") {
  RecordingServer::Setup setup;
  setup.filter = [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.header("Origin") == "http://good") return std::nullopt;
    return HttpResponse{403, {{"X-Peer", request.remote_address}}, "no"};
  };
  RecordingServer server(std::move(setup));
  WsClient client;
  CHECK(client.connect(host, server.port(), "/anything", {{"Origin", "http://good"}}));
  CHECK_FALSE(client.connect(host, server.port(), "/ws", {{"Origin", "http://evil"}}));
  CHECK(client.handshake().status == 403);
  CHECK(client.handshake().header("X-Peer") == "127.0.0.1");
  CHECK(client.handshake().body == "no");
}

TEST_CASE("a filter that throws refuses with 500", "[handshake]") {
  RecordingServer::Setup setup;
  setup.filter = [](const HttpRequest&) -> std::optional<HttpResponse> {
    throw std::runtime_error("from the filter");
  };
  RecordingServer server(std::move(setup));
  WsClient client;
  CHECK_FALSE(client.connect(host, server.port(), "/ws"));
  CHECK(client.handshake().status == 500);
  CHECK(server.errors() == 1);
}

TEST_CASE("while draining a handshake gets 503 and Retry-After", "[handshake]") {
  RecordingServer server;
  WsClient before;
  REQUIRE(before.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  server.begin_drain();
  WsClient after;
  CHECK_FALSE(after.connect(host, server.port(), "/ws"));
  CHECK(after.handshake().status == 503);
  CHECK(after.handshake().header("Retry-After") == "1");
  CHECK(server.send(handle, "still here") == SendResult::accepted);
}

TEST_CASE("a client that does not finish its handshake is cut off in time", "[handshake]") {
  RecordingServer::Setup setup;
  setup.options.handshake_timeout = 100ms;
  setup.options.linger_timeout = 50ms;
  RecordingServer server(std::move(setup));
  RawSocket silent;
  RawSocket slow;
  REQUIRE(silent.connect(host, server.port()));
  REQUIRE(slow.connect(host, server.port()));
  slow.send_bytes("GET /ws HTTP/1.1\r\nHost: h\r\n");
  CHECK(silent.wait_for_end());
  CHECK(slow.wait_for_end());
  CHECK(server.unread() == 0);
}
