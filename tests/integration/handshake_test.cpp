// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <ctime>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// Returns how the server closes a connection with this target and these headers after the
/// handshake.
CloseInfo refused(const OrderServer& server, const std::string& target,
                  const Headers& headers = {}) {
  WsClient client;
  REQUIRE(client.connect("127.0.0.1", server.port(), target, headers));
  CHECK_FALSE(client.next_text(patience).has_value());
  const auto closed = client.expect_close(patience);
  REQUIRE(closed.has_value());
  return *closed;
}

void check_refused(const CloseInfo& closed, const std::string& reason) {
  CHECK(closed.code == 4001);
  CHECK(closed.reason == reason);
}

/// Encodes a token like a browser's encodeURIComponent.
std::string percent_encode(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '.' || c == '-' || c == '_';
    out += plain ? std::string(1, c) : "%" + hex(std::string(1, c));
  }
  return out;
}

bool alive(WsClient& client) {
  return client.send_text(R"({"type":"ping"})") &&
         client.next_text(patience) == R"({"type":"pong"})";
}

Headers websocket_headers(const std::string& origin) {
  return {{"Upgrade", "websocket"},
          {"Connection", "Upgrade"},
          {"Sec-WebSocket-Key", WsClient::key},
          {"Sec-WebSocket-Version", "13"},
          {"Origin", origin}};
}

/// The answer to the handshake of a page from `origin`.
int handshake_status(const OrderServer& server, const std::string& origin) {
  return http_request("127.0.0.1", server.port(), "GET", ws_target(demo().customer.token),
                      websocket_headers(origin))
      .status;
}

}  // namespace

TEST_CASE("a missing token completes the handshake and closes with 4001", "[handshake]") {
  OrderServer server;
  check_refused(refused(server, "/ws"), "Missing token");
  check_refused(refused(server, "/ws?token="), "Missing token");
  check_refused(refused(server, "/ws?other=1"), "Missing token");
}

TEST_CASE("a bad token completes the handshake and closes with 4001", "[handshake]") {
  OrderServer server;
  auto claims = access_claims(demo().admin.id, "SUPER_ADMIN");
  const auto good = sign_token(jwt_secret, claims);
  const auto now = static_cast<long long>(std::time(nullptr));
  const auto with = [&](const std::string& name, const Json& value) {
    auto changed = claims;
    changed[name] = value;
    return sign_token(jwt_secret, changed);
  };
  const auto without = [&](const std::string& name) {
    auto changed = claims;
    changed.erase(name);
    return sign_token(jwt_secret, changed);
  };
  const auto with_header = [&](const std::string& header) {
    return sign_token(jwt_secret, header, claims.dump());
  };
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"rubbish", "rubbish"},
      {"two parts", good.substr(0, good.rfind('.'))},
      {"four parts", good + ".x"},
      {"an empty signature", good.substr(0, good.rfind('.') + 1)},
      {"another key", sign_token(std::string(40, 'k'), claims)},
      {"an empty key", sign_token("", claims)},
      {"a flipped signature", good.substr(0, good.size() - 5) + "AAAAA"},
      {"expired", with("exp", now - 1)},
      {"exp -1", with("exp", -1)},
      {"exp that is text", with("exp", std::to_string(now + 3600))},
      {"no exp", without("exp")},
      {"no sub", without("sub")},
      {"no role", without("role")},
      {"an unknown role", with("role", "EMPEROR")},
      {"a refresh token", with("type", "refresh")},
      {"an org-select token", with("type", "org-select")},
      {"a type that does not exist", with("type", "whatever")},
      {"not yet valid", with("nbf", now + 3600)},
      {"alg none", base64url(R"({"alg":"none"})") + "." + base64url(claims.dump()) + "."},
      {"alg none, signed", with_header(R"({"alg":"none","typ":"JWT"})")},
      {"alg HS512 in the header", with_header(R"({"alg":"HS512","typ":"JWT"})")},
      {"alg RS256 in the header", with_header(R"({"alg":"RS256","typ":"JWT"})")},
      {"alg in lower case", with_header(R"({"alg":"hs256","typ":"JWT"})")},
      {"no alg", with_header(R"({"typ":"JWT"})")},
      {"alg that is no text", with_header(R"({"alg":["HS256"]})")},
      {"a critical extension", with_header(R"({"alg":"HS256","crit":["x"],"x":1})")},
      {"a header that is no object", with_header("[]")},
      {"claims that are no object", sign_token(jwt_secret, hs256_header, "[]")},
      {"claims that are no JSON", sign_token(jwt_secret, hs256_header, "{")},
      {"duplicate claims",
       sign_token(jwt_secret, hs256_header,
                  R"({"sub":"u","role":"CUSTOMER","role":"SUPER_ADMIN","exp":)" +
                      std::to_string(now + 3600) + "}")},
      {"bytes above 0x7F", "\xff\xfe.\x80\x80.\x80"},
      {"deep claims", sign_token(jwt_secret, hs256_header, std::string(2000, '['))},
      {"5 KiB", with("filler", std::string(5 * 1024, 'x'))},
  };
  for (const auto& [what, token] : bad) {
    CAPTURE(what);
    check_refused(refused(server, "/ws", {{"Authorization", "Bearer " + token}}), "Invalid token");
    check_refused(refused(server, ws_target(percent_encode(token))), "Invalid token");
  }
  // After all that, the server still accepts a good token.
  WsClient client;
  REQUIRE(client.connect("127.0.0.1", server.port(), ws_target(good)));
  CHECK(alive(client));
}

