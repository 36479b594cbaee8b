// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"

#include <catch2/catch.hpp>

using namespace order_server;

namespace {

int me(ApiFixture& fixture, const std::string& token) {
  return fixture.call_with_token("GET", "/api/v1/auth/me", token).status;
}

/// /ws uses the same object.
bool may_connect(ApiFixture& fixture, const std::string& token) {
  return std::holds_alternative<ordercast::Identity>(fixture.tokens.authenticate(token));
}

HttpResponse refresh(ApiFixture& fixture, const std::string& token) {
  return fixture.call_anonymously("POST", "/api/v1/auth/refresh", {{"refreshToken", token}});
}

HttpResponse logout(ApiFixture& fixture, const std::string& access, const std::string& body = "") {
  return fixture.call_with_token("POST", "/api/v1/auth/logout", access, body);
}

std::int64_t devices(ApiFixture& fixture) {
  return number_in(fixture.directory.file(), "SELECT count(*) FROM devices");
}

void register_device(ApiFixture& fixture, const std::string& access, const std::string& device) {
  REQUIRE(fixture
              .call_with_token("POST", "/api/v1/devices", access,
                               json{{"token", device}, {"platform", "web"}}.dump())
              .status == 200);
}

}  // namespace

TEST_CASE("a logout ends its own sign-in at once, and no other", "[api][auth][sessions]") {
  ApiFixture fixture;
  const auto phone = sign_in(fixture);
  const auto tablet = sign_in(fixture);
  const std::string renewed = data_of(refresh(fixture, phone.refresh))["accessToken"];
  register_device(fixture, phone.access, "phone");
  register_device(fixture, tablet.access, "tablet");
  // Both tokens are cached now.
  REQUIRE(me(fixture, phone.access) == 200);
  REQUIRE(me(fixture, renewed) == 200);

  REQUIRE(logout(fixture, phone.access).status == 200);
  for (const auto& token : {phone.access, renewed}) {
    CHECK(me(fixture, token) == 401);
    CHECK_FALSE(may_connect(fixture, token));
  }
  CHECK(refresh(fixture, phone.refresh).status == 401);
  CHECK(devices(fixture) == 1);
  REQUIRE(fixture.disconnected.size() == 1);
  CHECK(fixture.disconnected[0].first == "customer");
  CHECK(fixture.disconnected[0].second.rfind("session ", 0) == 0);

  CHECK(me(fixture, tablet.access) == 200);
  CHECK(may_connect(fixture, tablet.access));
  CHECK(refresh(fixture, tablet.refresh).status == 200);
}

TEST_CASE("a logout with a refresh token ends the sign-in of that token", "[api][auth][sessions]") {
  ApiFixture fixture;
  const auto lost = sign_in(fixture);
  const auto here = sign_in(fixture);
  REQUIRE(logout(fixture, here.access, json{{"refreshToken", lost.refresh}}.dump()).status == 200);
  CHECK(me(fixture, lost.access) == 401);
  CHECK(refresh(fixture, lost.refresh).status == 401);
  CHECK(me(fixture, here.access) == 200);

  const auto other = sign_in(fixture, "customer2@example.com");
  CHECK(logout(fixture, here.access, json{{"refreshToken", other.refresh}}.dump()).status == 400);
  CHECK(me(fixture, other.access) == 200);
  CHECK(logout(fixture, here.access, json{{"everywhere", "yes"}}.dump()).status == 422);
  CHECK(me(fixture, here.access) == 200);
}

TEST_CASE("a logout everywhere ends all sign-ins of the user, nameless tokens too",
          "[api][auth][sessions]") {
  ApiFixture fixture;
  const auto phone = sign_in(fixture);
  const auto tablet = sign_in(fixture);
  const auto other = sign_in(fixture, "customer2@example.com");
  register_device(fixture, phone.access, "phone");
  register_device(fixture, other.access, "other");
  const auto nameless = fixture.token_of(fixture.customer);
  const auto nameless_refresh = fixture.tokens.issue_refresh(fixture.customer);

  REQUIRE(logout(fixture, phone.access, json{{"everywhere", true}}.dump()).status == 200);
  for (const auto& token : {phone.access, tablet.access, nameless}) {
    CHECK(me(fixture, token) == 401);
    CHECK_FALSE(may_connect(fixture, token));
  }
  for (const auto& token : {phone.refresh, tablet.refresh, nameless_refresh}) {
    CHECK(refresh(fixture, token).status == 401);
  }
  CHECK(devices(fixture) == 1);
  CHECK(me(fixture, other.access) == 200);

  fixture.wall += std::chrono::seconds(1);
  CHECK(me(fixture, sign_in(fixture).access) == 200);
  CHECK(me(fixture, fixture.token_of(fixture.customer)) == 200);
}

TEST_CASE("a logout removes the device that it names", "[api][auth][sessions]") {
  ApiFixture fixture;
  const auto phone = sign_in(fixture);
  fixture.store.add_device("customer", "old-device", "web", 1);
  REQUIRE(logout(fixture, phone.access, json{{"deviceToken", "old-device"}}.dump()).status == 200);
  CHECK(devices(fixture) == 0);
}

TEST_CASE("a device that signed in anew outlives the logout of its old sign-in",
          "[api][auth][sessions]") {
  ApiFixture fixture;
  const auto old = sign_in(fixture);
  register_device(fixture, old.access, "phone");
  const auto anew = sign_in(fixture);
  register_device(fixture, anew.access, "phone");
  REQUIRE(logout(fixture, old.access).status == 200);
  CHECK(devices(fixture) == 1);
  REQUIRE(logout(fixture, anew.access).status == 200);
  CHECK(devices(fixture) == 0);
}

TEST_CASE("a sign-in that was made elsewhere under the same secret can be ended too",
          "[api][auth][sessions]") {
  ApiFixture fixture;
  const auto access = fixture.tokens.issue_access(fixture.customer, "elsewhere");
  const auto other = fixture.tokens.issue_access(fixture.customer, "elsewhere-too");
  const auto refresh_token = fixture.tokens.issue_refresh(fixture.customer, "elsewhere");
  REQUIRE(logout(fixture, access).status == 200);
  CHECK(me(fixture, access) == 401);
  CHECK(refresh(fixture, refresh_token).status == 401);
  CHECK(me(fixture, other) == 200);

  fixture.wall += std::chrono::seconds(1);
  REQUIRE(logout(fixture, sign_in(fixture).access, R"({"everywhere":true})").status == 200);
  CHECK(me(fixture, other) == 401);
}

TEST_CASE("what has ended is still known after a restart", "[api][auth][sessions]") {
  ApiFixture fixture;
  const auto phone = sign_in(fixture);
  REQUIRE(logout(fixture, phone.access).status == 200);
  const auto ended = fixture.store.sessions_ended_since(0);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].user_id == "customer");
  CHECK_FALSE(ended[0].id.empty());
  Tokens restarted{[&] {
    TokenOptions options;
    options.secret = test_jwt_secret;
    options.now = [&] { return fixture.wall; };
    return options;
  }()};
  restarted.revoke(ended[0].user_id, ended[0].id, ended[0].ended_at_ms);
  CHECK(std::holds_alternative<ordercast::AuthFailure>(restarted.authenticate(phone.access)));
}
