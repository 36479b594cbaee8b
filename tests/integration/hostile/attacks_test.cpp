// SPDX-License-Identifier: MIT
#include "../../support/raw_deflate.hpp"
#include "siege.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

// Attacks that are over as soon as their bytes have been read, and the answers that they must get.

using namespace ordercast::test;

namespace {

std::string text_frame(const std::string& payload) {
  return ws_frame_bytes(Opcode::text, true, true, payload);
}

std::string fragments(std::size_t count, const std::string& payload, bool finish) {
  std::string bytes = ws_frame_bytes(Opcode::text, false, true, payload);
  for (std::size_t i = 1; i < count; ++i) {
    bytes += ws_frame_bytes(Opcode::continuation, finish && i + 1 == count, true, payload);
  }
  return bytes;
}

/// A frame whose header is given byte for byte.
std::string raw_frame(std::initializer_list<unsigned> header, const std::string& rest = {}) {
  std::string bytes;
  for (const auto byte : header) bytes.push_back(static_cast<char>(byte));
  return bytes + rest;
}

const std::string ping = R"({"type":"ping"})";

struct FrameAttack {
  const char* name;
  std::string bytes;
  std::vector<std::uint16_t> close_codes;  ///< Any of them.
};

/// On an open, authenticated WebSocket.
std::vector<FrameAttack> frame_attacks() {
  return {
      {"frame length overflow: 2^63 - 1",
       raw_frame({0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}),
       {1009}},
      {"frame length overflow: wraps to 0 with its header",
       raw_frame({0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xF2, 1, 2, 3, 4}),
       {1009}},
      {"frame length overflow: longer form than needed",
       raw_frame({0x81, 0xFE, 0x00, 0x05, 1, 2, 3, 4}, "hello"),
       {1002}},
      {"frame length overflow: a control frame over 125 bytes",
       ws_frame_bytes(Opcode::ping, true, true, std::string(126, 'x')),
       {1002}},
      {"deflate bomb: a compressed frame that nobody agreed on",
       raw_frame({0xC1, 0x85, 0, 0, 0, 0}, std::string{0x4b, 0x4c, 0x04, 0x00, 0x00}),
       {1002}},
      {"tiny-fragment flood: bytes that add up", fragments(6000, "x", false), {1009}},
      {"tiny-fragment flood: empty ones, then the end",
       fragments(6000, "", false) + ws_frame_bytes(Opcode::binary, true, true, "x"),
       {1002, 1008}},
      {"oversized message", text_frame(std::string(4097, ' ')), {1009}},
      {"oversized message in two fragments", fragments(2, std::string(2049, ' '), true), {1009}},
      {"bad UTF-8", text_frame("\xff\xfe"), {1007}},
      {"bad UTF-8 across fragments", fragments(2, "\xc3", true), {1007}},
      {"bad UTF-8: overlong", text_frame("\xc0\xaf"), {1007}},
      {"bad UTF-8: a surrogate", text_frame("\xed\xa0\x80"), {1007}},
      {"an unmasked frame", ws_frame_bytes(Opcode::text, true, false, ping), {1002}},
      {"a binary frame", ws_frame_bytes(Opcode::binary, true, true, ping), {1003}},
      {"a reserved opcode", raw_frame({0x83, 0x80, 0, 0, 0, 0}), {1002}},
      {"a fragmented control frame", raw_frame({0x09, 0x80, 0, 0, 0, 0}), {1002}},
      {"a continuation of nothing", ws_frame_bytes(Opcode::continuation, true, true, "x"), {1002}},
      {"memory disclosure: a close frame of one byte",
       ws_frame_bytes(Opcode::close, true, true, "\x03"),
       {1002}},
      {"memory disclosure: a close code that no frame may have",
       ws_frame_bytes(Opcode::close, true, true, "\x03\xed"),
       {1002}},
  };
}

struct HttpAttack {
  const char* name;
  std::string bytes;
  std::vector<int> statuses;  ///< Any of them; 0 is the end of the stream with no answer.
};

std::string handshake(const std::string& lines, const std::string& target = "/ws?token=x") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n";
}

std::string request(const std::string& lines, const std::string& body = {}) {
  return "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
         "application/json\r\n" +
         lines + "\r\n" + body;
}