TEST_CASE("an organisation role without an organisation sees nothing", "[handshake]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer), "id");
  WsClient client;
  REQUIRE(client.connect("127.0.0.1", server.port(), ws_target(token_for("lost", "ORG_ADMIN"))));
  client.send_text(R"({"type":"subscribe","since":0,"orderId":")" + id + R"("})");
  const auto answer = client.next_text(patience);
  if (answer) {
    CHECK(error_of("subscription_denied")(parse_json(*answer)));
  } else {
    CHECK(client.expect_close(patience).value_or(CloseInfo{}).code == 4001);
  }
}

TEST_CASE("the token may come in the query, a header or a subprotocol", "[handshake]") {
  OrderServer server;
  const auto& token = demo().customer.token;
  WsClient client;
  SECTION("query") {
    REQUIRE(client.connect("127.0.0.1", server.port(), "/ws?token=" + token));
    CHECK(client.handshake().header("Sec-WebSocket-Protocol").empty());
  }
  SECTION("Authorization") {
    REQUIRE(
        client.connect("127.0.0.1", server.port(), "/ws", {{"Authorization", "Bearer " + token}}));
  }
  SECTION("subprotocol") {
    REQUIRE(client.connect("127.0.0.1", server.port(), "/ws",
                           {{"Sec-WebSocket-Protocol", "ordercast.v1, bearer." + token}}));
    // The answer must not contain the token: a proxy may log it.
    CHECK(client.handshake().header("Sec-WebSocket-Protocol") == "ordercast.v1");
  }
  SECTION("subprotocol, the other way round") {
    REQUIRE(client.connect("127.0.0.1", server.port(), "/ws",
                           {{"Sec-WebSocket-Protocol", "bearer." + token + ",ordercast.v1"}}));
    CHECK(client.handshake().header("Sec-WebSocket-Protocol") == "ordercast.v1");
  }
  CHECK(alive(client));
}

TEST_CASE("a validly signed token is good though its sub is not in the database", "[handshake]") {
  OrderServer server;
  Watcher rider(server, token_for("not-in-the-database", "RIDER", "org-1"));
  rider.read_until_pong();
  const auto id = text_of(server.new_order(demo().customer, "org-1"), "id");
  CHECK(hint_of(id)(rider.next()));
}

