// SPDX-License-Identifier: MIT
#include "confirmed_order.hpp"
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";

const std::string updated =
    R"({"type":"order:updated","orderId":"o-1","data":{"id":"o-1","version":2}})";
const std::string changed = R"({"type":"orders:changed","orderId":"o-1","status":"CONFIRMED"})";

net::ServerOptions threads(unsigned count) {
  net::ServerOptions options;
  options.threads = count;
  options.limits.max_connections_per_user = 3;
  return options;
}

/// True once the server has processed everything that this client has sent.
bool settled(WsClient& client) {
  client.send_text(R"({"type":"ping"})");
  return client.next_text() == R"({"type":"pong"})";
}

/// Two users of one server.
struct AliceAndBob {
  AliceAndBob() {
    REQUIRE(alice.connect(host, server.port(), "/ws?token=alice"));
    REQUIRE(bob.connect(host, server.port(), "/ws?token=bob"));
    REQUIRE(settled(alice));
    REQUIRE(settled(bob));
  }

  WholeServer server{threads(2)};
  WsClient alice;
  WsClient bob;
};

}  // namespace

TEST_CASE("a change reaches everyone on every shard exactly once", "[server]") {
  WholeServer server(threads(3));
  std::vector<WsClient> watchers(9);
  for (std::size_t i = 0; i < watchers.size(); ++i) {
    REQUIRE(watchers[i].connect(host, server.port(), "/ws?token=bob" + std::to_string(i)));
    watchers[i].send_text(R"({"type":"subscribe","orderId":"o-1"})");
    REQUIRE(settled(watchers[i]));
  }
  WsClient owner;
  REQUIRE(owner.connect(host, server.port(), "/ws?token=alice"));
  REQUIRE(settled(owner));

  CHECK(server.publish(confirmed) == 10);
  for (auto& watcher : watchers) {
    CHECK(watcher.next_text() == updated);
    CHECK(settled(watcher));
  }
  CHECK(owner.next_text() == changed);
  CHECK(server.connections() == 10);
  CHECK(server.subscriptions() == 9);
}

TEST_CASE("a change can be published without hints, or with them alone", "[server]") {
  AliceAndBob clients;
  auto& [server, owner, watcher] = clients;
  watcher.send_text(R"({"type":"subscribe","orderId":"o-1"})");
  REQUIRE(settled(watcher));

  CHECK(server.publish(confirmed, ChangeMessages::updates) == 1);
  CHECK(watcher.next_text() == updated);
  CHECK(settled(owner));  // Nothing came before the pong.

  CHECK(server.publish(confirmed, ChangeMessages::hints) == 1);
  CHECK(owner.next_text() == changed);
  CHECK(settled(watcher));
}

TEST_CASE("a missing or bad token completes the handshake and closes 4001", "[server]") {
  WholeServer server;
  for (const auto* target : {"/ws", "/ws?token=bad"}) {
    WsClient client;
    REQUIRE(client.connect(host, server.port(), target));
    const auto info = client.expect_close();
    REQUIRE(info);
    CHECK(info->code == 4001);
  }
  CHECK(server.connections() == 0);
}

TEST_CASE("a user's limit of connections holds across shards", "[server]") {
  WholeServer server(threads(2));
  std::vector<WsClient> tabs(3);
  for (auto& tab : tabs) {
    REQUIRE(tab.connect(host, server.port(), "/ws?token=alice"));
    REQUIRE(settled(tab));
  }
  WsClient fourth;
  REQUIRE(fourth.connect(host, server.port(), "/ws?token=alice"));
  CHECK(fourth.expect_close()->code == 4008);
}

TEST_CASE("disconnect_user closes that user's connections and no other", "[server]") {
  AliceAndBob clients;
  auto& [server, alice, bob] = clients;
  server.disconnect_user("alice", CloseCode::unauthorized, "logged out");
  const auto info = alice.expect_close();
  REQUIRE(info);
  CHECK(info->code == 4001);
  CHECK(info->reason == "logged out");
  CHECK(settled(bob));
}

TEST_CASE("a drain closes every WebSocket with 1012 and ends the run", "[server]") {
  WholeServer server(threads(2));
  std::vector<WsClient> clients(6);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    REQUIRE(clients[i].connect(host, server.port(), "/ws?token=u" + std::to_string(i)));
    REQUIRE(settled(clients[i]));
  }
  server.publish({"o-2", OwnerId("u1"), OrganizationId(), "READY", 3, "{}"});
  server.drain(5s);
  CHECK(clients[1].next_text());
  for (auto& client : clients) {
    const auto info = client.expect_close();
    REQUIRE(info);
    CHECK(info->code == 1012);
    CHECK(info->reason.rfind("retry-after-ms=", 0) == 0);
    client.socket().close();
  }
  const auto before = std::chrono::steady_clock::now();
  server.join();
  CHECK(std::chrono::steady_clock::now() - before < 4s);
  CHECK(server.connections() == 0);
}

