// SPDX-License-Identifier: MIT
// A server whose memory runs out at any moment: each allocation of each step fails in its turn. The
// process goes on, the connection concerned may end, and everything that was counted is given back.
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/allocations.hpp>
#include <support/ws_client.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";
constexpr auto patience = 2000ms;  // Of clients that may get no answer.

net::TransportOptions hasty() {
  net::TransportOptions options;
  options.handshake_timeout = 400ms;
  options.http_timeout = 400ms;
  options.write_timeout = 400ms;
  options.close_timeout = 300ms;
  options.linger_timeout = 50ms;
  options.keep_alive_timeout = 400ms;
  return options;
}

OrderEvent event(const std::string& id, std::uint64_t version, const std::string& json) {
  return {id, OwnerId("owner"), OrganizationId("org-1"), "CONFIRMED", version, json};
}

std::string order(std::uint64_t version, std::size_t bytes = 0) {
  return R"({"version":)" + std::to_string(version) + R"(,"text":")" + std::string(bytes, 'x') +
         R"("})";
}

/// A server, a connection beside, and the one that runs out of memory.
class Scarce {
 public:
  Scarce()
      : server(hasty(), [this](const HttpRequest& request, const HttpResponder& respond) {
          handle(request, respond);
        }) {
    beside.answer_pings(true);
    REQUIRE(beside.connect(host, server.port(), "/ws?token=bystander"));
    beside.send_text(R"({"type":"subscribe","orderId":"beside"})");
    beside.send_text(R"({"type":"ping"})");
    REQUIRE(beside.next_text() == R"({"type":"pong"})");
    REQUIRE(is_served());
    before = server.counts();
  }

  /// From now on the allocation behind `after` others fails on the server's thread, and `count` in
  /// all.
  void arm(std::size_t after, std::size_t count) {
    server.on_io_thread([&] { failing = std::make_unique<FailingAllocation>(after, count); });
  }
  /// Whether the failing allocation was reached.
  bool disarm() {
    bool fired = false;
    server.on_io_thread([&] {
      fired = failing->fired();
      failing.reset();
    });
    return fired;
  }

  /// Whether the connection beside gets answers and changes.
  bool is_served() {
    ++version;
    server.on_io_thread([&] { server.publish(event("beside", version, order(version))); });
    beside.send_text(R"({"type":"ping"})");
    bool pong = false;
    bool change = false;
    while (!pong || !change) {
      const auto text = beside.next_text(patience);
      if (!text) return false;
      pong = pong || *text == R"({"type":"pong"})";
      change = change || text->find("\"version\":" + std::to_string(version) + ",") != text->npos;
    }
    return true;
  }

  /// Whether everything that was counted of others comes back in time.
  bool is_clean() {
    const auto until = std::chrono::steady_clock::now() + 5s;
    do {
      now = server.counts();
      if (now.websockets == before.websockets && now.http_requests == before.http_requests &&
          now.sockets == before.sockets && now.connections == before.connections &&
          now.subscriptions == before.subscriptions && now.sessions == before.sessions) {
        return true;
      }
      std::this_thread::yield();
    } while (std::chrono::steady_clock::now() < until);
    return false;
  }

  ScarceServer::Counts before;
  ScarceServer::Counts now;
  std::uint64_t version = 0;
  std::unique_ptr<FailingAllocation> failing;  // Of the server's thread.
  std::vector<std::thread> answering;
  WsClient beside;
  ScarceServer server;

  ~Scarce() {
    for (auto& one : answering) one.join();
  }
  Scarce(const Scarce&) = delete;
  Scarce& operator=(const Scarce&) = delete;