TEST_CASE("a connection outlives its token, the next connection does not", "[handshake]") {
  OrderServer server;
  auto claims = access_claims(demo().customer.id, "CUSTOMER");
  claims["exp"] = static_cast<long long>(std::time(nullptr)) + 2;
  const auto token = sign_token(jwt_secret, claims);
  Watcher early(server, token);
  early.read_until_pong();
  REQUIRE(eventually([&] {
    WsClient late;
    if (!late.connect("127.0.0.1", server.port(), ws_target(token)) || alive(late)) return false;
    return late.expect_close(patience).value_or(CloseInfo{}).code == 4001;
  }));
  early.read_until_pong();
  const auto id = text_of(server.new_order(demo().customer), "id");
  CHECK(hint_of(id)(early.next()));
}

TEST_CASE("a user's 21st connection is closed with 4008 and takes no one else's place",
          "[handshake]") {
  OrderServer server;
  std::vector<WsClient> tabs(20);
  for (auto& tab : tabs) {
    REQUIRE(tab.connect("127.0.0.1", server.port(), ws_target(demo().customer.token)));
    REQUIRE(alive(tab));
  }
  CHECK(refused(server, ws_target(demo().customer.token)).code == 4008);
  for (auto& tab : tabs) CHECK(alive(tab));

  WsClient other;
  REQUIRE(other.connect("127.0.0.1", server.port(), ws_target(demo().customer2.token)));
  CHECK(alive(other));

  REQUIRE(tabs.back().close());
  tabs.pop_back();
  CHECK(eventually([&] {
    WsClient again;
    return again.connect("127.0.0.1", server.port(), ws_target(demo().customer.token)) &&
           alive(again);
  }));
}

TEST_CASE("a browser on a foreign page gets no handshake", "[handshake]") {
  OrderServer server({"--allowed-origins", "https://shop.example,https://admin.example"});
  const auto status = [&](const std::string& origin) { return handshake_status(server, origin); };
  CHECK(status("https://shop.example") == 101);
  CHECK(status("https://admin.example") == 101);
  CHECK(status("http://localhost") == 101);  // The Host that these requests carry: same origin.
  for (const auto* foreign :
       {"https://evil.example", "http://shop.example", "https://shop.example.evil.example",
        "https://shop.example:8443", "https://evil.example/https://shop.example", "null"}) {
    CAPTURE(foreign);
    CHECK(status(foreign) == 403);
  }
}

TEST_CASE("with no allow-list only the same origin and programs get in", "[handshake]") {
  OrderServer server;
  const auto status = [&](const std::string& origin) { return handshake_status(server, origin); };
  CHECK(status("https://shop.example") == 403);
  CHECK(status("http://localhost") == 101);
  WsClient program;
  CHECK(program.connect("127.0.0.1", server.port(), ws_target(demo().customer.token)));
}

TEST_CASE("a handshake on any other path is 404", "[handshake]") {
  OrderServer server;
  for (const auto* target : {"/", "/wss", "/ws/", "/api/v1/orders"}) {
    CAPTURE(target);
    WsClient client;
    CHECK_FALSE(client.connect("127.0.0.1", server.port(),
                               std::string(target) + "?token=" + demo().customer.token));
    CHECK(client.handshake().status / 100 == 4);
  }
}

TEST_CASE("a token is in no log", "[handshake]") {
  OrderServer server;
  const auto signature = [](const std::string& token) {
    return token.substr(token.rfind('.') + 1);
  };
  const auto& good = demo().customer.token;
  auto claims = access_claims(demo().customer.id, "CUSTOMER");
  claims["exp"] = 1;
  const auto expired = sign_token(jwt_secret, claims);
  Watcher watcher(server, good);
  watcher.read_until_pong();
  check_refused(refused(server, ws_target(expired)), "Invalid token");
  check_refused(refused(server, "/ws?token=plain-secret-text"), "Invalid token");
  CHECK(server.as(expired).get("/api/v1/orders?token=" + good).status == 401);
  CHECK(server.anonymous().get("/nowhere?token=" + good).status / 100 == 4);
  const auto log = server.log();
  CHECK(log.find(signature(good)) == std::string::npos);
  CHECK(log.find(signature(expired)) == std::string::npos);
  CHECK(log.find("plain-secret-text") == std::string::npos);
}
