// SPDX-License-Identifier: MIT
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";

/// Answers with the target, at once, but keeps the responders of /later...
class Desk {
 public:
  HttpHandler handler() {
    return [this](const HttpRequest& request, const HttpResponder& respond) {
      const std::lock_guard<std::mutex> lock(mutex_);
      seen_.push_back(request.target);
      arrived_.notify_one();
      if (request.target.rfind("/later", 0) == 0) {
        waiting_.emplace_back(request.target, respond);
      } else {
        respond({200, {}, request.target});
      }
    };
  }
  /// Waits until so many requests have reached the handler.
  std::vector<std::string> seen(std::size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    arrived_.wait_for(lock, 30s, [&] { return seen_.size() >= count; });
    return seen_;
  }
  void answer(const std::string& target) {
    HttpResponder respond;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      for (auto& [waiting, responder] : waiting_) {
        if (waiting == target) std::swap(respond, responder);
      }
    }
    REQUIRE(respond);
    respond({200, {}, target});
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::string> seen_;
  std::vector<std::pair<std::string, HttpResponder>> waiting_;
};

RecordingServer::Setup with(Desk& desk) {
  RecordingServer::Setup setup;
  setup.http = desk.handler();
  return setup;
}

/// A handler behind a server, and one connected client.
struct Line {
  static RecordingServer::Setup changed(
      RecordingServer::Setup setup, const std::function<void(RecordingServer::Setup&)>& change) {
    change(setup);
    return setup;
  }

  Desk desk;
  RecordingServer server;
  RawSocket socket;

  explicit Line(const std::function<void(RecordingServer::Setup&)>& change = [](auto&) {})
      : server(changed(with(desk), change)) {
    REQUIRE(socket.connect(host, server.port()));
  }
};

std::string get(const std::string& target, const Headers& headers = {}) {
  return http_request_text("GET", target, headers);
}

}  // namespace

TEST_CASE("a connection serves one request after the other", "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  for (const auto* target : {"/a", "/b", "/c"}) {
    REQUIRE(socket.send_bytes(get(target)));
    const auto reply = read_http_reply(socket);
    CHECK(reply.body == target);
    CHECK(reply.header("Connection").empty());
  }
  while (server.http_requests() > 0) {
  }
  CHECK(server.open_sockets() == 1);
}

TEST_CASE("pipelined requests are answered in their order", "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  std::string all;
  for (int i = 0; i < 500; ++i) all += http_request_text("PATCH", "/" + std::to_string(i), {}, "x");
  REQUIRE(socket.send_bytes(all));
  for (int i = 0; i < 500; ++i) REQUIRE(read_http_reply(socket).body == "/" + std::to_string(i));
}

TEST_CASE("safe requests run side by side and are answered in order all the same",
          "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/later1") + get("/later2") + get("/now"));
  CHECK(desk.seen(3).size() == 3);
  desk.answer("/later2");
  desk.answer("/later1");
  for (const auto* target : {"/later1", "/later2", "/now"}) {
    CHECK(read_http_reply(socket).body == target);
  }
}

TEST_CASE("a request that changes something waits for those before it",
          "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/later1") + http_request_text("POST", "/later2", {}, "x") + get("/last"));
  CHECK(desk.seen(1).back() == "/later1");
  server.on_io_thread([] {});
  CHECK(desk.seen(1).size() == 1);
  desk.answer("/later1");
  CHECK(desk.seen(2).back() == "/later2");
  server.on_io_thread([] {});
  CHECK(desk.seen(2).size() == 2);
  desk.answer("/later2");
  for (const auto* target : {"/later1", "/later2", "/last"}) {
    CHECK(read_http_reply(socket).body == target);
  }
}

