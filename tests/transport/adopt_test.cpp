// SPDX-License-Identifier: MIT
// A connection that another server has accepted, handed over at every point of its first request.
#include "confirmed_order.hpp"
#include "recording_server.hpp"
#include <ordercast/http.hpp>
#include <ordercast/net/deflate_terms.hpp>

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <support/http_exchange.hpp>
#include <support/ws_client.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";

/// An application's own server: accepts one connection, reads so many bytes, and hands both over.
class OtherServer {
 public:
  using HandOver = std::function<void(int fd, std::string bytes_read)>;

  OtherServer(std::size_t bytes, HandOver hand_over) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_, any, size) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    REQUIRE(::getsockname(listener_, any, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, bytes, hand_over = std::move(hand_over)] {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      std::string read;
      char next = 0;
      while (read.size() < bytes && ::recv(fd, &next, 1, 0) == 1) read.push_back(next);
      hand_over(fd, std::move(read));
    });
  }
  OtherServer(const OtherServer&) = delete;
  OtherServer& operator=(const OtherServer&) = delete;
  ~OtherServer() {
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::string handshake_text(const std::string& token) {
  return http_request_text("GET", "/ws?token=" + token,
                           {{"Upgrade", "websocket"},
                            {"Connection", "Upgrade"},
                            {"Sec-WebSocket-Key", WsClient::key},
                            {"Sec-WebSocket-Version", "13"}});
}

HttpRequest parsed_handshake(const std::string& token) {
  HttpRequest request;
  request.method = "GET";
  request.target = "/ws?token=" + token;
  request.headers = {{"Host", "localhost"},
                     {"Upgrade", "websocket"},
                     {"Connection", "Upgrade"},
                     {"Sec-WebSocket-Key", WsClient::key},
                     {"Sec-WebSocket-Version", "13"}};
  return request;
}

/// Answers a handshake, as another server does.
void answer_handshake(int fd) {
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      std::string(WsClient::accept) + "\r\n\r\n";
  static_cast<void>(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL));
}

/// Subscribes and gets a change, as on any other connection.
void check_served(WsClient& client, WholeServer& server) {
  REQUIRE(client.send_text(R"({"type":"subscribe","orderId":"o-1"})"));
  REQUIRE(client.send_text(R"({"type":"ping"})"));
  for (auto text = client.next_text(); text && *text != R"({"type":"pong"})";) {
    text = client.next_text();
  }
  CHECK(server.subscriptions() == 1);
  CHECK(server.publish(confirmed) == 1);
  CHECK(client.next_text() ==
        R"({"type":"order:updated","orderId":"o-1","data":{"id":"o-1","version":2}})");
}

}  // namespace

TEST_CASE("another server's connection is adopted, whatever was read of its handshake", "[adopt]") {
  net::ServerOptions options;
  options.threads = 2;
  WholeServer server(options);
  const auto whole = handshake_text("alice").size();
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, whole / 2, whole - 1, whole}) {
    CAPTURE(bytes);
    WsClient client;
    {
      OtherServer other(bytes,
                        [&](int fd, std::string read) { server.adopt(fd, std::move(read)); });
      REQUIRE(client.connect(host, other.port(), "/ws?token=alice"));
    }
    check_served(client, server);
    REQUIRE(client.send_close());
    REQUIRE(client.expect_close());
    while (server.connections() > 0) std::this_thread::yield();
  }
}

TEST_CASE("a handshake that was parsed elsewhere is checked and answered here", "[adopt]") {
  WholeServer server;
  const auto whole = handshake_text("alice").size();
  {
    WsClient client;
    OtherServer other(whole, [&](int fd, const std::string&) {
      server.adopt(fd, parsed_handshake("alice"), {});
    });
    REQUIRE(client.connect(host, other.port(), "/ws?token=alice"));
    check_served(client, server);
  }
  WsClient client;
  OtherServer other(whole, [&](int fd, const std::string&) {
    auto request = parsed_handshake("alice");
    request.headers.back().value = "12";
    server.adopt(fd, request, {});
  });
  CHECK_FALSE(client.connect(host, other.port(), "/ws?token=alice"));
  CHECK(client.handshake().status == 426);
}

