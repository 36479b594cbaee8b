// SPDX-License-Identifier: MIT
#include "order_server.hpp"

#include <catch2/catch.hpp>

#include <ctime>
#include <string>

using namespace ordercast::test;

namespace {

void check_failure(const ApiReply& reply, int status) {
  INFO(reply.body);
  CHECK(reply.status == status);
  CHECK(keys_of(reply.json) == std::set<std::string>{"success", "error", "message", "statusCode"});
  CHECK(member(reply.json, "success") == false);
  CHECK(integer_of(reply.json, "statusCode") == status);
  CHECK_FALSE(text_of(reply.json, "error").empty());
  CHECK_FALSE(text_of(reply.json, "message").empty());
}

}  // namespace

TEST_CASE("login answers two tokens with the claims of the contract", "[auth]") {
  OrderServer server;
  const auto reply = server.anonymous().login("manager@martly.dev", "manager123");
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  CHECK(member(reply.json, "success") == true);
  CHECK(member(reply.data(), "requiresOrgSelection") == false);

  const auto access = claims_of(text_of(reply.data(), "accessToken"));
  CHECK(text_of(access, "role") == "ORG_ADMIN");
  CHECK(text_of(access, "organizationId") == "org-1");
  CHECK(text_of(access, "email") == "manager@martly.dev");
  CHECK_FALSE(text_of(access, "sub").empty());
  CHECK(integer_of(access, "exp") - integer_of(access, "iat") == 15 * 60);
  CHECK(member(access, "type").is_null());

  const auto refresh = claims_of(text_of(reply.data(), "refreshToken"));
  CHECK(text_of(refresh, "type") == "refresh");
  CHECK(text_of(refresh, "sub") == text_of(access, "sub"));
  CHECK(integer_of(refresh, "exp") - integer_of(refresh, "iat") == 30 * 24 * 3600);
}

TEST_CASE("only organisation roles carry an organizationId", "[auth]") {
  CHECK(demo().admin.role == "SUPER_ADMIN");
  CHECK(demo().admin.organization_id.empty());
  CHECK(demo().manager2.role == "ORG_ADMIN");
  CHECK(demo().manager2.organization_id == "org-2");
  CHECK(demo().customer.role == "CUSTOMER");
  CHECK(demo().customer.organization_id.empty());
}

TEST_CASE("a wrong password and an unknown account get the same 401", "[auth]") {
  OrderServer server;
  const auto wrong = server.anonymous().login("customer@martly.dev", "customer124");
  check_failure(wrong, 401);
  CHECK(wrong.body.find("Invalid credentials") != std::string::npos);
  const auto unknown = server.anonymous().login("nobody@martly.dev", "customer123");
  CHECK(unknown.status == 401);
  CHECK(unknown.body == wrong.body);
}