TEST_CASE("only so many requests of a connection run at one time", "[http][keep_alive][asio]") {
  Line line([](auto& setup) { setup.options.max_pipelined_requests = 4; });
  auto& [desk, server, socket] = line;
  std::string all;
  for (int i = 0; i < 6; ++i) all += get("/later" + std::to_string(i));
  socket.send_bytes(all);
  CHECK(desk.seen(4).size() == 4);
  server.on_io_thread([] {});
  CHECK(desk.seen(4).size() == 4);
  desk.answer("/later0");
  CHECK(desk.seen(5).size() == 5);
  for (int i = 1; i < 5; ++i) desk.answer("/later" + std::to_string(i));
  CHECK(desk.seen(6).size() == 6);
  desk.answer("/later5");
  for (int i = 0; i < 6; ++i) {
    CHECK(read_http_reply(socket).body == "/later" + std::to_string(i));
  }
}

TEST_CASE("the answers that a client does not read are bounded", "[http][keep_alive][asio]") {
  std::atomic<int> served{0};
  RecordingServer::Setup setup;
  setup.http = [&](const HttpRequest&, const HttpResponder& respond) {
    ++served;
    respond({200, {}, std::string(256 * 1024, 'x')});
  };
  RecordingServer server(std::move(setup));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port(), default_timeout, 4096));
  std::string all;
  for (int i = 0; i < 200; ++i) all += get("/");
  socket.send_bytes(all);
  for (int i = 0; i < 200; ++i) REQUIRE(read_http_reply(socket).body.size() == 256 * 1024);
  CHECK(served == 200);
}

TEST_CASE("answers that pile up behind a slow one are bounded in bytes",
          "[http][keep_alive][asio]") {
  std::mutex mutex;
  std::vector<HttpResponder> waiting;
  RecordingServer::Setup setup;
  setup.http = [&](const HttpRequest&, const HttpResponder& respond) {
    const std::lock_guard<std::mutex> lock(mutex);
    waiting.push_back(respond);
  };
  RecordingServer server(std::move(setup));
  const auto started = [&] {
    server.on_io_thread([] {});
    const std::lock_guard<std::mutex> lock(mutex);
    return waiting.size();
  };
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port(), default_timeout, 4096));
  std::string all;
  for (int i = 0; i < 32; ++i) all += get("/");
  socket.send_bytes(all);
  while (started() < 4) {
  }
  CHECK(started() == 4);
  // The second to fourth wait for the first; they are heavy, so that no other is begun.
  for (std::size_t i = 1; i < 4; ++i) waiting[i]({200, {}, std::string(2'000'000, 'x')});
  CHECK(started() == 4);
  waiting[0]({200, {}, std::string(2'000'000, 'x')});
  CHECK(started() == 4);
  for (std::size_t i = 0; i < 32; ++i) {
    if (i >= 4) {
      while (started() <= i) {
      }
      CHECK(started() == i + 1);  // One at a time.
      waiting[i]({200, {}, std::string(2'000'000, 'x')});
    }
    REQUIRE(read_http_reply(socket).body.size() == 2'000'000);
  }
}

