// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <regex>
#include <set>
#include <sstream>
#include <string>

using namespace ordercast::test;

namespace {

/// Sends bytes as they are and reads one answer.
HttpReply answer_to(const OrderServer& server, const std::string& bytes) {
  RawSocket socket;
  REQUIRE(socket.connect("127.0.0.1", server.port()));
  socket.send_bytes(bytes);
  return read_http_reply(socket, false, patience);
}

std::string login_head(const std::string& more) {
  return "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
         "application/json\r\n" +
         more + "\r\n";
}

const std::string good_login = R"({"email":"admin@martly.dev","password":"admin123"})";

}  // namespace

TEST_CASE("a path that does not exist is 404 with the envelope", "[http]") {
  OrderServer server;
  for (const auto* target :
       {"/nothing", "/api", "/api/v1/nothing", "/api/v2/orders", "/../etc/passwd"}) {
    CAPTURE(target);
    const auto reply = server.as(demo().admin).get(target);
    CHECK(reply.status == 404);
    CHECK(integer_of(reply.json, "statusCode") == 404);
    CHECK(reply.header("Content-Type").rfind("application/json", 0) == 0);
  }
}

TEST_CASE("what is refused before it is a request has the envelope as well", "[http]") {
  OrderServer server;
  const auto check = [&](const std::string& wire, int status, const std::string& body) {
    const auto reply = answer_to(server, wire);
    CHECK(reply.status == status);
    CHECK(reply.body == body);
    CHECK(reply.header("Content-Type") == "application/json");
  };
  check("nonsense\r\n\r\n", 400,
        R"({"success":false,"error":"Bad Request","message":"Bad Request","statusCode":400})");
  check(
      login_head("Content-Length: 10000000\r\n"), 413,
      R"({"success":false,"error":"Content Too Large","message":"Content Too Large","statusCode":413})");
  check(
      "GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n", 426,
      R"({"success":false,"error":"Upgrade Required","message":"This path is a WebSocket, but the )"
      R"(request came without 'Upgrade: websocket'. If a proxy stands in front, let it forward )"
      R"(Upgrade and Connection over HTTP/1.1","statusCode":426})");
}

TEST_CASE("a method that a path does not have is 405 and says which it has", "[http]") {
  OrderServer server;
  const auto admin = server.as(demo().admin);
  const auto check = [](const ApiReply& reply, const std::string& allowed) {
    INFO(reply.body);
    CHECK(reply.status == 405);
    CHECK(reply.header("Allow").find(allowed) != std::string::npos);
  };
  check(admin.call("DELETE", "/api/v1/orders"), "GET");
  check(admin.call("GET", "/api/v1/auth/login"), "POST");
  check(admin.call("PUT", "/api/v1/orders/x/status", "{}"), "PATCH");
  check(admin.call("BREW", "/api/v1/stores"), "GET");
}