TEST_CASE("frames that came behind a parsed handshake are not lost", "[adopt]") {
  WholeServer server;
  const auto request = handshake_text("alice");
  const auto ping = ws_frame_bytes(Opcode::text, true, true, R"({"type":"ping"})");
  RawSocket client;
  OtherServer other(request.size() + ping.size(), [&](int fd, const std::string& read) {
    server.adopt(fd, parsed_handshake("alice"), read.substr(request.size()));
  });
  REQUIRE(client.connect(host, other.port()));
  REQUIRE(client.send_bytes(request + ping));
  CHECK(read_http_reply(client, false).status == 101);
  const std::string pong = R"({"type":"pong"})";
  const auto frame = client.read_exact(2 + pong.size());
  REQUIRE(frame);
  CHECK(frame->substr(2) == pong);
}

TEST_CASE("a plain request that was parsed elsewhere is answered, with its body", "[adopt]") {
  WholeServer server({}, [](const HttpRequest& request, const HttpResponder& respond) {
    respond({200, {}, request.method + " " + request.body});
  });
  RawSocket client;
  OtherServer other(4, [&](int fd, const std::string&) {
    HttpRequest request;
    request.method = "POST";
    request.target = "/orders";
    request.headers = {{"Host", "localhost"}, {"Transfer-Encoding", "chunked"}};
    request.body = "a body";
    server.adopt(fd, request, {});
  });
  REQUIRE(client.connect(host, other.port()));
  REQUIRE(client.send_bytes("POST"));
  CHECK(read_http_reply(client, false).body == "POST a body");
}

TEST_CASE("a WebSocket whose handshake was answered elsewhere is adopted with its token",
          "[adopt]") {
  WholeServer server;
  const auto request = handshake_text("alice");
  const auto ping = ws_frame_bytes(Opcode::text, true, true, R"({"type":"ping"})");
  WsClient client;
  OtherServer other(request.size(), [&](int fd, const std::string&) {
    answer_handshake(fd);
    server.adopt_websocket(fd, parsed_handshake("alice"), ping);
  });
  REQUIRE(client.connect(host, other.port(), "/ws?token=alice"));
  CHECK(client.next_text() == R"({"type":"pong"})");
  check_served(client, server);
}

TEST_CASE("an adopted WebSocket is compressed if that was answered", "[adopt][deflate]") {
  WholeServer server;
  auto handshake = parsed_handshake("alice");
  handshake.headers.push_back({"Sec-WebSocket-Extensions", "permessage-deflate"});
  const auto order = R"({"id":"o-1","items":")" + std::string(1000, 'x') + R"("})";
  auto change = confirmed;
  change.json = order;
  for (const bool is_answered : {true, false}) {
    CAPTURE(is_answered);
    const auto terms = is_answered ? net::negotiate_deflate(handshake) : net::DeflateTerms{};
    const auto request = handshake_text("alice");
    WsClient client;
    {
      OtherServer other(request.size(), [&](int fd, const std::string&) {
        answer_handshake(fd);
        server.adopt_websocket(fd, handshake, {}, terms);
      });
      REQUIRE(client.connect(host, other.port(), "/ws?token=alice"));
    }
    REQUIRE(client.send_text(R"({"type":"subscribe","orderId":"o-1"})"));
    REQUIRE(client.send_text(R"({"type":"ping"})"));
    REQUIRE(client.next_text() == R"({"type":"pong"})");
    ++change.version;
    REQUIRE(server.publish(change) >= 1);
    const auto frame = client.next_frame();
    REQUIRE(frame);
    CHECK(frame->rsv == (is_answered ? 4 : 0));
    CHECK((frame->payload.size() < 200) == is_answered);
    REQUIRE(client.send_close());
    CHECK(client.expect_close());
  }
}

