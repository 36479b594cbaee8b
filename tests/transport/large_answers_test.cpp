// SPDX-License-Identifier: MIT
// Answers that are large, or shared by many, over real sockets.
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";

RecordingServer::Setup with(HttpHandler http) {
  RecordingServer::Setup setup;
  setup.http = std::move(http);
  return setup;
}

}  // namespace

TEST_CASE("a shared body goes to many clients without a copy", "[http]") {
  const auto body = std::make_shared<const std::string>(std::string(4 * 1024 * 1024, 'x'));
  auto setup = with([&](const HttpRequest&, const HttpResponder& respond) {
    HttpResponse response;
    response.shared_body = body;
    respond(std::move(response));
  });
  setup.options.max_unsent_bytes = 1;  // Shared bytes don't count.
  setup.options.max_unsent_total_bytes = 100'000;
  RecordingServer server(std::move(setup));
  std::vector<RawSocket> clients(8);
  for (auto& client : clients) {
    REQUIRE(client.connect(host, server.port(), default_timeout, 4096));
    client.send_bytes(http_request_text("GET", "/"));
    REQUIRE(client.read_until("\r\n\r\n"));
  }
  server.on_io_thread([] {});
  CHECK(body.use_count() > 8);
  for (auto& client : clients) CHECK(client.read_exact(body->size()) == *body);
}

TEST_CASE("HEAD of a shared body says its length and sends none of it", "[http]") {
  RecordingServer server(with([&](const HttpRequest&, const HttpResponder& respond) {
    HttpResponse response;
    response.shared_body = std::make_shared<const std::string>(100'000, 'x');
    respond(std::move(response));
  }));
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  socket.send_bytes(http_request_text("HEAD", "/", {{"Connection", "close"}}));
  CHECK(read_http_reply(socket, true).header("Content-Length") == "100000");
  CHECK(socket.read_to_end().empty());
}

TEST_CASE("answers of all connections together are bounded, and readers keep being served",
          "[http]") {
  auto setup = with([&](const HttpRequest& request, const HttpResponder& respond) {
    respond({200, {}, std::string(request.target == "/big" ? 6 * 1024 * 1024 : 200'000, 'x')});
  });
  setup.options.max_unsent_total_bytes = 10 * 1024 * 1024;
  RecordingServer server(std::move(setup));
  RawSocket greedy;
  REQUIRE(greedy.connect(host, server.port(), default_timeout, 4096));
  greedy.send_bytes(http_request_text("GET", "/big"));
  REQUIRE(greedy.read_until("\r\n\r\n"));
  RawSocket second;
  REQUIRE(second.connect(host, server.port(), default_timeout, 4096));
  second.send_bytes(http_request_text("GET", "/big"));
  // The first has not been silent for long: it keeps what it has.
  CHECK(second.read_until("\r\n")->find(" 503 ") != std::string::npos);
  CHECK(http_request(host, server.port(), "GET", "/").body.size() == 200'000);
  // Bytes that the kernel still moves count as read by the client, so a second try may be needed.
  std::size_t got = 0;
  for (int i = 0; i < 8 && got != 6 * 1024 * 1024; ++i) {
    CHECK_FALSE(server.next(600ms));
    got = http_request(host, server.port(), "GET", "/big").body.size();
  }
  CHECK(got == 6 * 1024 * 1024);
  CHECK_FALSE(greedy.read_exact(6 * 1024 * 1024));
}