TEST_CASE("a login that is no login is refused and never a crash", "[auth]") {
  OrderServer server;
  const std::string target = "/api/v1/auth/login";
  for (const auto* body :
       {"", "{", "[]", "null", "\"text\"", R"({"email":"admin@martly.dev"})",
        R"({"email":1,"password":true})", R"({"email":"admin@martly.dev","password":null})"}) {
    CAPTURE(body);
    const auto reply =
        server.anonymous().call("POST", target, body, {{"Content-Type", "application/json"}});
    CHECK((reply.status == 400 || reply.status == 422));
    CHECK(integer_of(reply.json, "statusCode") == reply.status);
  }
  const auto deep = server.anonymous().call("POST", target, std::string(60'000, '['));
  CHECK((deep.status == 400 || deep.status == 422));
  CHECK(server.anonymous().login("admin@martly.dev", "admin123").status == 200);
}

TEST_CASE("ten failed logins close an account for a while, and that account only", "[auth]") {
  OrderServer server;
  const auto fail = [&](const std::string& email) {
    return server.anonymous().login(email, "not the password");
  };
  for (int i = 0; i < 9; ++i) REQUIRE(fail("customer@martly.dev").status == 401);
  // The tenth attempt in another case: it must count for the same account.
  REQUIRE(fail("Customer@Martly.dev").status == 401);

  const auto limited = fail("customer@martly.dev");
  check_failure(limited, 429);
  const auto wait = limited.header("Retry-After");
  CAPTURE(wait);
  CHECK(std::atoi(wait.c_str()) >= 1);
  CHECK(std::atoi(wait.c_str()) <= 60);

  CHECK(server.anonymous().login("customer@martly.dev", "customer123").status == 429);
  CHECK(server.anonymous().login("customer2@martly.dev", "customer123").status == 200);
}

TEST_CASE("an account that does not exist is limited like one that does", "[auth]") {
  OrderServer server;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(server.anonymous().login("nobody@martly.dev", "x").status == 401);
  }
  CHECK(server.anonymous().login("nobody@martly.dev", "x").status == 429);
}

TEST_CASE("good logins are not counted against an account", "[auth]") {
  OrderServer server;
  for (int i = 0; i < 12; ++i) {
    REQUIRE(server.anonymous().login("customer@martly.dev", "customer123").status == 200);
  }
}

TEST_CASE("a refresh token gets a new access token, an access token does not", "[auth]") {
  OrderServer server;
  const auto login = server.anonymous().login("customer@martly.dev", "customer123");
  const auto access = text_of(login.data(), "accessToken");
  const auto refresh = text_of(login.data(), "refreshToken");
  const auto ask = [&](const std::string& token) {
    return server.anonymous().post("/api/v1/auth/refresh", {{"refreshToken", token}});
  };

  const auto renewed = ask(refresh);
  INFO(renewed.body);
  REQUIRE(renewed.status == 200);
  const auto token = text_of(renewed.data(), "accessToken");
  CHECK(text_of(claims_of(token), "sub") == demo().customer.id);
  CHECK(text_of(claims_of(token), "role") == "CUSTOMER");
  CHECK(member(claims_of(token), "type").is_null());
  CHECK(server.as(token).get("/api/v1/auth/me").status == 200);

  CHECK(ask(access).status == 401);
  CHECK(ask("").status / 100 == 4);
  CHECK(ask("a.b.c").status == 401);
}

TEST_CASE("a refresh token opens nothing but refresh", "[auth]") {
  OrderServer server;
  const auto login = server.anonymous().login("admin@martly.dev", "admin123");
  const auto refresh = text_of(login.data(), "refreshToken");
  REQUIRE_FALSE(refresh.empty());
  check_failure(server.as(refresh).get("/api/v1/auth/me"), 401);
  check_failure(server.as(refresh).get("/api/v1/orders"), 401);
}

TEST_CASE("me answers the caller without a word about the password", "[auth]") {
  OrderServer server;
  const auto reply = server.as(demo().manager).get("/api/v1/auth/me");
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  CHECK(text_of(reply.data(), "id") == demo().manager.id);
  CHECK(text_of(reply.data(), "email") == "manager@martly.dev");
  CHECK(text_of(reply.data(), "role") == "ORG_ADMIN");
  CHECK(reply.body.find("argon2") == std::string::npos);
  CHECK(keys_of(reply.data()).count("passwordHash") == 0);
}

TEST_CASE("every call but login, refresh and the operator's needs a token", "[auth]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer), "id");
  const auto nobody = server.anonymous();
  check_failure(nobody.get("/api/v1/auth/me"), 401);
  check_failure(nobody.get("/api/v1/stores"), 401);
  check_failure(nobody.get("/api/v1/products"), 401);
  check_failure(nobody.get("/api/v1/orders"), 401);
  check_failure(nobody.order(id), 401);
  check_failure(nobody.order("no-such-order"), 401);
  check_failure(nobody.post("/api/v1/orders", Json::object()), 401);
  check_failure(nobody.set_status(id, "CONFIRMED"), 401);
  check_failure(nobody.cancel(id), 401);
  check_failure(nobody.verify_payment(id, "a", "b", "c"), 401);
  check_failure(nobody.post("/api/v1/devices", {{"token", "t"}, {"platform", "android"}}), 401);
  CHECK(text_of(server.order(id), "status") == "PENDING");
}

TEST_CASE("a bad access token is 401, whatever is bad about it", "[auth]") {
  OrderServer server;
  auto claims = access_claims(demo().admin.id, "SUPER_ADMIN");
  std::string token;
  SECTION("no token at all") {
    token = "x";
  }
  SECTION("another key's signature") {
    token = sign_token(std::string(40, 'k'), claims);
  }
  SECTION("expired") {
    claims["exp"] = static_cast<long long>(std::time(nullptr)) - 1;
    token = sign_token(jwt_secret, claims);
  }
  SECTION("never expiring") {
    claims.erase("exp");
    token = sign_token(jwt_secret, claims);
  }
  SECTION("waiting for an organisation to be chosen") {
    claims["type"] = "org-select";
    token = sign_token(jwt_secret, claims);
  }
  SECTION("unsigned") {
    token = base64url(R"({"alg":"none","typ":"JWT"})") + "." + base64url(claims.dump()) + ".";
  }
  SECTION("a role that does not exist") {
    claims["role"] = "EMPEROR";
    token = sign_token(jwt_secret, claims);
  }
  check_failure(server.as(token).get("/api/v1/orders"), 401);
  REQUIRE(server.as(demo().admin).get("/api/v1/orders").status == 200);
}

TEST_CASE("any user may register and remove a device", "[auth]") {
  OrderServer server;
  const auto customer = server.as(demo().customer);
  const Json device = {{"token", "fcm-token-of-a-phone"}, {"platform", "android"}};
  CHECK(customer.post("/api/v1/devices", device).status == 200);
  CHECK(customer.post("/api/v1/devices", device).status == 200);
  CHECK(customer.remove("/api/v1/devices", device).status == 200);
  const auto nameless = customer.post("/api/v1/devices", {{"platform", "android"}});
  CHECK((nameless.status == 400 || nameless.status == 422));
}
