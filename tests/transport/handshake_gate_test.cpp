// SPDX-License-Identifier: MIT
#include <ordercast/net/handshake_gate.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace ordercast;
using namespace ordercast::net;
using namespace std::chrono_literals;

namespace {

HttpRequest get(std::string target) {
  HttpRequest request;
  request.method = "GET";
  request.target = std::move(target);
  return request;
}

int status(const std::optional<HttpResponse>& refusal) {
  return refusal ? refusal->status : 101;
}

}  // namespace

TEST_CASE("without a filter /ws is a WebSocket and nothing else is", "[handshake_gate]") {
  const HandshakeGate gate(1s, {});
  CHECK(status(gate.refuse(get("/ws"))) == 101);
  CHECK(status(gate.refuse(get("/ws?token=t"))) == 101);
  CHECK(status(gate.refuse(get("/ws/"))) == 404);
  CHECK(status(gate.refuse(get("/"))) == 404);
  CHECK(status(gate.refuse_plain(get("/ws?token=t"))) == 426);
  CHECK_FALSE(gate.refuse_plain(get("/")));
}

TEST_CASE("with a filter the application alone knows the paths", "[handshake_gate]") {
  HandshakeGate gate(1s, {});
  gate.set_filter([](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.path() == "/live") return std::nullopt;
    return HttpResponse{403, {}, {}};
  });
  CHECK(status(gate.refuse(get("/live"))) == 101);
  CHECK(status(gate.refuse(get("/ws"))) == 403);
  CHECK_FALSE(gate.refuse_plain(get("/ws")));
  CHECK_FALSE(gate.refuse_plain(get("/live")));
}

TEST_CASE("while draining no handshake is admitted, and no filter is asked", "[handshake_gate]") {
  HandshakeGate gate(7s, {});
  gate.set_filter(
      [](const HttpRequest&) -> std::optional<HttpResponse> { throw std::logic_error("asked"); });
  CHECK_FALSE(gate.is_draining());
  gate.begin_drain();
  CHECK(gate.is_draining());
  const auto refusal = gate.refuse(get("/ws"));
  REQUIRE(status(refusal) == 503);
  HttpRequest headers;
  headers.headers = refusal->headers;
  CHECK(headers.header("Retry-After") == "7");
}

TEST_CASE("a filter that throws refuses with 500, and is reported", "[handshake_gate]") {
  std::string heard;
  HandshakeGate gate(1s, [&](const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& what) {
      heard = what.what();
    }
    throw std::runtime_error("nobody hears this one");
  });
  gate.set_filter([](const HttpRequest&) -> std::optional<HttpResponse> {
    throw std::runtime_error("no database");
  });
  CHECK(status(gate.refuse(get("/ws"))) == 500);
  CHECK(heard == "no database");
}

TEST_CASE("a request says whose token it brings and which protocol it wants", "[handshake_gate]") {
  auto request = get("/ws?token=secret");
  auto opening = opening_of(request);
  CHECK(opening.token == "secret");
  CHECK(opening.subprotocol.empty());
  CHECK_FALSE(opening.hello);

  request.headers = {{"Sec-WebSocket-Protocol", "ordercast.v1, bearer.other"}};
  opening = opening_of(request);
  CHECK(opening.token == "other");
  CHECK(opening.subprotocol == "ordercast.v1");
  CHECK_FALSE(opening.hello);

  request.headers.push_back({"Sec-WebSocket-Protocol", "ordercast.v2"});
  opening = opening_of(request);
  CHECK(opening.subprotocol == "ordercast.v2");
  CHECK(opening.hello);
}
