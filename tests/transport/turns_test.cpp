// SPDX-License-Identifier: MIT
// Clients that send much at once take turns with all others, over real sockets.
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <algorithm>
#include <cstddef>
#include <future>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;

namespace {

const std::string host = "127.0.0.1";

/// Keeps the I/O thread busy, so that all that is sent meanwhile is there when it looks.
class BusyThread {
 public:
  explicit BusyThread(RecordingServer& server) {
    server.post([over = over_.get_future().share(), this] {
      begun_.set_value();
      over.wait();
    });
    begun_.get_future().wait();
  }
  BusyThread(const BusyThread&) = delete;
  BusyThread& operator=(const BusyThread&) = delete;
  ~BusyThread() { release(); }
  void release() {
    if (!std::exchange(released_, true)) over_.set_value();
  }

 private:
  std::promise<void> begun_;
  std::promise<void> over_;
  bool released_ = false;
};

/// Clients that are going to send much.
std::vector<WsClient> connect_crowd(RecordingServer& server, std::size_t count) {
  std::vector<WsClient> crowd(count);
  for (auto& client : crowd) {
    REQUIRE(client.connect(host, server.port(), "/ws?token=greedy"));
    server.opened();
  }
  return crowd;
}

/// A crowd, and one client that is going to send little.
struct CrowdAndOne {
  explicit CrowdAndOne(std::size_t count) : greedy(connect_crowd(server, count)) {
    REQUIRE(modest.connect(host, server.port(), "/ws?token=modest"));
    server.opened();
  }

  RecordingServer server;
  std::vector<WsClient> greedy;
  WsClient modest;
};

/// So many messages as one piece of bytes.
std::string messages(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += ws_frame_bytes(Opcode::text, true, true, "many");
  return bytes;
}

/// How many events come before the message with this text.
std::size_t events_before(RecordingServer& server, const std::string& text) {
  std::size_t before = 0;
  for (auto event = server.next(); event && event->text != text; event = server.next()) ++before;
  return before;
}

}  // namespace

TEST_CASE("a client with many requests at once does not keep others waiting",
          "[http][keep_alive][asio]") {
  std::mutex mutex;
  std::vector<std::string> seen;
  RecordingServer::Setup setup;
  setup.http = [&](const HttpRequest& request, const HttpResponder& respond) {
    const std::lock_guard<std::mutex> lock(mutex);
    seen.push_back(request.target);
    respond({204, {}, {}});
  };
  RecordingServer server(std::move(setup));
  std::vector<RawSocket> greedy(20);
  for (auto& socket : greedy) REQUIRE(socket.connect(host, server.port()));
  RawSocket modest;
  REQUIRE(modest.connect(host, server.port()));
  server.on_io_thread([] {});

  std::string many;
  for (int i = 0; i < 300; ++i) many += http_request_text("GET", "/many");
  BusyThread busy(server);
  for (auto& socket : greedy) REQUIRE(socket.send_bytes(many));
  REQUIRE(modest.send_bytes(http_request_text("GET", "/one")));
  busy.release();
  CHECK(read_http_reply(modest).status == 204);
  const std::lock_guard<std::mutex> lock(mutex);
  const auto one = std::find(seen.begin(), seen.end(), "/one");
  REQUIRE(one != seen.end());
  CHECK(one - seen.begin() < 20 * 60);
}

TEST_CASE("a client with many messages at once does not keep others waiting", "[websocket]") {
  CrowdAndOne clients(20);
  auto& [server, greedy, modest] = clients;

  const auto many = messages(500);
  BusyThread busy(server);
  for (auto& client : greedy) REQUIRE(client.socket().send_bytes(many));
  REQUIRE(modest.send_text("one"));
  busy.release();
  CHECK(events_before(server, "one") < 20 * 250);
}

TEST_CASE("what another thread posts does not wait until all who sent much have had their turn",
          "[websocket]") {
  RecordingServer server;
  auto greedy = connect_crowd(server, 200);
  const auto many = messages(100);
  BusyThread busy(server);
  for (auto& client : greedy) REQUIRE(client.socket().send_bytes(many));
  std::size_t before = 0;
  std::promise<void> ran;
  server.post([&] {
    // Once more: behind whatever was ready when this was posted.
    server.post([&] {
      before = server.unread();
      ran.set_value();
    });
  });
  busy.release();
  ran.get_future().wait();
  CHECK(before < 100 * 100);
}

TEST_CASE("a client waits for a few messages of each in a crowd, and not for all", "[websocket]") {
  CrowdAndOne clients(200);
  auto& [server, greedy, modest] = clients;
  const auto many = messages(100);
  BusyThread busy(server);
  for (auto& client : greedy) REQUIRE(client.socket().send_bytes(many));
  REQUIRE(modest.send_text("one"));
  busy.release();
  CHECK(events_before(server, "one") < 200 * 30);
}

TEST_CASE("a client that keeps sending more than others waits behind them", "[turns][asio]") {
  RecordingServer server;
  std::vector<WsClient> greedy(200);
  for (auto& client : greedy) {
    REQUIRE(client.connect(host, server.port(), "/ws?token=greedy"));
    server.opened();
  }
  WsClient modest;
  REQUIRE(modest.connect(host, server.port(), "/ws?token=modest"));
  server.opened();
  std::string many;
  for (int i = 0; i < 1000; ++i) many += ws_frame_bytes(Opcode::text, true, true, "many");
  BusyThread busy(server);
  for (auto& client : greedy) REQUIRE(client.socket().send_bytes(many));
  busy.release();
  // By now the server knows them.
  for (int i = 0; i < 200 * 150; ++i) REQUIRE(server.next());

  std::size_t before = 0;
  {
    BusyThread again(server);
    REQUIRE(modest.send_text("one"));
    before = server.unread();
  }
  std::size_t heard = 0;
  for (auto event = server.next(); event && event->text != "one"; event = server.next()) ++heard;
  CHECK(heard > before);  // They still had messages to send.
  CHECK(heard - before < 2 * 4 * 30);
}
