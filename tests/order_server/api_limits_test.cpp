// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>

using namespace order_server;

namespace {

HttpResponse from(ApiFixture& fixture, const std::string& address,
                  std::vector<HttpHeader> headers = {}) {
  headers.push_back({"Content-Type", "application/json"});
  return fixture.send({"POST", "/api/v1/auth/login", std::move(headers), "{}", address});
}

}  // namespace

TEST_CASE("a user takes turns on every lane, and who has no token yet by address", "[api]") {
  ApiFixture fixture;
  fixture.call("GET", "/api/v1/orders", fixture.customer);
  fixture.call("POST", "/api/v1/orders", fixture.customer, fixture.order_request());
  fixture.call("POST", "/api/v1/orders/x/payment", fixture.customer2);
  from(fixture, "192.0.2.1");
  from(fixture, "2001:db8:1:2::1");
  from(fixture, "2001:db8:1:2::2");
  from(fixture, "10.0.0.7", {{"X-Forwarded-For", "192.0.2.1:40000"}});
  CHECK(fixture.owners ==
        std::vector<std::string>{"user customer", "user customer", "user customer2",
                                 "address 192.0.2.1", "address 2001:db8:1:2::/64",
                                 "address 2001:db8:1:2::/64", "address 192.0.2.1"});
}

TEST_CASE("logins from one network of IPv6 share a limit, whatever a proxy writes around them",
          "[api][auth]") {
  ApiFixture fixture;
  for (int i = 1; i <= 3; ++i) {
    CHECK(from(fixture, "2001:db8:1:2::" + std::to_string(i)).status == 422);
  }
  CHECK(from(fixture, "2001:db8:1:2::9").status == 429);
  CHECK(from(fixture, "10.0.0.1", {{"Forwarded", "for=\"[2001:db8:1:2::a]:4711\";proto=https"}})
            .status == 429);
  CHECK(from(fixture, "10.0.0.1", {{"X-Forwarded-For", "[2001:db8:1:2::a]:4711"}}).status == 429);
  CHECK(from(fixture, "2001:db8:1:3::1").status == 422);
  // The proxy itself is not limited.
  for (int i = 0; i < 10; ++i) CHECK(from(fixture, "10.0.0.1").status == 422);
}

TEST_CASE("clients that a proxy does not name share a limit for logins and for handshakes",
          "[api][auth]") {
  ApiFixture fixture;
  const std::vector<HttpHeader> unreadable{{"X-Forwarded-For", "junk"},
                                           {"X-Forwarded-For", ""},
                                           {"Forwarded", "for=_hidden"},
                                           {"Forwarded", "for=\"x, for=10.0.0.2"}};
  for (int i = 0; i < 3; ++i) CHECK(from(fixture, "10.0.0.1", {unreadable[0]}).status == 422);
  for (const auto& header : unreadable) {
    CAPTURE(header.value);
    CHECK(from(fixture, "10.0.0.1", {header}).status == 429);
  }
  CHECK(from(fixture, "10.0.0.1", {{"Forwarded", "for=\"x, for=198.51.100.9"}}).status == 422);

  const auto handshake = [&](std::size_t i) {
    const auto refusal =
        fixture.api.refuse_handshake({"GET", "/ws", {unreadable[i % 4]}, "", "10.0.0.1"});
    return refusal ? refusal->status : 101;
  };
  std::size_t opened = 0;
  while (opened < 10 && handshake(opened) == 101) ++opened;
  CHECK(opened == 4);
}

TEST_CASE("a user has so many writes a second, and others have theirs", "[api]") {
  ApiFixture fixture;
  fixture.api.limit_writes({{1, 3}, {2, 4}});
  const auto cancel = [&](const User& user) {
    return fixture.call("POST", "/api/v1/orders/x/cancel", user);
  };
  for (int i = 0; i < 3; ++i) CHECK(cancel(fixture.customer).status == 404);
  const auto refused = cancel(fixture.customer);
  CHECK(refused.status == 429);
  CHECK(header_of(refused, "Retry-After") == "1");
  CHECK(cancel(fixture.customer2).status == 404);
  // Every kind of write counts; reads and logouts do not.
  CHECK(fixture.call("DELETE", "/api/v1/devices", fixture.customer, {{"token", "t"}}).status ==
        429);
  CHECK(fixture.call("GET", "/api/v1/orders", fixture.customer).status == 200);
  CHECK(fixture.call("POST", "/api/v1/auth/logout", fixture.customer2).status == 200);

  for (int i = 0; i < 4; ++i) CHECK(fixture.set_status("x", "READY", fixture.rider).status == 404);
  CHECK(fixture.set_status("x", "READY", fixture.rider).status == 429);
  fixture.steady += std::chrono::seconds(1);
  CHECK(cancel(fixture.customer).status == 404);
  CHECK(cancel(fixture.customer).status == 429);
}

