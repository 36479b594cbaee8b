// SPDX-License-Identifier: MIT
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";

/// Answers with the request that it got.
void echo(const HttpRequest& request, const HttpResponder& respond) {
  respond({200,
           {{"X-Method", request.method},
            {"X-Target", request.target},
            {"X-Peer", request.remote_address},
            {"X-Type", std::string(request.header("Content-Type"))}},
           request.body});
}

RecordingServer::Setup with(HttpHandler http) {
  RecordingServer::Setup setup;
  setup.http = std::move(http);
  return setup;
}

/// Keeps responders for the test's thread.
class Desk {
 public:
  HttpHandler handler() {
    return [this](const HttpRequest&, HttpResponder respond) {
      const std::lock_guard<std::mutex> lock(mutex_);
      waiting_.push_back(std::move(respond));
      arrived_.notify_one();
    };
  }
  HttpResponder take() {
    std::unique_lock<std::mutex> lock(mutex_);
    arrived_.wait_for(lock, 10s, [&] { return !waiting_.empty(); });
    REQUIRE_FALSE(waiting_.empty());
    auto respond = std::move(waiting_.back());
    waiting_.pop_back();
    return respond;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<HttpResponder> waiting_;
};

/// A connection to a server that answers with what it was asked.
struct EchoLine {
  RecordingServer server{with(echo)};
  RawSocket socket;

  EchoLine() { REQUIRE(socket.connect(host, server.port())); }
};

}  // namespace

TEST_CASE("a request reaches the handler whole and its answer the client", "[http]") {
  RecordingServer server(with(echo));
  const auto reply = http_request(host, server.port(), "PATCH", "/a/b?c=d",
                                  {{"Content-Type", "text/x"}}, "the body");
  CHECK(reply.status == 200);
  CHECK(reply.reason == "OK");
  CHECK(reply.header("X-Method") == "PATCH");
  CHECK(reply.header("X-Target") == "/a/b?c=d");
  CHECK(reply.header("X-Peer") == "127.0.0.1");
  CHECK(reply.header("X-Type") == "text/x");
  CHECK(reply.body == "the body");
}

TEST_CASE("the one answer of a connection says that the connection ends", "[http][websocketpp]") {
  EchoLine line;
  auto& [server, socket] = line;
  const auto one = http_request_text("GET", "/first", {{"Connection", "keep-alive"}});
  socket.send_bytes(one + http_request_text("GET", "/second"));
  const auto reply = read_http_reply(socket);
  CHECK(reply.header("X-Target") == "/first");
  CHECK(reply.header("Connection") == "close");
  CHECK_FALSE(reply.header("Date").empty());
  CHECK(socket.read_to_end().empty());
  CHECK(socket.eof());
  CHECK_FALSE(socket.was_reset());
}

TEST_CASE("without a handler every request is not found", "[http]") {
  RecordingServer server;
  const auto reply = http_request(host, server.port(), "GET", "/");
  CHECK(reply.status == 404);
  CHECK(reply.header("Content-Type") == "text/plain; charset=utf-8");
  CHECK(reply.body == "Not Found\n");
}

TEST_CASE("HEAD gets the headers of GET and no body", "[http]") {
  RecordingServer server(with([](const HttpRequest&, const HttpResponder& respond) {
    respond({200, {}, "four"});
  }));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  socket.send_bytes(http_request_text("HEAD", "/", {{"Connection", "close"}}));
  CHECK(read_http_reply(socket, true).header("Content-Length") == "4");
  CHECK(socket.read_to_end().empty());
}

