// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"

#include <catch2/catch.hpp>

using namespace order_server;

namespace {

HttpResponse login(ApiFixture& fixture, const std::string& email, const std::string& password) {
  return fixture.call_anonymously("POST", "/api/v1/auth/login",
                                  {{"email", email}, {"password", password}});
}

}  // namespace

TEST_CASE("a login answers tokens that work, whatever the email's case", "[api][auth]") {
  ApiFixture fixture;
  const auto response = login(fixture, "Customer@Example.COM", "customer123");
  REQUIRE(response.status == 200);
  const auto data = data_of(response);
  CHECK(data.size() == 3);
  CHECK(data["requiresOrgSelection"] == false);
  const auto me = fixture.call_with_token("GET", "/api/v1/auth/me", data["accessToken"]);
  REQUIRE(me.status == 200);
  CHECK(data_of(me) == json{{"id", "customer"},
                            {"email", "customer@example.com"},
                            {"name", "User customer"},
                            {"role", "CUSTOMER"},
                            {"organizationId", nullptr},
                            {"organizations", json::array()},
                            {"stores", json::array()}});
  CHECK(fixture.lanes_used.front() == Lane::login);
  CHECK(response.body.find("argon2") == std::string::npos);
  CHECK(me.body.find("argon2") == std::string::npos);
}

TEST_CASE("a member of the staff is told their organization and its stores", "[api][auth]") {
  ApiFixture fixture;
  const auto me = [&](const User& user) {
    return data_of(fixture.call("GET", "/api/v1/auth/me", user));
  };
  CHECK(me(fixture.manager)["organizations"] ==
        json{{{"id", "org-1"}, {"name", "org-1"}, {"role", to_string(fixture.manager.role)}}});
  CHECK(me(fixture.manager)["stores"] == json{{{"id", "store-1"}, {"name", "Corner Shop"}}});
  CHECK(me(fixture.admin)["organizations"].size() == 2);
  CHECK(me(fixture.admin)["stores"].size() == 2);
}

TEST_CASE("wrong password and unknown email are the same 401", "[api][auth]") {
  ApiFixture fixture;
  const auto wrong = login(fixture, "customer@example.com", "customer124");
  const auto unknown = login(fixture, "nobody@example.com", "customer123");
  CHECK(wrong.status == 401);
  CHECK(json::parse(wrong.body)["message"] == "Invalid credentials");
  CHECK(unknown.status == wrong.status);
  CHECK(unknown.body == wrong.body);
  // The password behind the decoy hash opens nothing.
  CHECK(login(fixture, "nobody@example.com", "nobody's password").status == 401);
}

TEST_CASE("ten failures within a minute lock an account, and that account only", "[api][auth]") {
  ApiFixture fixture;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(
        login(fixture, i % 2 == 0 ? "customer@example.com" : "CUSTOMER@example.com", "x").status ==
        401);
  }
  const auto locked = login(fixture, "customer@example.com", "customer123");
  CHECK(locked.status == 429);
  CHECK(header_of(locked, "Retry-After") == "60");
  CHECK(login(fixture, "customer2@example.com", "customer123").status == 200);

  fixture.steady += std::chrono::seconds(59);
  CHECK(login(fixture, "customer@example.com", "customer123").status == 429);
  fixture.steady += std::chrono::seconds(1);
  CHECK(login(fixture, "customer@example.com", "customer123").status == 200);
}

TEST_CASE("an account that does not exist is locked like one that does", "[api][auth]") {
  ApiFixture fixture;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(login(fixture, "nobody@example.com", "x").status == 401);
  }
  CHECK(login(fixture, "nobody@example.com", "x").status == 429);
}

TEST_CASE("a refresh token gets an access token with today's role, and does nothing else",
          "[api][auth]") {
  ApiFixture fixture;
  const auto tokens = data_of(login(fixture, "customer@example.com", "customer123"));
  const std::string refresh_token = tokens["refreshToken"];
  const std::string access_token = tokens["accessToken"];
  const auto refresh = [&](const json& token) {
    return fixture.call_anonymously("POST", "/api/v1/auth/refresh", {{"refreshToken", token}});
  };
  const auto answer = refresh(refresh_token);
  REQUIRE(answer.status == 200);
  CHECK(data_of(answer).size() == 1);
  CHECK(fixture.call_with_token("GET", "/api/v1/auth/me", data_of(answer)["accessToken"]).status ==
        200);

  CHECK(refresh(access_token).status == 401);
  CHECK(refresh("rubbish").status == 401);
  CHECK(refresh(5).status == 422);
  CHECK(fixture.call_with_token("GET", "/api/v1/auth/me", refresh_token).status == 401);
  CHECK(fixture.call_with_token("GET", "/api/v1/orders", refresh_token).status == 401);
  CHECK(refresh(fixture.tokens.issue_refresh(make_user("ghost", Role::customer))).status == 401);
}