 private:
  void handle(const HttpRequest& request, const HttpResponder& respond) {
    if (request.path() == "/big") return respond({200, {}, std::string(100'000, 'b')});
    if (request.path() == "/later") {
      answering.emplace_back([respond] { respond({200, {}, std::string(40'000, 'l')}); });
      return;
    }
    if (request.path() == "/never") return;
    respond({200, {}, "small " + request.body});
  }
};

/// What a client does before memory runs out, and after.
struct Step {
  std::string name;
  std::function<void(Scarce&, WsClient&)> before;
  std::function<void(Scarce&, WsClient&)> act;
};

void connect_ws(Scarce& scarce, WsClient& client) {
  REQUIRE(client.connect(host, scarce.server.port(), "/ws?token=alice", {}, patience, 4096));
}
void subscribe(WsClient& client, const std::string& id) {
  client.send_text(R"({"type":"subscribe","orderId":")" + id + R"(","since":0})");
}
void connect_and_watch(Scarce& scarce, WsClient& client) {
  connect_ws(scarce, client);
  subscribe(client, "o");
  client.send_text(R"({"type":"ping"})");
  while (client.next_text(patience) != R"({"type":"pong"})") {
  }
}
/// Reads until the pong or the end.
void settle(WsClient& client) {
  client.send_text(R"({"type":"ping"})");
  for (auto text = client.next_text(patience); text && *text != R"({"type":"pong"})";) {
    text = client.next_text(patience);
  }
}
void connect_raw(Scarce& scarce, WsClient& client) {
  REQUIRE(client.socket().connect(host, scarce.server.port()));
}
/// Runs a task on the server's thread as a shard does: what it throws is reported and forgotten.
void attempt(Scarce& scarce, const std::function<void()>& task) {
  scarce.server.on_io_thread([&] {
    try {
      task();
    } catch (const std::bad_alloc&) {
    }
  });
}
void publish(Scarce& scarce, const std::string& id, std::uint64_t version, std::size_t bytes) {
  const auto json = order(version, bytes);
  const auto change = event(id, version, json);
  attempt(scarce, [&] { scarce.server.publish(change); });
}
/// Sends requests and reads what comes.
void ask(WsClient& client, const std::string& bytes) {
  client.socket().send_bytes(bytes, patience);
  client.socket().shutdown_send();
  client.socket().read_to_end(patience);
}

std::vector<Step> steps() {
  const auto nothing = [](Scarce&, WsClient&) {};
  const auto get = [](const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  const auto asks = [&](const std::string& bytes) {
    return [bytes](Scarce&, WsClient& client) { ask(client, bytes); };
  };
  return {
      {"accept", nothing,
       [](Scarce& scarce, WsClient& client) {
         connect_raw(scarce, client);
         client.socket().shutdown_send();
         client.socket().read_to_end(patience);
       }},
      {"a connection that is reset", connect_raw,
       [](Scarce&, WsClient& client) { client.socket().reset(); }},
      {"requests and answers", connect_raw, asks(get("/a") + get("/b?c=d") + get("/none"))},
      {"a big answer", connect_raw, asks(get("/big") + get("/a"))},
      {"an answer from another thread", connect_raw, asks(get("/later") + get("/later"))},
      {"no answer", connect_raw, asks(get("/never"))},
      {"a body", connect_raw,
       asks("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" + get("/a"))},
      {"a body in chunks", connect_raw,
       asks("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")},
      {"a request that is refused", connect_raw, asks("GET / HTTP/1.1\r\n\r\n")},
      {"upgrade", nothing,
       [](Scarce& scarce, WsClient& client) {
         client.connect(host, scarce.server.port(), "/ws?token=alice",
                        {{"Sec-WebSocket-Protocol", "ordercast.v2"}}, patience);
         settle(client);
       }},
      {"an upgrade with a bad token", nothing,
       [](Scarce& scarce, WsClient& client) {
         client.connect(host, scarce.server.port(), "/ws?token=bad", {}, patience);
         client.expect_close(patience);
       }},
      {"an upgrade that is refused", nothing,
       [](Scarce& scarce, WsClient& client) {
         client.connect(host, scarce.server.port(), "/nowhere", {}, patience);
       }},
      {"messages in", connect_ws,
       [](Scarce&, WsClient& client) {
         subscribe(client, "o");
         subscribe(client, "big-1");
         client.send_frame(Opcode::text, false, true, R"({"type":)");
         client.send_frame(Opcode::ping, true, true, "between");
         client.send_frame(Opcode::continuation, true, true, R"("unsubscribe","orderId":"o"})");
         client.send_text("bad");
         settle(client);
       }},
      {"a frame out", connect_and_watch,
       [](Scarce& scarce, WsClient& client) {
         for (std::uint64_t version = 1; version <= 3; ++version) {
           publish(scarce, "o", version, 100);
         }
         settle(client);
       }},
      {"frames to one who reads slowly", connect_and_watch,
       [](Scarce& scarce, WsClient& client) {
         for (std::uint64_t version = 1; version <= 3; ++version) {
           publish(scarce, "o", version, 1'500'000);
         }
         settle(client);
       }},
      {"a close by the client", connect_and_watch,
       [](Scarce&, WsClient& client) {
         client.send_close(1000);
         client.expect_close(patience);
       }},
      {"a close by the server", connect_and_watch,
       [](Scarce& scarce, WsClient& client) {
         attempt(scarce, [&] { scarce.server.disconnect_user("alice", CloseCode::unauthorized); });
         client.expect_close(patience);
       }},
      {"a close for a fault", connect_and_watch,
       [](Scarce&, WsClient& client) {
         client.send_frame(Opcode::text, true, false, "not masked");
         client.expect_close(patience);
       }},
      {"a WebSocket that is reset", connect_and_watch,
       [](Scarce&, WsClient& client) { client.socket().reset(); }},
  };
}

}  // namespace

TEST_CASE("wherever memory runs out, one connection may end and nothing is kept of it",
          "[memory]") {
  const auto failures = GENERATE(std::size_t{1}, std::size_t{4}, std::size_t{1000});
  for (const auto& step : steps()) {
    std::optional<Scarce> scarce(std::in_place);
    bool fired = true;
    for (std::size_t after = 0; fired; ++after) {
      REQUIRE(after < 2000);
      CAPTURE(step.name, after, failures);
      WsClient client;
      step.before(*scarce, client);
      scarce->arm(after, failures);
      step.act(*scarce, client);
      fired = scarce->disarm();
      client.socket().close();
      REQUIRE(scarce->is_clean());
      REQUIRE(scarce->is_served());
    }
  }
}

TEST_CASE("a drain ends in time wherever memory runs out", "[memory]") {
  const auto failures = GENERATE(std::size_t{1}, std::size_t{4});
  bool fired = true;
  for (std::size_t after = 0; fired; ++after) {
    CAPTURE(after, failures);
    Scarce scarce;
    WsClient client;
    connect_and_watch(scarce, client);
    scarce.arm(after, failures);
    attempt(scarce, [&] { scarce.server.begin_drain(500ms); });
    client.expect_close(patience);
    fired = scarce.disarm();
    scarce.server.stop();  // Returns when the loop has run out of work.
  }
}