TEST_CASE("what is not a clean request is refused with its own status", "[http]") {
  RecordingServer server(with(echo));
  const auto status = [&](const std::string& head, const std::string& body = {}) {
    RawSocket socket;
    REQUIRE(socket.connect(host, server.port()));
    socket.send_bytes(head + "\r\n" + body);
    const auto reply = read_http_reply(socket);
    CHECK(reply.header("Connection") == "close");
    CHECK(socket.wait_for_end());
    return reply.status;
  };
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  CHECK(status(post + "Connection: close\r\nContent-Length: 2\r\n", "ok") == 200);
  CHECK(status(post + "Transfer-Encoding: chunked\r\n", "2\r\nok\n0\r\n\r\n") == 400);
  CHECK(status(post + "Transfer-Encoding: gzip\r\n", "ok") == 501);
  CHECK(status(post + "Content-Length: abc\r\n", "ok") == 400);
  CHECK(status(post + "Content-Length: -1\r\n", "ok") == 400);
  CHECK(status(post + "Content-Length: 2\r\nContent-Length: 3\r\n", "ok!") == 400);
  CHECK(status(post + "Content-Length: 65537\r\n") == 413);
  CHECK(status(post + "Content-Length: 18446744073709551617\r\n") == 413);
  CHECK(status(post + "Content-Length: 2\r\nExpect: 200-ok\r\n") == 417);
  CHECK(status("nonsense\r\n") == 400);
  CHECK(status("GET / HTTP/3.0\r\nHost: h\r\n") == 505);
  CHECK(status("GET / HTTP/1.1\r\n") == 400);
  CHECK(status("GET / HTTP/1.1\r\nHost: a:b:c\r\n") == 400);
  CHECK(status("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(16 * 1024, 'x') + "\r\n") == 431);
}

TEST_CASE("a body of exactly the limit is taken", "[http]") {
  RecordingServer server(with(echo));
  const std::string body(64 * 1024, 'b');
  CHECK(http_request(host, server.port(), "POST", "/", {}, body).body == body);
}

TEST_CASE("a refusal reaches a client that goes on sending", "[http]") {
  EchoLine line;
  auto& [server, socket] = line;
  socket.send_bytes("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 600000\r\n\r\n");
  socket.send_bytes(std::string(600000, 'x'), 2s);
  CHECK(read_http_reply(socket).status == 413);
  socket.shutdown_send();
  CHECK(socket.wait_for_end());
  CHECK_FALSE(socket.was_reset());
}

TEST_CASE("another thread may answer later", "[http]") {
  Desk desk;
  RecordingServer server(with(desk.handler()));
  auto reply = std::async(std::launch::async,
                          [&] { return http_request(host, server.port(), "GET", "/slow"); });
  const auto respond = desk.take();
  CHECK(server.http_requests() == 1);
  respond({202, {}, "late"});
  respond({500, {}, "twice"});
  CHECK(reply.get().body == "late");
}

TEST_CASE("a handler that throws answers 500 and the next request is served", "[http]") {
  RecordingServer server(with([](const HttpRequest& request, const HttpResponder& respond) {
    if (request.target == "/throw") throw std::runtime_error("from the handler");
    respond({});
  }));
  CHECK(http_request(host, server.port(), "GET", "/throw").status == 500);
  CHECK(http_request(host, server.port(), "GET", "/fine").status == 200);
  CHECK(server.errors() == 1);
}

TEST_CASE("a responder that is dropped answers 500", "[http]") {
  RecordingServer server(with([](const HttpRequest&, const HttpResponder&) {}));
  CHECK(http_request(host, server.port(), "GET", "/").status == 500);
}

TEST_CASE("a header that would split the response answers 500", "[http]") {
  RecordingServer server(with([](const HttpRequest&, const HttpResponder& respond) {
    respond({200, {{"Location", "/\r\nSet-Cookie: stolen"}}, {}});
  }));
  const auto reply = http_request(host, server.port(), "GET", "/");
  CHECK(reply.status == 500);
  CHECK(reply.header("Set-Cookie").empty());
}

TEST_CASE("a handler that never answers is answered for with 503", "[http]") {
  Desk desk;
  auto setup = with(desk.handler());
  setup.options.http_timeout = 50ms;
  RecordingServer server(std::move(setup));
  CHECK(http_request(host, server.port(), "GET", "/").status == 503);
  desk.take()({200, {}, "too late"});
  server.on_io_thread([] {});
}

TEST_CASE("a client that left before the answer does no harm", "[http]") {
  Desk desk;
  RecordingServer server(with(desk.handler()));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  socket.send_bytes(http_request_text("GET", "/"));
  const auto respond = desk.take();
  socket.reset();
  respond({200, {}, std::string(100'000, 'x')});
  // The two counts change one after the other, on another thread.
  while (server.open_sockets() > 0 || server.http_requests() > 0) {
  }
}

TEST_CASE("a client that does not read its answer is cut off in time", "[http]") {
  auto setup = with([](const HttpRequest&, const HttpResponder& respond) {
    respond({200, {}, std::string(16 * 1024 * 1024, 'x')});
  });
  setup.options.write_timeout = 200ms;
  RecordingServer server(std::move(setup));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port(), default_timeout, 4096));
  socket.send_bytes(http_request_text("GET", "/", {{"Connection", GENERATE("x", "close")}}));
  while (server.open_sockets() == 0) {
  }
  // The two counts change one after the other, on another thread.
  while (server.open_sockets() > 0 || server.http_requests() > 0) {
  }
}

TEST_CASE("an answer that comes after the server's end is dropped", "[http]") {
  Desk desk;
  HttpResponder respond;
  {
    RecordingServer server(with(desk.handler()));
    RawSocket socket;
    REQUIRE(socket.connect(host, server.port()));
    socket.send_bytes(http_request_text("GET", "/"));
    respond = desk.take();
  }
  respond({200, {}, "nobody is there"});
}

TEST_CASE("a slow but steady download takes all the time it needs", "[http]") {
  const std::size_t size = 24 * 1024 * 1024;
  auto setup = with([&](const HttpRequest&, const HttpResponder& respond) {
    respond({200, {}, std::string(size, 'x')});
  });
  setup.options.write_timeout = 300ms;
  setup.options.linger_timeout = 50ms;
  RecordingServer server(std::move(setup));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port(), default_timeout, 4096));
  socket.send_bytes(http_request_text("GET", "/", {{"Connection", GENERATE("x", "close")}}));
  REQUIRE(socket.read_until("\r\n\r\n"));
  const std::size_t piece = 32 * 1024;
  std::size_t read = 0;
  for (; read < 60 * piece; read += piece) {
    CHECK_FALSE(server.next(20ms));  // 1.2 s in all, and the kernel always has more.
    REQUIRE(socket.read_exact(piece));
  }
  CHECK(socket.read_exact(size - read));
}

TEST_CASE("what the kernel holds for a slow client isn't lost when the connection ends", "[http]") {
  const std::size_t size = 1024 * 1024;  // The kernel takes all of it.
  auto setup = with([&](const HttpRequest&, const HttpResponder& respond) {
    respond({200, {}, std::string(size, 'x')});
  });
  setup.options.linger_timeout = 50ms;
  RecordingServer server(std::move(setup));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port(), default_timeout, 4096));
  socket.send_bytes(http_request_text("GET", "/", {{"Connection", "close"}}));
  REQUIRE(socket.read_until("\r\n\r\n"));
  const std::size_t piece = 16 * 1024;
  std::size_t read = 0;
  for (; read < 20 * piece; read += piece) {
    CHECK_FALSE(server.next(10ms));
    socket.send_bytes("more");  // A closed socket would answer with a reset.
    REQUIRE(socket.read_exact(piece));
  }
  CHECK(socket.read_exact(size - read));
}