TEST_CASE("tokens end: access after 15 minutes, refresh after 30 days", "[api][auth]") {
  ApiFixture fixture;
  const auto tokens = data_of(login(fixture, "customer@example.com", "customer123"));
  const std::string access_token = tokens["accessToken"];
  const auto me = [&] {
    return fixture.call_with_token("GET", "/api/v1/auth/me", access_token).status;
  };
  const auto refresh = [&] {
    return fixture
        .call_anonymously("POST", "/api/v1/auth/refresh",
                          {{"refreshToken", tokens["refreshToken"]}})
        .status;
  };
  fixture.wall += std::chrono::minutes(14);
  CHECK(me() == 200);
  fixture.wall += std::chrono::minutes(1);
  CHECK(me() == 401);
  CHECK(refresh() == 200);
  fixture.wall += std::chrono::hours(24 * 30) - std::chrono::minutes(16);
  CHECK(refresh() == 200);
  fixture.wall += std::chrono::minutes(1);
  CHECK(refresh() == 401);
}

TEST_CASE("every call but login, refresh and health needs an access token", "[api][auth]") {
  ApiFixture fixture;
  const std::string other =
      Tokens({"another secret of 32 bytes or more"}).issue_access(fixture.admin);
  for (const auto& [method, target] : std::vector<std::pair<std::string, std::string>>{
           {"GET", "/api/v1/auth/me"},
           {"GET", "/api/v1/stores"},
           {"GET", "/api/v1/products"},
           {"GET", "/api/v1/orders"},
           {"GET", "/api/v1/orders/x"},
           {"POST", "/api/v1/orders"},
           {"PATCH", "/api/v1/orders/x/status"},
           {"POST", "/api/v1/orders/x/cancel"},
           {"POST", "/api/v1/orders/x/payment/verify"},
           {"POST", "/api/v1/devices"},
           {"DELETE", "/api/v1/devices"},
           {"POST", "/api/v1/device-tokens"},
           {"DELETE", "/api/v1/device-tokens"},
           {"PATCH", "/api/v1/orders/x/payment-status"},
           {"POST", "/api/v1/orders/bulk-status"},
           {"POST", "/api/v1/admin/users/x/disconnect"}}) {
    CAPTURE(method, target);
    for (const auto& token : {std::string(), std::string("rubbish"), other}) {
      const auto response = fixture.call_with_token(method, target, token, "{}");
      CHECK(response.status == 401);
      CHECK(header_of(response, "WWW-Authenticate") == "Bearer");
    }
  }
  CHECK(fixture.lanes_used.empty());
}

TEST_CASE("a token counts in the Authorization header and nowhere else", "[api][auth]") {
  ApiFixture fixture;
  const auto token = fixture.token_of(fixture.customer);
  CHECK(fixture.call_anonymously("GET", "/api/v1/auth/me?token=" + token).status == 401);
  CHECK(fixture.send({"GET", "/api/v1/auth/me", {{"Authorization", "Basic " + token}}, "", ""})
            .status == 401);
  CHECK(fixture.send({"GET", "/api/v1/auth/me", {{"authorization", "bearer " + token}}, "", ""})
            .status == 200);
}

TEST_CASE("a login flood from one address is slowed down, from loopback it is not", "[api][auth]") {
  ApiFixture fixture;
  const auto from = [&](const std::string& address, const std::string& forwarded = {}) {
    HttpRequest request{"POST", "/api/v1/auth/login", {}, "{}", address};
    request.headers.push_back({"Content-Type", "application/json"});
    if (!forwarded.empty()) request.headers.push_back({"X-Forwarded-For", forwarded});
    return fixture.send(std::move(request)).status;
  };
  for (int i = 0; i < 3; ++i) CHECK(from("192.0.2.7") == 422);
  CHECK(from("192.0.2.7") == 429);
  CHECK(from("192.0.2.8") == 422);
  // Only a trusted proxy's header counts.
  CHECK(from("10.0.0.1", "192.0.2.7") == 429);
  CHECK(from("192.0.2.7", "192.0.2.9") == 429);
  for (int i = 0; i < 20; ++i) CHECK(from("127.0.0.1") == 422);
  fixture.steady += std::chrono::seconds(1);
  CHECK(from("192.0.2.7") == 422);
}
