// SPDX-License-Identifier: MIT
// The C++ client on a real socket. Any transport may be at the other end.
#include "recording_server.hpp"
#include <ordercast/websocketpp/client.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

/// A client whose handlers record that they were called, and then do what the test says.
class Client {
 public:
  explicit Client(std::uint16_t port) {
    ordercast::websocketpp::OrderSocketHandlers handlers;
    handlers.on_state = [this](client::State state, TimePoint) {
      heard(std::string(client::to_string(state)));
    };
    handlers.on_order = [this](const client::OrderUpdate&) { heard("order"); };
    handlers.on_changed = [this](const client::OrderHint&) { heard("changed"); };
    handlers.on_error = [this](const client::ServerError&) { heard("error"); };
    handlers.on_need_token = [this](client::NeedToken::Reason) { heard("token"); };
    handlers.on_poll = [this](client::Poll::Reason) { heard("poll"); };
    handlers.on_ignored = [this](client::Ignored::Reason) { heard("ignored"); };
    handlers.on_lost = [this](std::uint16_t, const std::string& why) {
      lost.push_back(why);
      heard("lost");
    };
    ordercast::websocketpp::OrderSocketOptions options;
    options.url = "ws://127.0.0.1:" + std::to_string(port) + "/ws";
    socket = std::make_unique<ordercast::websocketpp::OrderSocket>(io, options, handlers);
  }

  /// True when the loop runs out of work in time.
  bool run() {
    io.run_for(20s);
    return io.stopped();
  }

  ::asio::io_context io;
  std::unique_ptr<ordercast::websocketpp::OrderSocket> socket;
  std::function<void(const std::string&)> act;
  std::vector<std::string> events;
  std::vector<std::string> lost;

 private:
  void heard(const std::string& what) {
    events.push_back(what);
    if (act) act(what);
  }
};

/// Sends a connection one message of each kind.
void say_all(RecordingServer& server, Handle handle) {
  server.send(handle, R"({"type":"pong"})");
  server.send(handle, R"({"type":"order:updated","orderId":"o","data":{"id":"o","version":3}})");
  server.send(handle, R"({"type":"orders:changed","orderId":"o","status":"READY"})");
  server.send(handle, R"({"type":"error","code":"bad_message","message":"m"})");
  server.send(handle, "no JSON");
}

/// Sends the next connection one message of each kind and ends it with `code`.
void serve(RecordingServer& server, CloseCode code) {
  const auto handle = server.opened();
  say_all(server, handle);
  server.close(handle, code, "told\x1b[31m\x7f\xC2\x9B so");
}

}  // namespace

TEST_CASE("a client's object may go within any of its handlers", "[client]") {
  const auto last = GENERATE(as<std::string>{}, "connecting", "open", "poll", "order", "changed",
                             "error", "ignored", "lost", "token", "waiting");
  CAPTURE(last);
  RecordingServer server;
  Client client(server.port());
  client.act = [&](const std::string& what) {
    if (what == last) client.socket.reset();
  };
  client.socket->subscribe("o");
  std::thread peer(
      [&] { serve(server, last == "waiting" ? CloseCode::going_away : CloseCode::unauthorized); });
  client.socket->start("token");
  CHECK(client.run());
  if (client.socket) {  // What there is to see in a failure.
    CAPTURE(client.events);
    CHECK(client.socket == nullptr);
  }
  CHECK(client.events.back() == last);
  peer.join();
}

TEST_CASE("a client's object may go within a handler of a connect that fails", "[client]") {
  const auto last = GENERATE(as<std::string>{}, "connecting", "lost", "waiting");
  CAPTURE(last);
  Client client(1);
  client.act = [&](const std::string& what) {
    if (what == last) client.socket.reset();
  };
  client.socket->start("token");
  CHECK(client.run());
  CHECK(client.events.back() == last);
}

TEST_CASE("a client that is stopped while it connects leaves no socket open", "[client]") {
  RecordingServer server;
  Client client(server.port());
  client.socket->start("token");
  client.socket->stop();
  CHECK(client.run());
  // Whether the server saw a handshake is a matter of time; that nothing is left is not.
  while (const auto event = server.next(100ms)) static_cast<void>(event);
  CHECK(server.websockets() == 0);
}

