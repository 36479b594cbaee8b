// SPDX-License-Identifier: MIT
// The memory of requests that are being read, over real sockets.
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;

namespace {

const std::string host = "127.0.0.1";
constexpr std::size_t body_bytes = 60'000;
constexpr std::size_t sent_bytes = 30'000;

/// Answers /later when it is told to, and all else with the number of bytes in the body.
struct Desk {
  std::mutex mutex;
  HttpResponder later;

  HttpHandler handler() {
    return [this](const HttpRequest& request, const HttpResponder& respond) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (request.target == "/later") {
        later = respond;
      } else {
        respond({200, {}, std::to_string(request.body.size())});
      }
    };
  }
};

RecordingServer::Setup bounded(Desk& desk, std::size_t most) {
  RecordingServer::Setup setup;
  setup.http = desk.handler();
  setup.accept.max_request_bytes = most;
  return setup;
}

std::string post() {
  return http_request_text("POST", "/post", {}, std::string(body_bytes, 'x'));
}

/// After so many requests the server has read everything that was sent before.
void settle(const RecordingServer& server) {
  for (int i = 0; i < 5; ++i) REQUIRE(http_request(host, server.port(), "GET", "/").status == 200);
}

void begin(const RecordingServer& server, RawSocket& socket) {
  REQUIRE(socket.send_bytes(post().substr(0, sent_bytes)));
  settle(server);
}

}  // namespace

TEST_CASE("above the bound of bytes the request that has been under way for longest is ended",
          "[http][limits]") {
  Desk desk;
  RecordingServer server(bounded(desk, 100'000));
  std::vector<RawSocket> sockets(4);
  for (auto& socket : sockets) {
    REQUIRE(socket.connect(host, server.port()));
    begin(server, socket);
  }
  CHECK(sockets[0].wait_for_end());
  sockets[1].reset();
  settle(server);
  for (std::size_t i = 2; i < sockets.size(); ++i) {
    REQUIRE(sockets[i].send_bytes(post().substr(sent_bytes)));
    CHECK(read_http_reply(sockets[i]).body == std::to_string(body_bytes));
  }
}

TEST_CASE("the bytes of requests that were read or left are free again", "[http][limits]") {
  Desk desk;
  RecordingServer server(bounded(desk, 100'000));
  for (int i = 0; i < 10; ++i) {
    RawSocket whole;
    REQUIRE(whole.connect(host, server.port()));
    REQUIRE(whole.send_bytes(post()));
    CHECK(read_http_reply(whole).status == 200);
    RawSocket left;
    REQUIRE(left.connect(host, server.port()));
    begin(server, left);
    left.reset();
  }
  RawSocket last;
  REQUIRE(last.connect(host, server.port()));
  begin(server, last);
  REQUIRE(last.send_bytes(post().substr(sent_bytes)));
  CHECK(read_http_reply(last).body == std::to_string(body_bytes));
}

TEST_CASE("requests behind others on their connection count as well", "[http][keep_alive][asio]") {
  Desk desk;
  RecordingServer server(bounded(desk, 100'000));
  std::vector<RawSocket> sockets(4);
  for (auto& socket : sockets) {
    REQUIRE(socket.connect(host, server.port()));
    // In one piece, so that the second is there before the first has been answered.
    REQUIRE(socket.send_bytes(http_request_text("GET", "/first") + post().substr(0, sent_bytes)));
    settle(server);
  }
  CHECK(read_http_reply(sockets[0]).status == 200);
  CHECK(sockets[0].wait_for_end());
  CHECK(read_http_reply(sockets[3]).status == 200);
  REQUIRE(sockets[3].send_bytes(post().substr(sent_bytes)));
  CHECK(read_http_reply(sockets[3]).body == std::to_string(body_bytes));
}

TEST_CASE("a body behind a request that waits for its answer is read when that has come",
          "[http][keep_alive][asio]") {
  Desk desk;
  RecordingServer server(bounded(desk, 0));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  REQUIRE(socket.send_bytes(http_request_text("GET", "/later") + post() + post()));
  settle(server);
  HttpResponder later;
  {
    const std::lock_guard<std::mutex> lock(desk.mutex);
    later = std::exchange(desk.later, nullptr);
  }
  REQUIRE(later);
  later({200, {}, "later"});
  later = nullptr;
  CHECK(read_http_reply(socket).body == "later");
  CHECK(read_http_reply(socket).body == std::to_string(body_bytes));
  CHECK(read_http_reply(socket).body == std::to_string(body_bytes));
}
