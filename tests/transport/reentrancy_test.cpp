// SPDX-License-Identifier: MIT
// What a sink may do within its callbacks: send, close, terminate, throw, stop the transport.
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

using Kind = Event::Kind;
const std::string host = "127.0.0.1";

/// A server whose hook is set after the server was made, so that the hook can call it.
struct Hooked {
  Hooked() : server(setup()) {}
  RecordingServer::Setup setup() {
    RecordingServer::Setup made;
    made.hook = [this](const Event& event) {
      if (hook) hook(event);
    };
    return made;
  }
  std::function<void(const Event&)> hook;  // Set on the I/O thread.
  RecordingServer server;
};

/// Makes the server report this event of an open connection.
void cause(Kind kind, RecordingServer& server, WsClient& client, Handle handle) {
  switch (kind) {
    case Kind::pong:
      client.send_frame(Opcode::pong, true, true, "");
      break;
    case Kind::message:
      client.send_text("message");
      break;
    case Kind::writable:
      server.on_io_thread(
          [&] { server.send_until_backpressure(handle, std::string(16'384, 'x')); });
      while (client.next_text(300ms)) {
      }
      break;
    case Kind::open:
    case Kind::close:
      client.socket().reset();
      break;
  }
}

}  // namespace

TEST_CASE(
    "a transport may be stopped within any event, and each connection is reported closed once",
    "[reentrancy]") {
  const auto at = GENERATE(Kind::open, Kind::message, Kind::pong, Kind::writable, Kind::close);
  CAPTURE(static_cast<int>(at));
  Hooked hooked;
  auto& server = hooked.server;
  std::map<Handle, int> open;  // On the I/O thread.
  bool stopped = false;
  std::vector<WsClient> others(3);
  for (auto& other : others) {
    REQUIRE(other.connect(host, server.port(), "/ws"));
    const auto handle = server.opened();
    server.on_io_thread([&] { open[handle] = 1; });
  }
  server.on_io_thread([&] {
    hooked.hook = [&](const Event& event) {
      if (event.kind == Kind::open) ++open[event.handle];
      if (event.kind == Kind::close) --open[event.handle];
      if (event.kind == at && !std::exchange(stopped, true)) server.end_all();
    };
  });
  WsClient client;
  const bool connected = client.connect(host, server.port(), "/ws");
  if (connected && at != Kind::open) cause(at, server, client, server.opened());
  for (auto& other : others) CHECK(other.socket().wait_for_end());
  server.stop();  // Returns when the loop has run out of work.
  CHECK(stopped);
  CHECK(open.size() == 4);
  for (const auto& [handle, count] : open) CHECK(count == 0);
  CHECK(server.websockets() == 0);
}

TEST_CASE(
    "a connection that is closed within another's close is reported once, and other connections "
    "get their messages",
    "[reentrancy]") {
  Hooked hooked;
  auto& server = hooked.server;
  WsClient first;
  WsClient sent_to;
  WsClient ended;
  REQUIRE(first.connect(host, server.port(), "/ws"));
  const auto a = server.opened();
  REQUIRE(sent_to.connect(host, server.port(), "/ws"));
  const auto b = server.opened();
  REQUIRE(ended.connect(host, server.port(), "/ws"));
  const auto c = server.opened();
  server.on_io_thread([&] {
    hooked.hook = [&](const Event& event) {
      if (event.kind != Kind::close || event.handle != a) return;
      CHECK(server.send(a, "gone") == SendResult::closed);
      server.terminate(a);
      server.close(a, CloseCode::going_away, "");
      server.ping(a);
      CHECK(server.send(b, "bye") == SendResult::accepted);
      server.send(c, "lost");
      server.terminate(c);
    };
  });
  first.socket().reset();
  CHECK(sent_to.next_text() == "bye");
  CHECK(ended.socket().wait_for_end());
  CHECK(server.expect(Kind::close, a));
  CHECK(server.expect(Kind::close, c));
  sent_to.send_text("still here");
  CHECK(server.expect(Kind::message, b));
}

TEST_CASE("what was sent to a connection that then ended never reaches the next one",
          "[reentrancy]") {
  Hooked hooked;
  auto& server = hooked.server;
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  int pair[2] = {-1, -1};  // NOLINT(modernize-avoid-c-arrays)
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
  std::size_t accepted = 0;
  server.on_io_thread([&] {
    hooked.hook = [&](const Event& event) {
      if (event.kind == Kind::message) {
        accepted = server.send_until_backpressure(handle, std::string(1024, 'x'));
      } else if (event.kind == Kind::writable) {
        server.post([&] { server.adopt(pair[0]); });  // Before what the next line puts in the loop.
        server.send(handle, "secret");
        server.terminate(handle);
      }
    };
  });
  client.send_text("go");
  REQUIRE(server.expect(Kind::message, handle));
  server.on_io_thread([] {});  // The hook is done.
  for (std::size_t i = 0; i < accepted; ++i) REQUIRE(client.next_text());
  REQUIRE(server.expect(Kind::writable, handle));
  REQUIRE(server.expect(Kind::close, handle));
  server.on_io_thread([] {});
  char byte = 0;
  CHECK(::recv(pair[1], &byte, 1, MSG_DONTWAIT) == -1);
  CHECK(errno == EAGAIN);
  ::close(pair[1]);
}

TEST_CASE("what a sink throws ends its connection alone, whatever it was told", "[reentrancy]") {
  const auto at = GENERATE(Kind::open, Kind::message, Kind::pong, Kind::writable, Kind::close);
  CAPTURE(static_cast<int>(at));
  Hooked hooked;
  auto& server = hooked.server;
  WsClient other;
  REQUIRE(other.connect(host, server.port(), "/ws"));
  const auto bystander = server.opened();
  server.on_io_thread([&] {
    hooked.hook = [&](const Event& event) {
      if (event.kind == at && event.handle != bystander) throw std::runtime_error("from the sink");
    };
  });
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  REQUIRE(handle != 0);
  cause(at, server, client, handle);
  int closes = 0;
  while (closes == 0) {
    const auto event = server.next();
    REQUIRE(event);
    if (event->kind == Kind::close) ++closes;
  }
  server.on_io_thread([] {});  // The event is written down before the hook throws.
  CHECK(server.errors() == 1);
  other.send_text("still here");
  CHECK(server.expect(Kind::message, bystander));
}

namespace {

/// Every callback of a transport.
enum class Callback { open, message, control, pong, writable, close, request, handshake };

/// What an application may do there. `self` is 0 where the callback has no WebSocket.
struct Action {
  std::string name;
  std::function<void(RecordingServer&, Handle self, Handle other)> act;
};

std::vector<Action> actions() {
  using Server = RecordingServer;
  return {
      {"close itself", [](Server& s, Handle self,
                          Handle) { s.close(self, CloseCode::going_away, "by the callback"); }},
      {"terminate itself", [](Server& s, Handle self, Handle) { s.terminate(self); }},
      {"close, then terminate itself",
       [](Server& s, Handle self, Handle) {
         s.close(self, CloseCode::going_away, "");
         s.terminate(self);
         s.close(self, CloseCode::going_away, "");
       }},
      {"send much",
       [](Server& s, Handle self, Handle other) {
         s.send_until_backpressure(self, std::string(16'384, 'x'));
         s.send(other, "from the callback");
         s.ping(self);
         s.ping(other);
       }},
      {"terminate another", [](Server& s, Handle, Handle other) { s.terminate(other); }},
      {"throw", [](Server&, Handle, Handle) { throw std::runtime_error("from the callback"); }},
      {"terminate itself and throw",
       [](Server& s, Handle self, Handle) {
         s.terminate(self);
         throw std::runtime_error("from the callback");
       }},
      {"begin to drain", [](Server& s, Handle, Handle) { s.begin_drain(); }},
      {"stop", [](Server& s, Handle, Handle) { s.end_all(); }},
      {"stop and throw",
       [](Server& s, Handle, Handle) {
         s.end_all();
         throw std::runtime_error("from the callback");
       }},
  };
}

/// A server whose callbacks act once, when they are told to.
struct Acting {
  Acting() : server(setup()) {}
  RecordingServer::Setup setup() {
    RecordingServer::Setup made;
    made.hook = [this](const Event& event) {
      constexpr Callback kinds[] = {Callback::open, Callback::message, Callback::pong,
                                    Callback::writable, Callback::close};
      if (event.kind == Kind::open) ++balance[event.handle];
      if (event.kind == Kind::close) --balance[event.handle];
      if (event.handle != other) at(kinds[static_cast<std::size_t>(event.kind)], event.handle);
    };
    made.control_hook = [this](Handle handle) {
      if (handle != other) at(Callback::control, handle);
    };
    made.http = [this](const HttpRequest&, const HttpResponder& respond) {
      if (answers_first) respond({200, {}, "first"});
      at(Callback::request, 0);
      respond({200, {}, "second"});
    };
    made.filter = [this](const HttpRequest& request) -> std::optional<HttpResponse> {
      at(Callback::handshake, 0);
      if (request.path() == "/refused") return HttpResponse{403, {}, ""};
      return std::nullopt;
    };
    return made;
  }
  void at(Callback callback, Handle handle) {
    if (callback != when || acted.exchange(true)) return;
    act(server, handle, other);
  }

  Callback when = Callback::open;
  bool answers_first = false;
  std::function<void(RecordingServer&, Handle, Handle)> act;
  Handle other = 0;
  std::atomic<bool> acted{true};
  std::map<Handle, int> balance;  // On the I/O thread.
  RecordingServer server;
};

}  // namespace

TEST_CASE("whatever a callback does, each connection is reported once and others go on",
          "[reentrancy]") {
  const auto when =
      GENERATE(Callback::open, Callback::message, Callback::control, Callback::pong,
               Callback::writable, Callback::close, Callback::request, Callback::handshake);
  const auto variant = GENERATE(false, true);  // The answer first; a handshake that is refused.
  if (variant && when != Callback::request && when != Callback::handshake) return;
  for (const auto& action : actions()) {
    CAPTURE(static_cast<int>(when), variant, action.name);
    Acting acting;
    auto& server = acting.server;
    WsClient other;
    REQUIRE(other.connect(host, server.port(), "/ws"));
    const auto bystander = server.opened();
    server.on_io_thread([&] {
      acting.other = bystander;
      acting.when = when;
      acting.answers_first = variant;
      acting.act = action.act;
      acting.acted = false;
    });
    WsClient client;
    if (when == Callback::request) {
      REQUIRE(client.socket().connect(host, server.port()));
      const auto request = http_request_text("GET", "/", {});
      REQUIRE(client.socket().send_bytes(request + request));
    } else {
      client.connect(host, server.port(), variant ? "/refused" : "/ws", {}, 2000ms);
      if (when != Callback::open && when != Callback::handshake) {
        const std::map<Callback, Kind> kinds{{Callback::message, Kind::message},
                                             {Callback::control, Kind::pong},
                                             {Callback::pong, Kind::pong},
                                             {Callback::writable, Kind::writable},
                                             {Callback::close, Kind::close}};
        cause(kinds.at(when), server, client, server.opened());
      }
    }
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!acting.acted && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    REQUIRE(acting.acted);
    const bool stops = action.name.find("stop") == 0;
    client.socket().close();
    if (!stops && action.name != "terminate another") {
      other.send_text("still here");
      for (auto event = server.next(); event && event->text != "still here";) event = server.next();
    }
    other.socket().close();
    server.stop();
    CHECK(server.websockets() == 0);
    CHECK(server.http_requests() == 0);
    CHECK(server.open_sockets() == 0);
    for (const auto& [handle, count] : acting.balance) CHECK(count == 0);
  }
}