TEST_CASE(
    "what a client's handler throws comes out of run, and what comes next is done all the same",
    "[client]") {
  RecordingServer server;
  Client client(server.port());
  client.act = [&](const std::string& what) {
    if (what == "waiting" || what == "token") {
      client.socket.reset();
    } else {
      throw std::runtime_error(what);
    }
  };
  client.socket->subscribe("o");
  std::thread peer([&] { serve(server, CloseCode::unauthorized); });
  client.socket->start("token");
  std::vector<std::string> thrown;
  while (!client.io.stopped() && thrown.size() < 20) {
    try {
      client.io.run_for(20s);
    } catch (const std::runtime_error& error) {
      thrown.emplace_back(error.what());
    }
  }
  peer.join();
  CHECK(thrown.size() + 1 == client.events.size());
  client.events.pop_back();
  CHECK(thrown == client.events);
}

TEST_CASE("a client hands on a close reason without its control characters", "[client]") {
  RecordingServer server;
  Client client(server.port());
  client.act = [&](const std::string& what) {
    if (what == "waiting") client.socket.reset();
  };
  std::thread peer([&] { serve(server, CloseCode::going_away); });
  client.socket->start("token");
  CHECK(client.run());
  peer.join();
  REQUIRE(client.lost.size() == 1);
  CHECK(client.lost.front() == "closed with 1001: told?[31m?? so");
}

TEST_CASE("a client's handlers may call the client in any way", "[client]") {
  using Socket = ordercast::websocketpp::OrderSocket;
  const std::vector<std::pair<std::string, std::function<void(Socket&)>>> acts{
      {"stop", [](Socket& socket) { socket.stop(); }},
      {"start", [](Socket& socket) { socket.start("again"); }},
      {"stop and start",
       [](Socket& socket) {
         socket.stop();
         socket.start("again");
       }},
      {"wake", [](Socket& socket) { socket.wake(); }},
      {"subscribe", [](Socket& socket) { socket.subscribe("another"); }},
      {"unsubscribe", [](Socket& socket) { socket.unsubscribe("o"); }},
      {"fetched", [](Socket& socket) { socket.fetched("o", 9, R"({"version":9})"); }},
      {"visible", [](Socket& socket) { socket.set_visible(true); }},
      {"token", [](Socket& socket) { socket.set_token("new"); }},
      {"token_failed", [](Socket& socket) { socket.token_failed(); }},
      {"token_refused", [](Socket& socket) { socket.token_refused(); }},
  };
  const auto at = GENERATE(as<std::string>{}, "connecting", "open", "poll", "order", "changed",
                           "error", "ignored", "lost", "token", "waiting");
  for (const auto& [name, act] : acts) {
    CAPTURE(at, name);
    RecordingServer server;
    Client client(server.port());
    bool acted = false;
    std::atomic<bool> finished{false};
    const bool ends_well = at == "waiting";
    client.act = [&, f = act](const std::string& what) {
      if (what == at && !std::exchange(acted, true)) return f(*client.socket);
      // No other event comes that the test would have to wait for.
      if (acted && (what == "waiting" || what == "token" || what == "stopped")) {
        ::asio::post(client.io, [&] { client.socket.reset(); });
      }
    };
    client.socket->subscribe("o");
    std::thread peer([&] {
      while (!finished) {
        const auto event = server.next(20ms);
        if (!event || event->kind != Event::Kind::open) continue;
        server.on_io_thread([&] { say_all(server, event->handle); });
        server.close(event->handle, ends_well ? CloseCode::going_away : CloseCode::unauthorized,
                     "");
      }
    });
    client.socket->start("token");
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!acted && std::chrono::steady_clock::now() < until) client.io.run_for(20ms);
    client.io.run_for(100ms);  // Something of what that causes.
    client.io.restart();
    client.socket.reset();
    CHECK(client.run());
    CHECK(acted);
    finished = true;
    peer.join();
    const auto gone = std::chrono::steady_clock::now() + 10s;
    while (server.websockets() > 0 && std::chrono::steady_clock::now() < gone) {
      std::this_thread::yield();
    }
    CHECK(server.websockets() == 0);
  }
}