TEST_CASE("a single answer may be of any size, one behind it that would not fit is a 503",
          "[http][keep_alive][asio]") {
  Desk desk;
  auto setup = with(desk);
  setup.options.max_unsent_bytes = 100'000;
  setup.http = [&](const HttpRequest& request, const HttpResponder& respond) {
    if (request.target == "/later") return desk.handler()(request, respond);
    respond({200, {}, std::string(request.target == "/small" ? 60'000 : 3'000'000, 'x')});
  };
  RecordingServer server(std::move(setup));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  socket.send_bytes(get("/later") + get("/small") + get("/small"));
  desk.seen(1);
  server.on_io_thread([] {});
  desk.answer("/later");
  CHECK(read_http_reply(socket).body == "/later");
  CHECK(read_http_reply(socket).body.size() == 60'000);
  const auto refused = read_http_reply(socket);
  CHECK(refused.status == 503);
  CHECK(refused.header("Retry-After") == "1");
  socket.send_bytes(get("/huge") + get("/huge"));
  CHECK(read_http_reply(socket).body.size() == 3'000'000);
  CHECK(read_http_reply(socket).body.size() == 3'000'000);
}

TEST_CASE("an interim answer waits for the answers before it", "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/later") +
                    "POST /now HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                    "Expect: 100-continue\r\n\r\n");
  desk.seen(1);
  server.on_io_thread([] {});
  desk.answer("/later");
  CHECK(read_http_reply(socket).body == "/later");
  CHECK(socket.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send_bytes("1\r\nx\r\n0\r\n\r\n" + get("/next"));
  CHECK(read_http_reply(socket).body == "/now");
  CHECK(read_http_reply(socket).body == "/next");
}

TEST_CASE("a request before a handshake doesn't count as one in flight behind it",
          "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/first") + get("/ws", {{"Upgrade", "websocket"},
                                                {"Connection", "Upgrade"},
                                                {"Sec-WebSocket-Key", WsClient::key},
                                                {"Sec-WebSocket-Version", "13"}}));
  CHECK(read_http_reply(socket).body == "/first");
  CHECK(read_http_reply(socket).status == 101);
  server.opened();
  CHECK(server.http_requests() == 0);
  CHECK(server.websockets() == 1);
  socket.reset();
  while (server.websockets() > 0) {
  }
  CHECK(server.http_requests() == 0);
}

TEST_CASE("the connection ends where the client or HTTP/1.0 says so", "[http][keep_alive][asio]") {
  Desk desk;
  RecordingServer server(with(desk));
  for (const auto& last : {get("/last", {{"Connection", "close"}}),
                           std::string("GET /last HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")}) {
    RawSocket socket;
    REQUIRE(socket.connect(host, server.port()));
    socket.send_bytes(get("/first") + last + get("/never"));
    CHECK(read_http_reply(socket).body == "/first");
    const auto reply = read_http_reply(socket);
    CHECK(reply.body == "/last");
    CHECK(reply.header("Connection") == "close");
    CHECK(socket.read_to_end().empty());
    CHECK_FALSE(socket.was_reset());
  }
}

TEST_CASE("a bad request among good ones is refused in its turn", "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/later") + "nonsense\r\n\r\n" + get("/never"));
  desk.seen(1);
  desk.answer("/later");
  CHECK(read_http_reply(socket).body == "/later");
  CHECK(read_http_reply(socket).status == 400);
  CHECK(socket.wait_for_end());
  CHECK(desk.seen(1).size() == 1);
}

TEST_CASE("a handshake may follow requests on the same connection", "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/first") +
                    get("/ws?token=t", {{"Upgrade", "websocket"},
                                        {"Connection", "Upgrade"},
                                        {"Sec-WebSocket-Key", WsClient::key},
                                        {"Sec-WebSocket-Version", "13"}}) +
                    ws_frame_bytes(Opcode::text, true, true, "early"));
  CHECK(read_http_reply(socket).body == "/first");
  CHECK(read_http_reply(socket).status == 101);
  CHECK(server.next()->text == "t");
  CHECK(server.next()->text == "early");
}

TEST_CASE("an idle connection ends in time", "[http][keep_alive][asio]") {
  Line line([](auto& setup) { setup.options.keep_alive_timeout = 50ms; });
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/a"));
  CHECK(read_http_reply(socket).body == "/a");
  CHECK(socket.wait_for_end());
}

TEST_CASE("a later request must come in time too", "[http][keep_alive][asio]") {
  Line line([](auto& setup) { setup.options.handshake_timeout = 200ms; });
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/a"));
  CHECK(read_http_reply(socket).body == "/a");
  socket.send_bytes("GET /b HTTP/1.1\r\nHost: h\r\n");
  CHECK(socket.wait_for_end());
}

TEST_CASE("a client that ends its half of the stream gets its answers",
          "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/later") + get("/b"));
  desk.seen(2);
  socket.shutdown_send();
  server.on_io_thread([] {});
  desk.answer("/later");
  CHECK(read_http_reply(socket).body == "/later");
  CHECK(read_http_reply(socket).body == "/b");
  CHECK(socket.wait_for_end());
}

TEST_CASE("while draining an answer says that the connection ends", "[http][keep_alive][asio]") {
  Line line;
  auto& [desk, server, socket] = line;
  socket.send_bytes(get("/a"));
  CHECK(read_http_reply(socket).header("Connection").empty());
  server.begin_drain();
  socket.send_bytes(get("/b"));
  CHECK(read_http_reply(socket).header("Connection") == "close");
  CHECK(socket.wait_for_end());
}
