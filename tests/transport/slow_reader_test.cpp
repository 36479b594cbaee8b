// SPDX-License-Identifier: MIT
// A whole server and clients that are slow, not stuck.
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <poll.h>
#include <support/ws_client.hpp>

#include <chrono>
#include <set>
#include <string>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";
constexpr int small_buffer = 4096;

/// True once the server has processed everything that this client has sent.
bool settled(WsClient& client) {
  client.send_text(R"({"type":"ping"})");
  return client.next_text() == R"({"type":"pong"})";
}

std::string update(const std::string& id, int version, std::size_t bytes = 0) {
  return R"({"id":")" + id + R"(","version":)" + std::to_string(version) + R"(,"text":")" +
         std::string(bytes, 'x') + R"("})";
}

/// Publishes versions 1 to `last` of an order, more than sockets hold.
void fill(WholeServer& server, const std::string& id, int last) {
  for (int version = 1; version <= last; ++version) {
    const auto json = update(id, version, 16'000);
    server.publish({id, OwnerId("nobody"), OrganizationId("org"), "READY",
                    static_cast<std::uint64_t>(version), json});
  }
}

/// Watches an order with a small buffer, and has more of it published than sockets hold.
void watch_and_fall_behind(WsClient& client, WholeServer& server) {
  REQUIRE(
      client.connect(host, server.port(), "/ws?token=alice", {}, default_timeout, small_buffer));
  client.send_text(R"({"type":"subscribe","orderId":"o"})");
  REQUIRE(settled(client));
  fill(server, "o", 600);
}

}  // namespace

TEST_CASE("a slow client that gives up all but one of its orders gets that one's newest version",
          "[slow]") {
  WholeServer server;
  WsClient client;
  REQUIRE(
      client.connect(host, server.port(), "/ws?token=alice", {}, default_timeout, small_buffer));
  const auto id = [](int i) { return "o-" + std::to_string(i); };
  for (int i = 0; i < 35; ++i)
    client.send_text(R"({"type":"subscribe","orderId":")" + id(i) + "\"}");
  REQUIRE(settled(client));
  fill(server, id(0), 600);
  for (int i = 1; i < 35; ++i) {
    const auto json = update(id(i), 1);
    server.publish({id(i), OwnerId("nobody"), OrganizationId("org"), "READY", 1, json});
  }
  // From the end, so that one key after the other leaves the index of what waits.
  for (int i = 34; i > 0; --i) {
    client.send_text(R"({"type":"unsubscribe","orderId":")" + id(i) + "\"}");
  }
  // The order's newest version may be sent only when there is room; a pong need not wait for it.
  client.send_text(R"({"type":"ping"})");
  bool is_answered = false;
  std::string newest;
  while (!is_answered || newest.find(R"("version":600)") == std::string::npos) {
    const auto text = client.next_text();
    REQUIRE(text);
    if (*text == R"({"type":"pong"})") is_answered = true;
    if (text->find(R"("orderId":"o-0")") != std::string::npos) newest = *text;
  }
  CHECK(server.subscriptions() == 1);
  REQUIRE(settled(client));
}

TEST_CASE("a ping behind data that a slow client has not read yet is not timed", "[slow]") {
  net::ServerOptions options;
  options.limits.pong_timeout = 200ms;
  WholeServer server(options);
  WsClient client;
  watch_and_fall_behind(client, server);
  server.ping_user("alice");
  // Four times the pong's time, in which nothing must happen to the connection.
  pollfd hung{client.socket().fd(), POLLRDHUP, 0};
  CHECK(::poll(&hung, 1, 800) == 0);
  client.send_text(R"({"type":"ping"})");
  std::string last;
  for (auto text = client.next_text(); text && *text != R"({"type":"pong"})";
       text = client.next_text()) {
    last = *text;
  }
  CHECK(last.find(R"("version":600)") != std::string::npos);
  CHECK(settled(client));
}

TEST_CASE("a slow client that asks for more snapshots than may wait gets all of them", "[slow]") {
  WholeServer server;
  WsClient client;
  REQUIRE(
      client.connect(host, server.port(), "/ws?token=alice", {}, default_timeout, small_buffer));
  REQUIRE(settled(client));
  client.send_text(R"({"type":"subscribe","orderId":"o"})");
  REQUIRE(settled(client));
  fill(server, "o", 600);  // So that the sockets hold no more.
  for (int i = 0; i < 100; ++i) {
    if (i == 50) client.send_text(R"({"type":"unsubscribe","orderId":"o"})");
    client.send_text(R"({"type":"subscribe","orderId":"big-)" + std::to_string(i) +
                     R"(","since":0})");
  }
  std::set<std::string> seen;
  while (seen.size() < 100) {
    const auto text = client.next_text();
    if (!text) break;
    const auto at = text->find(R"("orderId":"big-)");
    if (at == std::string::npos || text->find("order:updated") == std::string::npos) continue;
    seen.insert(text->substr(at, text->find('"', at + 11) - at));
  }
  CHECK(seen.size() == 100);
  CHECK(settled(client));
}

TEST_CASE("a client with a small buffer that reads steadily is never taken for one that is stuck",
          "[slow]") {
  net::ServerOptions options;
  options.limits.ping_interval = 500ms;
  options.limits.pong_timeout = 300ms;
  options.limits.write_stall_timeout = 1500ms;
  const bool holds_megabytes = GENERATE(true, false);  // the kernel
  if (holds_megabytes) options.accept.max_kernel_unsent_bytes = 0;
  WholeServer server(options);
  WsClient client;
  watch_and_fall_behind(client, server);
  // 100 kB a second, for three times the stall's time. Where the kernel holds megabytes of it, it
  // takes nothing more from the server until a third of them is gone; where it does not, the client
  // catches up on the way, with the ping right behind the last update.
  pollfd hung{client.socket().fd(), POLLRDHUP, 0};
  std::string last;
  const auto has_all = [&] { return last.find(R"("version":600)") != std::string::npos; };
  for (int read = 0; read < 28 && !has_all(); ++read) {
    const auto text = client.next_text();
    REQUIRE(text);
    last = *text;
    REQUIRE(::poll(&hung, 1, 160) == 0);
  }
  CHECK(has_all() != holds_megabytes);
  client.send_text(R"({"type":"ping"})");
  for (auto text = client.next_text(); text && *text != R"({"type":"pong"})";
       text = client.next_text()) {
    last = *text;
  }
  CHECK(has_all());
  CHECK(settled(client));
}