TEST_CASE("on loopback only loopback names are answered, before anything else", "[api][hosts]") {
  ApiFixture fixture;
  fixture.api.answer_to({{"shop.example"}, true});
  const auto with_host = [&](const std::string& host, std::vector<HttpHeader> headers = {},
                             const std::string& peer = "127.0.0.1") {
    headers.push_back({"Host", host});
    return fixture.send({"GET", "/healthz", std::move(headers), "", peer});
  };
  for (const auto* host :
       {"localhost", "localhost:7001", "LOCALHOST", "a.localhost:1", "127.0.0.1", "127.9.9.9:80",
        "[::1]:7001", "localhost.", "shop.example", "Shop.Example:443", ""}) {
    CAPTURE(host);
    CHECK(with_host(host).status == 200);
  }
  for (const auto* host : {"rebind.evil.example:7001", "localhost.evil.example", "notlocalhost",
                           "127.0.0.1.evil.example", "192.0.2.1", "[::2]", "a.shop.example"}) {
    CAPTURE(host);
    const auto response = with_host(host, {{"Origin", "http://" + std::string(host)}});
    CHECK(response.status == 421);
    CHECK(count_headers(response, "Access-Control-Allow-Origin") == 0);
    const auto refusal = fixture.api.refuse_handshake(
        {"GET", "/ws", {{"Host", host}, {"Origin", "http://" + std::string(host)}}, "", ""});
    REQUIRE(refusal);
    CHECK(refusal->status == 421);
  }
  // Only a trusted proxy's X-Forwarded-Host counts.
  CHECK(with_host("evil", {{"X-Forwarded-Host", "shop.example"}}, "10.0.0.1").status == 200);
  CHECK(with_host("localhost", {{"X-Forwarded-Host", "evil"}}, "10.0.0.1").status == 421);
  CHECK(with_host("evil", {{"X-Forwarded-Host", "shop.example"}}, "192.0.2.1").status == 421);

  fixture.api.answer_to({{}, false});
  CHECK(with_host("anything.example").status == 200);
}

TEST_CASE("what a client no longer waits for is not done, whatever it is", "[api]") {
  ApiFixture fixture;
  const auto id = fixture.place_order(fixture.customer).at("id").get<std::string>();
  const auto version = fixture.stored_version(id);
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  int answers = 0;
  const auto send = [&](std::string method, std::string target, const User& user,
                        std::string body) {
    HttpRequest request{std::move(method),
                        std::move(target),
                        {{"Authorization", "Bearer " + fixture.token_of(user)},
                         {"Content-Type", "application/json"}},
                        std::move(body),
                        "127.0.0.1"};
    request.client_gone = gone;
    fixture.api.handle(std::move(request), [&](const HttpResponse&) { ++answers; });
  };
  const auto send_all = [&] {
    gone->store(false);
    send("GET", "/api/v1/orders", fixture.customer, "");
    gone->store(false);
    send("PATCH", "/api/v1/orders/" + id + "/status", fixture.manager, R"({"status":"CONFIRMED"})");
    gone->store(false);
    send("POST", "/api/v1/auth/login", fixture.customer,
         R"({"email":"customer@example.com","password":"customer123"})");
  };
  // The clients leave while their requests are queued.
  fixture.before_job = [&] { gone->store(true); };
  send_all();
  CHECK(answers == 0);
  CHECK(fixture.stored_version(id) == version);

  fixture.before_job = nullptr;
  send_all();
  CHECK(answers == 3);
  CHECK(fixture.stored_version(id) == version + 1);
}
