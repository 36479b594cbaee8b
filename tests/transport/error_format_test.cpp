// SPDX-License-Identifier: MIT
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

using namespace ordercast;
using namespace ordercast::test;

namespace {

const std::string host = "127.0.0.1";

}  // namespace

TEST_CASE("what a transport answers by itself has the application's form", "[http]") {
  RecordingServer::Setup setup;
  setup.http = [](const HttpRequest& request, const HttpResponder& respond) {
    if (request.path() == "/throws") throw std::runtime_error("no");
    if (request.path() == "/breaks") respond({200, {{"X", "a\r\nb"}}, {}});
  };
  setup.options.error_format = [](HttpResponse& response, std::string_view message) {
    response.headers.push_back({"X-Form", "own"});
    response.body = "<" + std::string(message) + ">";
  };
  RecordingServer server(std::move(setup));
  const auto check = [&](const std::string& wire, int status, const std::string& body) {
    RawSocket socket;
    REQUIRE(socket.connect(host, server.port()));
    socket.send_bytes(wire);
    const auto reply = read_http_reply(socket);
    CHECK(reply.status == status);
    CHECK(reply.header("X-Form") == "own");
    CHECK(reply.body == body);
  };
  check("nonsense\r\n\r\n", 400, "<Bad Request>");
  check(http_request_text("GET", "/" + std::string(20'000, 'a')), 431,
        "<Request Header Fields Too Large>");
  check("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999\r\n\r\n", 413, "<Content Too Large>");
  check(http_request_text("GET", "/throws"), 500, "<Internal Server Error>");
  check(http_request_text("GET", "/forgotten"), 500, "<Internal Server Error>");
  check(http_request_text("GET", "/breaks"), 500, "<Internal Server Error>");
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  socket.send_bytes(http_request_text("GET", "/ws"));
  const auto reply = read_http_reply(socket);
  CHECK(reply.status == 426);
  CHECK(reply.header("Sec-WebSocket-Version") == "13");
  CHECK(reply.body.find("<This path is a WebSocket") == 0);
}
