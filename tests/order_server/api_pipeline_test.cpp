// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"

#include <catch2/catch.hpp>

using namespace order_server;

namespace {

HttpRequest handshake(std::vector<HttpHeader> headers = {}, std::string target = "/ws?token=x",
                      std::string address = "127.0.0.1") {
  headers.push_back({"Host", "shop.test:7001"});
  return {"GET", std::move(target), std::move(headers), "", std::move(address)};
}

}  // namespace

TEST_CASE("an unknown path is 404, a wrong method 405 with what is allowed", "[api]") {
  ApiFixture fixture;
  CHECK(fixture.call("GET", "/api/v1/nothing", fixture.admin).status == 404);
  CHECK(fixture.call("GET", "/api/v1/orders/", fixture.admin).status == 404);
  CHECK(fixture.call("GET", "/", fixture.admin).status == 404);
  const auto wrong = fixture.call("PUT", "/api/v1/orders", fixture.admin);
  CHECK(wrong.status == 405);
  CHECK(header_of(wrong, "Allow") == "GET, HEAD, POST");
  CHECK(fixture.call("get", "/api/v1/orders", fixture.admin).status == 405);
  CHECK(fixture.call("HEAD", "/api/v1/orders", fixture.admin).status == 200);
}

TEST_CASE("a body must be JSON and say so", "[api]") {
  ApiFixture fixture;
  const auto send = [&](std::vector<HttpHeader> headers, const std::string& body) {
    return fixture.send({"POST", "/api/v1/auth/login", std::move(headers), body, "127.0.0.1"})
        .status;
  };
  const std::string good = R"({"email":"customer@example.com","password":"customer123"})";
  CHECK(send({{"Content-Type", "application/json"}}, good) == 200);
  CHECK(send({{"content-type", "Application/JSON; charset=UTF-8"}}, good) == 200);
  CHECK(send({}, good) == 415);
  CHECK(send({{"Content-Type", "text/plain"}}, good) == 415);
  CHECK(send({{"Content-Type", "application/json; charset=latin1"}}, good) == 415);
  CHECK(send({{"Content-Type", "application/jsonp"}}, good) == 415);
  CHECK(send({{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}, good) == 415);
  CHECK(send({{"Content-Type", "application/json"}, {"content-encoding", "Identity"}}, good) ==
        200);
  // The default of `curl -d`; only the body shows that it is not a form.
  CHECK(send({{"Content-Type", "application/x-www-form-urlencoded"}}, good) == 200);
  CHECK(send({{"Content-Type", "application/x-www-form-urlencoded"}}, "email=a&password=b") == 400);
  // A page's form is refused: it needs no preflight, but it has an Origin.
  CHECK(send({{"Content-Type", "application/x-www-form-urlencoded"},
              {"Origin", "https://evil.example"}},
             good) == 415);
  for (const auto* bad : {"", "{", "[]", "null", "1", "{\"email\":}", "\xff\xfe", "{} {}"}) {
    CAPTURE(bad);
    CHECK(send({{"Content-Type", "application/json"}}, bad) == 400);
  }
  CHECK(send({{"Content-Type", "application/json"}}, std::string(60'000, '[')) == 400);
  CHECK(send({{"Content-Type", "application/json"}},
             R"({"x":)" + std::string(20, '[') + std::string(20, ']') + "}") == 400);
}

TEST_CASE("every answer forbids sniffing and caching", "[api]") {
  ApiFixture fixture;
  for (const auto& response : {fixture.call("GET", "/api/v1/orders", fixture.admin),
                               fixture.call_anonymously("GET", "/api/v1/orders"),
                               fixture.call_anonymously("GET", "/no")}) {
    CHECK(header_of(response, "X-Content-Type-Options") == "nosniff");
    CHECK(header_of(response, "Cache-Control") == "no-store");
  }
}

TEST_CASE("a full lane answers 503 with Retry-After and runs nothing", "[api]") {
  ApiFixture fixture;
  fixture.full_lane = Lane::writer;
  const auto response =
      fixture.call("POST", "/api/v1/orders", fixture.customer, fixture.order_request());
  CHECK(response.status == 503);
  CHECK(header_of(response, "Retry-After") == "1");
  CHECK(fixture.store.list_orders({}).total == 0);
  CHECK(fixture.call("GET", "/api/v1/orders", fixture.customer).status == 200);
  CHECK(fixture.call_anonymously("GET", "/healthz").status == 200);
  CHECK(fixture.call_anonymously("GET", "/health").status == 200);
}

TEST_CASE("a failing database is 503, told without details, and ends nothing", "[api]") {
  ApiFixture fixture;
  execute_in(fixture.directory.file(), "DROP TABLE orders");
  const auto response = fixture.call("GET", "/api/v1/orders/x", fixture.customer);
  CHECK(response.status == 503);
  CHECK(response.body.find("SELECT") == std::string::npos);
  CHECK(response.body.find(fixture.directory.file()) == std::string::npos);
  CHECK(fixture.call("GET", "/api/v1/auth/me", fixture.customer).status == 200);
}

TEST_CASE("an allowed origin gets one CORS header, on errors too; a foreign one gets none",
          "[api][cors]") {
  ApiFixture fixture;
  const auto from = [&](const std::string& origin, const std::string& token) {
    return fixture.call_with_token("GET", "/api/v1/orders", token, "",
                                   {{"Origin", origin}, {"Host", "api.example"}});
  };
  const auto token = fixture.token_of(fixture.customer);
  for (const auto& response :
       {from("https://shop.example", token), from("https://shop.example", ""),
        from("https://api.example", token)}) {
    CHECK(count_headers(response, "Access-Control-Allow-Origin") == 1);
    CHECK(header_of(response, "Vary") == "Origin");
  }
  const auto foreign = from("https://evil.example", token);
  CHECK(count_headers(foreign, "Access-Control-Allow-Origin") == 0);
  CHECK(header_of(foreign, "Vary") == "Origin");
}

TEST_CASE("a preflight is answered without a token, and only for an allowed origin",
          "[api][cors]") {
  ApiFixture fixture;
  const auto preflight = [&](const std::string& origin) {
    return fixture.call_with_token("OPTIONS", "/api/v1/orders/x/status", "", "",
                                   {{"Origin", origin},
                                    {"Access-Control-Request-Method", "PATCH"},
                                    {"Access-Control-Request-Headers", "authorization"}});
  };
  const auto allowed = preflight("https://shop.example");
  CHECK(allowed.status == 204);
  CHECK(allowed.body.empty());
  CHECK(count_headers(allowed, "Access-Control-Allow-Origin") == 1);
  CHECK(header_of(allowed, "Access-Control-Allow-Origin") == "https://shop.example");
  CHECK(header_of(allowed, "Access-Control-Allow-Methods").find("PATCH") != std::string::npos);
  const auto foreign = preflight("https://evil.example");
  CHECK(foreign.status == 403);
  for (const auto& field : foreign.headers) {
    CHECK(field.name.find("Access-Control") == std::string::npos);
  }
  CHECK(fixture.lanes_used.empty());
}

TEST_CASE("handshakes are for /ws alone", "[api][handshake]") {
  ApiFixture fixture;
  CHECK_FALSE(fixture.api.refuse_handshake(handshake()));
  CHECK_FALSE(fixture.api.refuse_handshake(handshake({}, "/ws")));
  for (const auto* target : {"/", "/ws/", "/WS", "/wss", "/api/v1/orders", "/healthz"}) {
    CAPTURE(target);
    const auto refused = fixture.api.refuse_handshake(handshake({}, target));
    REQUIRE(refused);
    CHECK(refused->status == 404);
  }
}

TEST_CASE("a foreign page can't open a WebSocket", "[api][handshake]") {
  ApiFixture fixture;
  for (const auto* origin :
       {"https://shop.example", "http://shop.test:7001", "https://shop.test:7001"}) {
    CAPTURE(origin);
    CHECK_FALSE(fixture.api.refuse_handshake(handshake({{"Origin", origin}})));
  }
  for (const auto* origin : {"https://evil.example", "null", "", "http://shop.test",
                             "http://shop.test:7002", "https://shop.example.evil.example"}) {
    CAPTURE(origin);
    const auto refused = fixture.api.refuse_handshake(handshake({{"Origin", origin}}));
    REQUIRE(refused);
    CHECK(refused->status == 403);
  }
}

TEST_CASE("a handshake flood from one address is slowed down", "[api][handshake]") {
  ApiFixture fixture;
  const auto from = [&](const std::string& address) {
    return fixture.api.refuse_handshake(handshake({}, "/ws", address));
  };
  for (int i = 0; i < 4; ++i) CHECK_FALSE(from("192.0.2.7"));
  const auto refused = from("192.0.2.7");
  REQUIRE(refused);
  CHECK(refused->status == 429);
  CHECK_FALSE(header_of(*refused, "Retry-After").empty());
  CHECK_FALSE(from("192.0.2.8"));
  for (int i = 0; i < 20; ++i) CHECK_FALSE(from("127.0.0.1"));
}

TEST_CASE("a draining server refuses new work and still says how it is", "[api][drain]") {
  ApiFixture fixture;
  CHECK(fixture.call_anonymously("GET", "/readyz").status == 200);
  fixture.context.draining = true;
  const auto refused = fixture.call("GET", "/api/v1/orders", fixture.admin);
  CHECK(refused.status == 503);
  CHECK_FALSE(header_of(refused, "Retry-After").empty());
  const auto handshake_refused = fixture.api.refuse_handshake(handshake());
  REQUIRE(handshake_refused);
  CHECK(handshake_refused->status == 503);
  CHECK_FALSE(header_of(*handshake_refused, "Retry-After").empty());
  CHECK(fixture.call_anonymously("GET", "/healthz").status == 200);
  CHECK(fixture.call_anonymously("GET", "/readyz").status == 503);
  CHECK(fixture.call_anonymously("GET", "/metrics").status == 200);
}

TEST_CASE("readiness fails with the database, health does not", "[api][ops]") {
  ApiFixture fixture;
  CHECK(fixture.call_anonymously("GET", "/metrics").body.find("ordercast_outbox_depth") !=
        std::string::npos);
  execute_in(fixture.directory.file(), "DROP TABLE outbox");
  const auto metrics = fixture.call_anonymously("GET", "/metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.body.find("ordercast_outbox_depth") == std::string::npos);
  CHECK(metrics.body.find("ordercast_connections") != std::string::npos);
  CHECK(fixture.call_anonymously("GET", "/healthz").status == 200);
}

TEST_CASE("answers are counted by class", "[api][ops]") {
  ApiFixture fixture;
  fixture.call("GET", "/api/v1/orders", fixture.admin);
  fixture.call_anonymously("GET", "/api/v1/orders");
  CHECK(fixture.metrics.http_responses[2].value() == 1);
  CHECK(fixture.metrics.http_responses[4].value() == 1);
}

TEST_CASE("only SUPER_ADMIN disconnects a user", "[api][admin]") {
  ApiFixture fixture;
  const std::string path = "/api/v1/admin/users/user%2042/disconnect";
  for (const auto& user : {fixture.manager, fixture.rider, fixture.customer}) {
    CHECK(fixture.call("POST", path, user).status == 403);
  }
  CHECK(fixture.disconnected.empty());
  const auto answer = fixture.call("POST", path, fixture.admin);
  CHECK(answer.status == 200);
  CHECK(data_of(answer)["disconnected"] == 1);
  REQUIRE(fixture.disconnected.size() == 1);
  CHECK(fixture.disconnected[0].first == "user 42");
}

TEST_CASE("a disconnected user is told the reason, if it fits into a close frame", "[api][admin]") {
  ApiFixture fixture;
  const std::string path = "/api/v1/admin/users/x/disconnect";
  CHECK(fixture.call("POST", path, fixture.admin, {{"reason", "left us"}}).status == 200);
  CHECK(fixture.call("POST", path, fixture.admin, json::object()).status == 200);
  const json too_long = {{"reason", std::string(124, 'x')}};
  CHECK(fixture.call("POST", path, fixture.admin, too_long).status == 422);
  REQUIRE(fixture.disconnected.size() == 2);
  CHECK(fixture.disconnected[0].second == "left us");
  CHECK_FALSE(fixture.disconnected[1].second.empty());
}

TEST_CASE("logging out closes the caller's own connections", "[api]") {
  ApiFixture fixture;
  CHECK(fixture.call_anonymously("POST", "/api/v1/auth/logout").status == 401);
  CHECK(fixture.disconnected.empty());
  CHECK(fixture.call("POST", "/api/v1/auth/logout", fixture.customer).status == 200);
  REQUIRE(fixture.disconnected.size() == 1);
  CHECK(fixture.disconnected[0].first == fixture.customer.id);
}

TEST_CASE("stores and products are there for every signed-in user", "[api][catalog]") {
  ApiFixture fixture;
  for (const auto& user : {fixture.customer, fixture.manager2, fixture.admin}) {
    CHECK(data_of(fixture.call("GET", "/api/v1/stores", user)).size() == 2);
  }
  const auto products = [&](const std::string& query) {
    return data_of(fixture.call("GET", "/api/v1/products" + query, fixture.customer));
  };
  CHECK(products("").size() == 3);
  CHECK(products("?storeId=store-9").empty());
  const auto bread = products("?storeId=store-2");
  REQUIRE(bread.size() == 1);
  CHECK(bread[0] ==
        json{{"id", "bread"}, {"storeId", "store-2"}, {"name", "Bread"}, {"price", "180.00"}});
}

TEST_CASE("readiness names the part that stands still, and needs no queue", "[api][ops]") {
  ApiFixture fixture;
  std::optional<std::string> reason;
  bool turns = true;
  fixture.context.not_ready = [&] { return reason; };
  fixture.context.io_turns = [&] { return turns; };
  fixture.full_lane = Lane::ops;
  CHECK(fixture.call_anonymously("GET", "/readyz").status == 200);
  reason = "dispatcher is stalled";
  const auto refused = fixture.call_anonymously("GET", "/readyz");
  CHECK(refused.status == 503);
  CHECK(refused.body.find("dispatcher") != std::string::npos);
  CHECK(fixture.call_anonymously("GET", "/healthz").status == 200);
  turns = false;
  CHECK(fixture.call_anonymously("GET", "/healthz").status == 503);
  CHECK(fixture.lanes_used.empty());
}

TEST_CASE("the parts are among the metrics", "[api][ops]") {
  ApiFixture fixture;
  fixture.context.parts = [] {
    return std::vector<Watchdog::PartState>{{"io-0", std::chrono::milliseconds(1500), true, 2}};
  };
  const auto text = fixture.call_anonymously("GET", "/metrics").body;
  for (const auto* line : {"ordercast_part_still_seconds{part=\"io-0\"} 1.5",
                           "ordercast_part_stalled{part=\"io-0\"} 1",
                           "ordercast_part_stalls_total{part=\"io-0\"} 2"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("a webhook waits for no call of the provider", "[api][ops]") {
  ApiFixture fixture;
  fixture.full_lane = Lane::payment;
  const auto answer = fixture.call_with_token("POST", "/api/v1/payments/webhook", "", "{}");
  CHECK(answer.status != 503);
  CHECK(fixture.lanes_used == std::vector<Lane>{Lane::webhook});
}

TEST_CASE("a node says its name in /healthz, and in /readyz that it may lack changes", "[api]") {
  ApiFixture fixture;
  const auto name = [&] {
    return header_of(fixture.call_anonymously("GET", "/healthz"), "X-Node");
  };
  CHECK(name().empty());
  fixture.context.node = "node-2";
  CHECK(name() == "node-2");

  std::optional<std::string> behind = "the stream isn't heard";
  fixture.context.behind = [&] { return behind; };
  auto ready = fixture.call_anonymously("GET", "/readyz");
  CHECK(ready.status == 200);
  CHECK(ready.body.find(R"("behind":"the stream isn't heard")") != std::string::npos);
  behind.reset();
  ready = fixture.call_anonymously("GET", "/readyz");
  CHECK(ready.status == 200);
  CHECK(ready.body.find("behind") == std::string::npos);
}