TEST_CASE("a body with no length is never taken for an empty one", "[http]") {
  OrderServer server;
  const auto none = answer_to(server, login_head(""));
  CHECK((none.status == 411 || none.status == 400));
  const auto chunked = answer_to(server, login_head("Transfer-Encoding: chunked\r\n") + "32\r\n" +
                                             good_login + "\r\n0\r\n\r\n");
  CHECK((chunked.status == 411 || chunked.status == 501 || chunked.status == 200));
  const auto both = answer_to(
      server, login_head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n");
  CHECK(both.status / 100 != 2);
}

TEST_CASE("a length that is no number, or two that differ, are refused", "[http]") {
  OrderServer server;
  for (const auto* length : {"abc", "-1", "5x", "99999999999999999999999", "0x10", "+5"}) {
    CAPTURE(length);
    const auto reply = answer_to(
        server, login_head(std::string("Content-Length: ") + length + "\r\n") + good_login);
    CHECK((reply.status == 400 || reply.status == 413));
  }
  const auto twice =
      answer_to(server, login_head("Content-Length: 2\r\nContent-Length: 50\r\n") + good_login);
  CHECK(twice.status == 400);
}

TEST_CASE("a body over 64 KB is 413", "[http]") {
  OrderServer server;
  const auto announced = answer_to(server, login_head("Content-Length: 10000000\r\n"));
  CHECK(announced.status == 413);
  const auto padded = [&](std::size_t size) {
    const auto body = good_login + std::string(size - good_login.size(), ' ');
    return answer_to(server,
                     login_head("Content-Length: " + std::to_string(body.size()) + "\r\n") + body);
  };
  CHECK(padded(60'000).status == 200);
  CHECK(padded(70'000).status == 413);
}

TEST_CASE("a body that is not JSON by its own word is 415", "[http]") {
  OrderServer server;
  const auto send = [&](const std::string& type) {
    return answer_to(server,
                     "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: " +
                         type + "\r\nContent-Length: " + std::to_string(good_login.size()) +
                         "\r\n\r\n" + good_login)
        .status;
  };
  CHECK(send("text/plain") == 415);
  CHECK(send("application/xml") == 415);
  CHECK(send("application/json") == 200);
  CHECK(send("application/json; charset=utf-8") == 200);
  CHECK(send("Application/JSON") == 200);
}

TEST_CASE("headers over 16 KB are 431", "[http]") {
  OrderServer server;
  const auto with = [&](std::size_t size) {
    return answer_to(server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Padding: " +
                                 std::string(size, 'x') + "\r\n\r\n")
        .status;
  };
  CHECK(with(12'000) == 200);
  CHECK(with(20'000) == 431);
}

TEST_CASE("what is not HTTP gets 400 or the door, and the server lives", "[http]") {
  OrderServer server;
  for (const auto* bytes :
       {"rubbish\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x01\r\n\r\n", "GET / HTTP/1.1\r\n: no name\r\n\r\n"}) {
    CAPTURE(bytes);
    const auto status = answer_to(server, bytes).status;
    CHECK((status == 0 || status >= 400));
  }
  CHECK(server.anonymous().get("/healthz").status == 200);
}

TEST_CASE("HEAD answers no body", "[http]") {
  OrderServer server;
  RawSocket socket;
  REQUIRE(socket.connect("127.0.0.1", server.port()));
  REQUIRE(
      socket.send_bytes("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  const auto reply = read_http_reply(socket, true, patience);
  CHECK((reply.status == 200 || reply.status == 405));
  CHECK(socket.read_to_end(patience).empty());
}

TEST_CASE("an allowed origin gets CORS headers, on errors too, and a preflight", "[http]") {
  OrderServer server({"--allowed-origins", "https://shop.example,https://admin.example"});
  const Headers from_shop = {{"Origin", "https://shop.example"}};
  for (const auto& reply : {server.as(demo().customer).get("/api/v1/orders", from_shop),
                            server.anonymous().get("/api/v1/orders", from_shop)}) {
    CHECK(reply.header("Access-Control-Allow-Origin") == "https://shop.example");
    CHECK(reply.header("Vary").find("Origin") != std::string::npos);
  }
  const auto preflight =
      server.anonymous().call("OPTIONS", "/api/v1/orders/some-id/status", {},
                              {{"Origin", "https://admin.example"},
                               {"Access-Control-Request-Method", "PATCH"},
                               {"Access-Control-Request-Headers", "authorization,content-type"}});
  CHECK(preflight.status / 100 == 2);
  CHECK(preflight.header("Access-Control-Allow-Origin") == "https://admin.example");
  CHECK(preflight.header("Access-Control-Allow-Methods").find("PATCH") != std::string::npos);
  auto allowed = preflight.header("Access-Control-Allow-Headers");
  for (auto& c : allowed) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  CHECK(allowed.find("authorization") != std::string::npos);
  CHECK(allowed.find("content-type") != std::string::npos);
}

TEST_CASE("a foreign origin gets no CORS header, on preflight neither", "[http]") {
  OrderServer server({"--allowed-origins", "https://shop.example"});
  for (const auto* origin : {"https://evil.example", "https://shop.example.evil.example", "null"}) {
    CAPTURE(origin);
    const auto plain = server.as(demo().customer).get("/api/v1/orders", {{"Origin", origin}});
    CHECK(plain.header("Access-Control-Allow-Origin").empty());
    const auto preflight =
        server.anonymous().call("OPTIONS", "/api/v1/orders", {},
                                {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}});
    CHECK(preflight.header("Access-Control-Allow-Origin").empty());
    CHECK(preflight.header("Access-Control-Allow-Methods").empty());
  }
}

TEST_CASE("health and readiness are open to all", "[http]") {
  OrderServer server;
  CHECK(server.anonymous().get("/healthz").status == 200);
  CHECK(server.anonymous().get("/readyz").status == 200);
}

TEST_CASE("the metrics are Prometheus text with the names of the contract", "[http]") {
  OrderServer server;
  Watcher watcher(server, demo().admin);
  watcher.subscribe("no-such-order");
  CHECK(error_of("subscription_denied")(watcher.next()));
  const auto id = text_of(server.new_order(demo().customer), "id");
  watcher.follow(id);
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  watcher.read_until(hint_of(id, "CONFIRMED"));

  const auto reply = server.anonymous().get("/metrics");
  REQUIRE(reply.status == 200);
  CHECK(reply.header("Content-Type").rfind("text/plain", 0) == 0);
  const std::regex sample(
      R"([a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})? (-?[0-9.]+(e[-+]?[0-9]+)?|\+Inf|NaN))");
  std::set<std::string> typed;
  std::istringstream lines(reply.body);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# TYPE ", 0) == 0) {
      typed.insert(line.substr(7, line.find(' ', 7) - 7));
    } else if (!line.empty() && line[0] != '#') {
      INFO(line);
      CHECK(std::regex_match(line, sample));
    }
  }
  for (const auto* name :
       {"ordercast_connections", "ordercast_subscriptions", "ordercast_deliveries_total",
        "ordercast_conflated_total", "ordercast_dropped_total", "ordercast_errors_total",
        "ordercast_commit_to_send_seconds", "ordercast_outbox_depth",
        "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}) {
    CAPTURE(name);
    CHECK(typed.count(name) == 1);
  }
  CHECK(reply.body.find("ordercast_outbox_") != reply.body.rfind("ordercast_outbox_"));
  CHECK(server.metric_becomes("ordercast_connections", 1));
  CHECK(server.metric_becomes("ordercast_subscriptions", 1));
  CHECK(server.metric(R"(ordercast_errors_total{code="subscription_denied"})") == 1);
  CHECK(server.metric(R"(ordercast_deliveries_total{type="order:updated"})").value_or(0) >= 1);
  CHECK(server.metric(R"(ordercast_deliveries_total{type="orders:changed"})").value_or(0) >= 2);
  CHECK(server.metric("ordercast_commit_to_send_seconds_count").value_or(0) >= 2);
  CHECK(server.metric(R"(ordercast_commit_to_send_seconds_bucket{le="+Inf"})") ==
        server.metric("ordercast_commit_to_send_seconds_count"));
}