TEST_CASE("while draining an adopted WebSocket is told to come again", "[adopt]") {
  WholeServer server;
  WsClient bystander;  // The drain waits for this one.
  REQUIRE(bystander.connect(host, server.port(), "/ws?token=alice"));
  server.drain(10s);
  REQUIRE(bystander.expect_close());
  std::array<int, 2> pair{-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  server.adopt_websocket(pair[0], parsed_handshake("alice"), {});
  std::array<unsigned char, 16> answer{};
  const auto count = ::recv(pair[1], answer.data(), answer.size(), 0);
  // Close 1012, or the end of a server that has no connection left to wait for.
  CHECK(
      (count == 0 || (count == 4 && answer[0] == 0x88 && answer[2] == 0x03 && answer[3] == 0xF4)));
  ::close(pair[1]);
}

TEST_CASE("a socket pair is as good as a connection", "[adopt]") {
  WholeServer server({}, [](const HttpRequest& request, const HttpResponder& respond) {
    respond({200, {}, "[" + request.remote_address + "]"});
  });
  std::array<int, 2> pair{-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  server.adopt(pair[0], "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string answer;
  char next = 0;
  while (::recv(pair[1], &next, 1, 0) == 1) answer.push_back(next);
  CHECK(answer.substr(0, 15) == "HTTP/1.1 200 OK");
  CHECK(answer.substr(answer.size() - 2) == "[]");
  ::close(pair[1]);
}

TEST_CASE("what can't be adopted is refused, and its socket closed", "[adopt]") {
  WholeServer server;
  CHECK_THROWS_AS(server.adopt(-1, ""), std::system_error);

  std::array<int, 2> pair{-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  auto request = parsed_handshake("alice");
  request.headers.push_back({"X", "a\r\nY: b"});
  CHECK_THROWS_AS(server.adopt(pair[0], request, {}), std::invalid_argument);
  char next = 0;
  CHECK(::recv(pair[1], &next, 1, 0) == 0);
  ::close(pair[1]);
}

TEST_CASE("adopted connections count as others do, and find no room above the limits", "[adopt]") {
  net::ServerOptions options;
  options.accept.max_connections = 1;
  WholeServer server(options);
  const auto make_pair = [] {
    std::array<int, 2> pair{-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
    return pair;
  };
  const auto read_all = [](int fd) {
    std::string read;
    char next = 0;
    while (::recv(fd, &next, 1, 0) == 1) read.push_back(next);
    ::close(fd);
    return read;
  };
  const auto first = make_pair();
  CHECK(server.adopt_websocket(first[0], parsed_handshake("alice"), {}));
  while (server.connections() == 0) std::this_thread::yield();

  const auto request = make_pair();
  CHECK_FALSE(server.adopt(request[0], "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(read_all(request[1]).substr(0, 13) == "HTTP/1.1 503 ");
  const auto parsed = make_pair();
  CHECK_FALSE(server.adopt(parsed[0], parsed_handshake("alice"), {}));
  CHECK(read_all(parsed[1]).substr(0, 13) == "HTTP/1.1 503 ");
  const auto answered = make_pair();
  CHECK_FALSE(server.adopt_websocket(answered[0], parsed_handshake("alice"), {}));
  CHECK(read_all(answered[1]).substr(0, 4) == "\x88\x16\x0F\xA8");  // Close 4008.
  WsClient accepted;
  CHECK_FALSE(accepted.connect(host, server.port(), "/ws?token=alice"));

  ::close(first[1]);
  while (server.connections() > 0) std::this_thread::yield();
  for (bool taken = false; !taken;) {  // Its place is free a moment later.
    const auto next = make_pair();
    taken = server.adopt(next[0], "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(read_all(next[1]).substr(0, 13) == (taken ? "HTTP/1.1 404 " : "HTTP/1.1 503 "));
  }
}

TEST_CASE("a WebSocket is adopted whatever the bounds on requests are", "[adopt]") {
  net::ServerOptions options;
  options.transport.max_head_bytes = 16;
  WholeServer server(options);
  std::array<int, 2> pair{-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  const auto ping = ws_frame_bytes(Opcode::text, true, true, R"({"type":"ping"})");
  CHECK(server.adopt_websocket(pair[0], parsed_handshake("alice"), ping));
  std::string pong(17, '\0');
  CHECK(::recv(pair[1], pong.data(), pong.size(), MSG_WAITALL) == 17);
  CHECK(pong.substr(2) == R"({"type":"pong"})");
  ::close(pair[1]);
}