TEST_CASE("while draining HTTP is answered and handshakes are not", "[server]") {
  HttpResponder held;
  std::atomic<bool> holding{false};
  WholeServer server(threads(2), [&](const HttpRequest& request, HttpResponder respond) {
    if (request.target == "/held") {
      held = std::move(respond);
      holding = true;
    } else {
      respond({200, {}, "ok"});
    }
  });
  RawSocket in_flight;
  REQUIRE(in_flight.connect(host, server.port()));
  in_flight.send_bytes(http_request_text("GET", "/held"));
  while (!holding) std::this_thread::yield();

  server.drain(10s);
  WsClient late;
  // The drain reaches the shards one by one; a handshake just before it is closed with 1012.
  while (late.connect(host, server.port(), "/ws?token=u")) CHECK(late.expect_close()->code == 1012);
  CHECK(late.handshake().status == 503);
  CHECK(late.handshake().header("Retry-After") == "1");
  CHECK(http_request(host, server.port(), "GET", "/healthz").body == "ok");

  held({200, {}, "finished"});
  CHECK(read_http_reply(in_flight).body == "finished");
  in_flight.close();
  late.socket().close();
  server.join();
}

TEST_CASE("a drain ends with its window, even with connections open", "[server]") {
  WholeServer server;
  WsClient deaf;
  REQUIRE(deaf.connect(host, server.port(), "/ws?token=u"));
  REQUIRE(settled(deaf));
  server.drain(200ms);
  server.join();
  CHECK(deaf.next_frame()->opcode == Opcode::close);
  CHECK(deaf.socket().wait_for_end());
}

TEST_CASE("the longest durations never end", "[server]") {
  constexpr auto longest = (std::chrono::milliseconds::max)();
  net::ServerOptions options;
  options.transport.handshake_timeout = longest;
  options.transport.http_timeout = longest;
  options.transport.write_timeout = longest;
  options.transport.close_timeout = longest;
  options.transport.linger_timeout = longest;
  options.transport.keep_alive_timeout = longest;
  options.limits.ping_interval = longest;
  options.limits.pong_timeout = longest;
  options.limits.write_stall_timeout = longest;
  WholeServer server(options, [](const HttpRequest&, const HttpResponder& respond) {
    respond({200, {}, "ok"});
  });
  WsClient first;
  REQUIRE(first.connect(host, server.port(), "/ws?token=alice"));
  REQUIRE(settled(first));
  REQUIRE(first.send_close(1000));
  CHECK(first.expect_close()->code == 1000);
  first.socket().close();
  CHECK(http_request(host, server.port(), "GET", "/").body == "ok");

  WsClient last;
  REQUIRE(last.connect(host, server.port(), "/ws?token=alice"));
  REQUIRE(settled(last));
  server.drain(longest);
  CHECK(last.expect_close()->code == 1012);
  last.socket().close();
  server.join();
}

TEST_CASE("stop ends a server with connections open", "[server]") {
  WholeServer server(threads(2));
  std::vector<WsClient> clients(10);
  for (auto& client : clients) {
    REQUIRE(
        client.connect(host, server.port(), "/ws?token=" + std::to_string(&client - &clients[0])));
  }
  server.stop();
  server.join();
  for (auto& client : clients) CHECK(client.socket().wait_for_end());
}

TEST_CASE("calls after the end of a server do nothing", "[server]") {
  WholeServer server;
  server.stop();
  server.join();
  server.disconnect_user("alice", CloseCode::normal, {});
  server.drain(1s);
  server.stop();
  CHECK(server.connections() == 0);
}

TEST_CASE("what runs when a change is published may do anything to the server", "[server]") {
  const auto shards = GENERATE(1U, 3U);
  const std::vector<std::pair<std::string, std::function<void(WholeServer&)>>> acts{
      {"throw", [](WholeServer&) { throw std::runtime_error("from done"); }},
      {"publish again",
       [](WholeServer& server) {
         server.publish(confirmed, [&server] { server.publish(confirmed, [] {}); });
       }},
      {"disconnect",
       [](WholeServer& server) {
         server.disconnect_user("alice", CloseCode::unauthorized, "by done");
       }},
      {"drain", [](WholeServer& server) { server.drain(0ms); }},
      {"stop", [](WholeServer& server) { server.stop(); }},
      {"stop and throw",
       [](WholeServer& server) {
         server.stop();
         throw std::runtime_error("from done");
       }},
  };
  for (const auto& [name, act] : acts) {
    CAPTURE(shards, name);
    std::promise<void> acted;
    WholeServer server(threads(shards));
    WsClient alice;
    WsClient bob;
    REQUIRE(alice.connect(host, server.port(), "/ws?token=alice"));
    REQUIRE(bob.connect(host, server.port(), "/ws?token=bob"));
    REQUIRE(settled(alice));
    REQUIRE(settled(bob));
    server.publish(confirmed, [&, f = act] {
      acted.set_value();
      f(server);
    });
    REQUIRE(acted.get_future().wait_for(10s) == std::future_status::ready);
    if (name == "drain" || name.substr(0, 4) == "stop") {
      server.join();
    } else {
      CHECK(settled(bob));
      if (name == "disconnect") {  // On her own shard, maybe after bob's has answered.
        while (alice.next_text()) continue;
      }
      CHECK(server.publish(confirmed) == (name == "disconnect" ? 0U : 1U));
    }
  }
}