TEST_CASE("a body in chunks reaches the handler whole", "[http]") {
  EchoLine line;
  auto& [server, socket] = line;
  socket.send_bytes(
      "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  socket.send_bytes("4\r\nthe \r\n");
  socket.send_bytes("4;a=b\r\nbody\r\n0\r\nTrailer: x\r\n\r\n");
  const auto reply = read_http_reply(socket);
  CHECK(reply.status == 200);
  CHECK(reply.body == "the body");
}

TEST_CASE("a client that asks first is told to go on, then answered", "[http]") {
  EchoLine line;
  auto& [server, socket] = line;
  socket.send_bytes(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(socket.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send_bytes("ok");
  const auto reply = read_http_reply(socket);
  CHECK(reply.status == 200);
  CHECK(reply.body == "ok");
}

TEST_CASE("HTTP/1.0 gets no interim answer", "[http]") {
  EchoLine line;
  auto& [server, socket] = line;
  socket.send_bytes("POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  server.on_io_thread([] {});
  socket.send_bytes("ok");
  CHECK(read_http_reply(socket).status == 200);
}

TEST_CASE("a plain request for the WebSocket's path is told which header is missing", "[http]") {
  RecordingServer server(with(echo));
  const auto reply = http_request(host, server.port(), "GET", "/ws?token=t");
  CHECK(reply.status == 426);
  CHECK(reply.header("Upgrade") == "websocket");
  CHECK(reply.header("Sec-WebSocket-Version") == "13");
  CHECK(reply.body.find("without 'Upgrade: websocket'") != std::string::npos);
  const auto half = http_request(host, server.port(), "GET", "/ws", {{"Upgrade", "websocket"}});
  CHECK(half.status == 426);
  CHECK(half.body.find("without 'Connection: Upgrade'") != std::string::npos);
}

TEST_CASE("a handler can ask whether its client has gone", "[http]") {
  std::promise<HttpRequest> arrived;
  HttpResponder responder;
  RecordingServer server(with([&](HttpRequest request, HttpResponder respond) {
    responder = std::move(respond);
    arrived.set_value(std::move(request));
  }));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  socket.send_bytes(http_request_text("GET", "/"));
  const auto request = arrived.get_future().get();
  CHECK_FALSE(request.abandoned());
  socket.reset();
  while (!request.abandoned()) {
  }
  responder({});
  CHECK_FALSE(HttpRequest{}.abandoned());
}