/// On a fresh TCP connection.
std::vector<HttpAttack> http_attacks() {
  const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  return {
      {"malformed handshake: no key", handshake(upgrade + version), {400}},
      {"malformed handshake: a short key",
       handshake(upgrade + version + "Sec-WebSocket-Key: abc\r\n"),
       {400}},
      {"malformed handshake: two keys", handshake(upgrade + version + key + key), {400}},
      {"malformed handshake: another version",
       handshake(upgrade + key + "Sec-WebSocket-Version: 7\r\n"),
       {426}},
      {"malformed handshake: no version", handshake(upgrade + key), {426}},
      {"malformed handshake: an Upgrade list without end",
       handshake("Upgrade: " + std::string(8000, ',') + "\r\nConnection: Upgrade\r\n" + key +
                 version),
       {400, 404, 426}},
      {"malformed handshake: POST",
       "POST /ws HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n" + upgrade + key + version +
           "\r\n",
       {400, 404, 405}},
      {"unbounded headers: one line", handshake("X: " + std::string(20'000, 'x') + "\r\n"), {431}},
      {"unbounded headers: many lines", handshake(many), {431}},
      {"unbounded headers: the target", handshake("", "/" + std::string(20'000, 'x')), {414, 431}},
      {"unbounded headers: a line that never ends", "GET /" + std::string(20'000, 'x'), {414, 431}},
      {"CRLF injection: a bare CR in a value", handshake("X: a\rb\r\n"), {400}},
      {"CRLF injection: NUL in a value", handshake(std::string("X: a\0b\r\n", 8)), {400}},
      {"CRLF injection: a folded line", handshake("X: a\r\n b\r\n"), {400}},
      {"CRLF injection: encoded in the path",
       handshake("Connection: close\r\n", "/%0d%0aX-Evil:%20yes"),
       {404}},
      {"CRLF injection: encoded in an id",
       handshake("Connection: close\r\n", "/api/v1/orders/a%0d%0aX-Evil:%20yes"),
       {401, 404}},
      {"request smuggling: two lengths",
       request("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"),
       {400}},
      {"request smuggling: a length and chunks",
       request("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "{}"),
       {400, 411}},
      {"request smuggling: a negative length", request("Content-Length: -1\r\n"), {400}},
      {"request smuggling: a length that overflows",
       request("Content-Length: 18446744073709551617\r\n"),
       {400, 413}},
      {"oversized body", request("Content-Length: 70000\r\n"), {413}},
      {"a body nested 30,000 deep",
       request("Content-Length: 30000\r\nConnection: close\r\n", std::string(30'000, '[')),
       {400, 422}},
      {"HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}},
      {"TLS on a plain port",
       std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
       {400, 0}},
      {"noise", "\x01\x02\xff\xfe\r\n\r\n\r\n", {400, 0}},
  };
}

struct TokenAttack {
  const char* name;
  std::string token;
};

/// Each is refused with 4001, `Invalid token`, whatever its header claims.
std::vector<TokenAttack> token_attacks() {
  const auto claims = access_claims(demo().admin.id, "SUPER_ADMIN");
  const auto good = sign_token(jwt_secret, claims);
  const auto body = base64url(claims.dump());
  const auto with = [&](const char* name, const Json& value) {
    auto other = claims;
    other[name] = value;
    return sign_token(jwt_secret, other);
  };
  const auto head = [&](const std::string& header) {
    return sign_token(jwt_secret, header, claims.dump());
  };
  auto immortal = claims;
  immortal.erase("exp");
  return {
      {"algorithm confusion: none", base64url(R"({"alg":"none"})") + "." + body + "."},
      {"algorithm confusion: None with a signature", head(R"({"alg":"None"})")},
      {"algorithm confusion: RS256 under the shared secret", head(R"({"alg":"RS256"})")},
      {"algorithm confusion: HS512 in the header", head(R"({"alg":"HS512"})")},
      {"algorithm confusion: a list", head(R"({"alg":["HS256"]})")},
      {"an empty key", sign_token("", claims)},
      {"another key", sign_token("another secret that is long enough, too", claims)},
      {"crit ignored", head(R"({"alg":"HS256","crit":["b64"],"b64":false})")},
      {"key caches by kid alone", head(R"({"alg":"HS256","kid":"../../dev/null"})")},
      {"a key in the header",
       sign_token("", R"({"alg":"HS256","jwk":{"kty":"oct","k":""}})", claims.dump())},
      {"no signature", good.substr(0, good.rfind('.') + 1)},
      {"two parts", good.substr(0, good.rfind('.'))},
      {"junk behind", good + "x"},
      {"a claim twice",
       sign_token(jwt_secret, hs256_header, claims.dump().insert(1, R"("role":"CUSTOMER",)"))},
      {"no expiry", sign_token(jwt_secret, immortal)},
      {"expired", with("exp", static_cast<long long>(std::time(nullptr)) - 1)},
      {"not good yet", with("nbf", static_cast<long long>(std::time(nullptr)) + 9000)},
      {"a refresh token", with("type", "refresh")},
      {"a role that is none", with("role", "ROOT")},
      {"a subject that is no text", with("sub", Json::array({1}))},
      {"bytes above 127", base64url("\xff\xfe") + "." + body + ".x"},
      {"claims nested 2,000 deep", sign_token(jwt_secret, hs256_header, std::string(2'000, '['))},
      {"over 4 KiB", with("email", std::string(5'000, 'x'))},
  };
}

/// Returns the server's answer to bytes on a new connection.
HttpReply answer_to(std::uint16_t port, const std::string& bytes) {
  RawSocket socket;
  if (!socket.connect("127.0.0.1", port)) return {};
  socket.send_bytes(bytes);
  auto reply = read_http_reply(socket, false, patience);
  if (reply.status == 0) CHECK(socket.wait_for_end(patience));
  return reply;
}

}  // namespace

TEST_CASE("hostile frames get their close code and cost nobody else anything", "[hostile]") {
  Siege siege;
  for (const auto& attack : frame_attacks()) {
    CAPTURE(attack.name);
    auto client = siege.attacker();
    client.socket().send_bytes(attack.bytes);
    const auto closed = client.expect_close(patience);
    REQUIRE(closed.has_value());
    CHECK_THAT(attack.close_codes, Catch::VectorContains(closed->code));
    // CVE-2026-45736: a close frame contains nothing but its code and reason.
    CHECK(closed->reason.size() <= 123);
    CHECK(std::all_of(closed->reason.begin(), closed->reason.end(),
                      [](char c) { return c >= ' ' && c <= '~'; }));
  }
  siege.check_over();
}

TEST_CASE("hostile requests get their status and cost nobody else anything", "[hostile]") {
  Siege siege;
  for (const auto& attack : http_attacks()) {
    CAPTURE(attack.name);
    const auto reply = answer_to(siege.port(), attack.bytes);
    CHECK_THAT(attack.statuses, Catch::VectorContains(reply.status));
    CHECK(reply.header("X-Evil").empty());
    CHECK(reply.body.find("Evil: yes\r\n") == std::string::npos);
  }
  siege.check_over();
}

TEST_CASE("a bomb that was agreed on is given up at the limit and costs nobody else anything",
          "[hostile]") {
  struct Bomb {
    std::string compressed;
    std::uint16_t close_code;
  };
  std::string empty_blocks;
  for (int i = 0; i < 900; ++i) empty_blocks.append("\x00\x00\x00\xFF\xFF", 5);
  const std::vector<Bomb> bombs = {
      {raw_deflate(std::string(64 << 20, ' '), 9), 1009},
      {raw_deflate(std::string(4 << 20, '{'), 9).substr(0, 4000), 1009},
      {raw_deflate(std::string(4097, '['), 9), 1009},
      {empty_blocks + '\0', 1008},
      {"no deflate", 1007},
      {raw_deflate(ping, 6, 15, ping), 1007},  // It refers to a message before it.
  };
  Siege siege;
  for (const auto& bomb : bombs) {
    for (int i = 0; i < 20; ++i) {
      WsClient client;
      REQUIRE(client.connect("127.0.0.1", siege.port(), ws_target(demo().customer.token),
                             {{"Sec-WebSocket-Extensions", "permessage-deflate"}}));
      REQUIRE(client.handshake().header("Sec-WebSocket-Extensions") ==
              "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
      client.socket().send_bytes(
          with_rsv1(ws_frame_bytes(Opcode::text, true, true, bomb.compressed)));
      const auto end = client.expect_close();
      REQUIRE(end);
      CHECK(end->code == bomb.close_code);
    }
  }
  siege.check_over();
}

TEST_CASE("hostile tokens open no connection and no call", "[hostile]") {
  Siege siege;
  for (const auto& attack : token_attacks()) {
    CAPTURE(attack.name);
    WsClient client;
    if (client.connect("127.0.0.1", siege.port(), "/ws",
                       {{"Authorization", "Bearer " + attack.token}})) {
      const auto closed = client.expect_close(patience);
      REQUIRE(closed.has_value());
      CHECK(closed->code == 4001);
      CHECK(closed->reason == "Invalid token");
    } else {
      CHECK(client.handshake().status == 431);
    }
    CHECK(siege.server().as(attack.token).get("/api/v1/orders").status == 401);
  }
  siege.check_over();
}

TEST_CASE("a foreign page hijacks no connection", "[hostile]") {
  Siege siege;
  for (const auto* origin : {"https://evil.example", "null", "http://127.0.0.1.evil.example",
                             "http://localhost.evil.example:1", "file://", ""}) {
    CAPTURE(origin);
    WsClient client;
    CHECK_FALSE(client.connect("127.0.0.1", siege.port(), ws_target(demo().customer.token),
                               {{"Origin", origin}}));
    CHECK(client.handshake().status == 403);
    const auto reply =
        siege.server().as(demo().customer).get("/api/v1/orders", {{"Origin", origin}});
    CHECK(reply.header("Access-Control-Allow-Origin").empty());
  }
  siege.check_over();
}

TEST_CASE("nobody gets a byte of an order that isn't theirs", "[hostile]") {
  Siege siege;
  auto& server = siege.server();
  const auto id = text_of(server.new_order(demo().customer), "id");
  const auto own = text_of(server.new_order(demo().customer2, "org-2"), "id");
  {
    Watcher stranger(server, token_for("stranger", "CUSTOMER"));
    Watcher rival(server, demo().manager2);
    for (auto* watcher : {&stranger, &rival}) {
      watcher->subscribe(id, 0);
      CHECK(error_of("subscription_denied")(watcher->next()));
      watcher->subscribe("no-such-order", 0);
      CHECK(error_of("subscription_denied")(watcher->next()));
    }
    CHECK(server.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
    CHECK(server.as(demo().admin).set_status(own, "CONFIRMED").status == 200);
    // The rival gets the later change in its own organisation, and would have got the earlier one
    // before it.
    for (const auto& message : rival.read_until(hint_of(own, "CONFIRMED"))) {
      CHECK(text_of(message, "orderId") == own);
    }
    CHECK(stranger.read_until_pong().size() == 1);
  }
  const auto known = server.as(demo().manager2).order(id);
  const auto unknown = server.as(demo().manager2).order("no-such-order");
  CHECK(known.status == 404);
  CHECK(known.body == unknown.body);
  siege.check_over();
}

TEST_CASE("messages that no codec expects get an error and not an end", "[hostile]") {
  Siege siege;
  auto client = siege.attacker();
  for (const auto& text :
       {std::string("{"), std::string("null"), std::string("[]"), std::string(4096, '['),
        std::string(R"({"type":{"type":"ping"}})"), std::string(R"({"type":"__proto__"})"),
        std::string(R"({"type":"subscribe"})"), std::string(R"({"type":"subscribe","orderId":7})"),
        std::string(R"({"type":"subscribe","orderId":"x","since":1e999})"),
        std::string(R"({"type":"subscribe","orderId":"x","since":-1})"),
        std::string(R"({"type":"subscribe","orderId":""})"),
        std::string(R"({"type":"subscribe","orderId":")") + std::string(129, 'x') + "\"}",
        std::string("{\"type\":\"subscribe\",\"orderId\":\"\\ud800\"}")}) {
    CAPTURE(text);
    REQUIRE(client.send_text(text));
    const auto answer = client.next_text(patience);
    REQUIRE(answer.has_value());
    CHECK(text_of(parse_json(*answer), "type") == "error");
  }
  REQUIRE(client.send_text(ping));
  CHECK(client.next_text(patience) == R"({"type":"pong"})");
  CHECK(client.close());
  siege.check_over();
}
