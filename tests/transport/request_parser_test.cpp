// SPDX-License-Identifier: MIT
#include <ordercast/net/request_parser.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using ordercast::net::RequestParser;

namespace {

/// The status that a whole request ends with: 0 for accepted and complete, -1 for "wants more".
int status_of(std::string_view text) {
  RequestParser parser;
  parser.consume(text);
  return parser.refused() ? parser.status() : parser.complete() ? 0 : -1;
}

std::string get(std::string_view fields) {
  return "GET /x HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view fields, std::string_view body = {}) {
  return "POST /x HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

std::string handshake(std::string_view key, std::string_view version_field) {
  return get("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: " +
             std::string(key) + "\r\n" + std::string(version_field));
}

constexpr std::string_view good_key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view version_13 = "Sec-WebSocket-Version: 13\r\n";

/// Hands over so many bytes, then the rest in steps, until the request is complete. Returns how
/// many were used.
std::size_t consume_in_pieces(RequestParser& parser, std::string_view all, std::size_t first,
                              std::size_t step) {
  std::size_t used = parser.consume(all.substr(0, first));
  while (!parser.complete() && used < all.size()) {
    const auto taken = parser.consume(all.substr(used, step));
    REQUIRE(taken > 0);
    used += taken;
  }
  REQUIRE(parser.complete());
  return used;
}

}  // namespace

TEST_CASE("a request is read whatever the cuts between its bytes", "[request_parser]") {
  const auto text =
      "\r\nPATCH /a?b=c HTTP/1.1\r\nHost: h\r\nX-One:  two \r\nContent-Length: 5\r\n\r\nhello";
  const std::string_view next = "GET /next";
  const std::string all = std::string(text) + std::string(next);
  for (std::size_t cut = 0; cut <= all.size() - next.size(); ++cut) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, all.size()}) {
      RequestParser parser;
      REQUIRE(consume_in_pieces(parser, all, cut, step) == all.size() - next.size());
      REQUIRE(parser.request().method == "PATCH");
      REQUIRE(parser.request().target == "/a?b=c");
      REQUIRE(parser.request().header("x-one") == "two");
      REQUIRE(parser.request().body == "hello");
      REQUIRE(parser.consume(next) == 0);
    }
  }
}

TEST_CASE("a request line that is not HTTP/1.x is refused", "[request_parser]") {
  CHECK(status_of("GET / HTTP/1.1\r\nHost: h\r\n\r\n") == 0);
  CHECK(status_of("GET / HTTP/1.0\r\n\r\n") == 0);
  CHECK(status_of("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n") == 0);
  CHECK(status_of("GET / HTTP/2.0\r\nHost: h\r\n\r\n") == 505);
  CHECK(status_of("GET / HTTX/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("GET /\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("GET  / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("G@T / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("GET x HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("\x16\x03\x01\r\n\r\n") == 400);
}

TEST_CASE("a field that is no list is refused when it comes twice", "[request_parser]") {
  for (const std::string name : {"Authorization", "Content-Type", "Origin", "Host"}) {
    CAPTURE(name);
    const auto twice = [&](const std::string& other) {
      return status_of("GET / HTTP/1.1\r\nHost: h\r\n" + name + ": a\r\n" + other + ": a\r\n\r\n");
    };
    CHECK(twice(name) == 400);
    std::string lower = name;
    lower.front() = static_cast<char>(lower.front() | 0x20);
    CHECK(twice(lower) == 400);
    if (name != "Host") CHECK(twice("X-" + name) == 0);
  }
  CHECK(status_of("GET / HTTP/1.1\r\nHost: h\r\nAccept: a\r\nAccept: b\r\n\r\n") == 0);
}

TEST_CASE("the absolute form loses its authority", "[request_parser]") {
  const auto target = [](const std::string& form) {
    RequestParser parser;
    parser.consume("GET " + form + " HTTP/1.1\r\nHost: h\r\n\r\n");
    return parser.request().target;
  };
  CHECK(target("http://h:80/a/b?c") == "/a/b?c");
  CHECK(target("HTTP://h") == "/");
  CHECK(target("http://h?c") == "/?c");
  CHECK(target("/?u=http://h/x") == "/?u=http://h/x");
}

TEST_CASE("an absolute form has one valid authority, and Host names the same", "[request_parser]") {
  const auto status = [](const std::string& form, const std::string& host) {
    return status_of("GET " + form + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  CHECK(status("http://h/x", "h") == 0);
  CHECK(status("http://H:80/x", "h") == 0);
  CHECK(status("https://h", "h:443") == 0);
  CHECK(status("http://h:/x", "h") == 0);
  CHECK(status("http://[::1]:80/x", "[::1]") == 0);
  CHECK(status("http://evil.example/healthz", "127.0.0.1") == 400);
  CHECK(status("http://127.0.0.1/healthz", "evil.example") == 400);
  CHECK(status("http://h:81/x", "h") == 400);
  CHECK(status("https://h:80/x", "h") == 400);
  CHECK(status("http://h/x", "") == 400);
  for (const std::string authority :
       {"", ":80", "a@h", "a:b@h", "@h", "h:x", "h#a", "[::1", "h\\a"}) {
    CAPTURE(authority);
    CHECK(status("http://" + authority + "/x", authority) == 400);
    CHECK(status("http://" + authority + "/x", "h") == 400);
    CHECK(status("http://" + authority, "h") == 400);
  }
  // The rules for hosts see the authority of an HTTP/1.0 request that has no Host.
  RequestParser parser;
  parser.consume("GET http://evil.example:80/x HTTP/1.0\r\n\r\n");
  CHECK(parser.request().header("Host") == "evil.example:80");
}

TEST_CASE("header fields that two servers could read differently are refused", "[request_parser]") {
  CHECK(status_of(get("A: b\r\n")) == 0);
  CHECK(status_of(get("A:\r\n")) == 0);
  CHECK(status_of(get("A : b\r\n")) == 400);
  CHECK(status_of(get("A: b\r\n  folded\r\n")) == 400);
  CHECK(status_of(get("A\r\n")) == 400);
  CHECK(status_of(get(": b\r\n")) == 400);
  CHECK(status_of(get("A: b\nC: d\r\n")) == 400);
  CHECK(status_of(get("A: b\rC\r\n")) == 400);
  CHECK(status_of(get(std::string("A: b\0c\r\n", 8))) == 400);
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of(get("Host: other\r\n")) == 400);
}

TEST_CASE("a body has one length, in digits, within the limit", "[request_parser]") {
  CHECK(status_of(post("Content-Length: 2\r\n", "ok")) == 0);
  CHECK(status_of(post("")) == 0);
  CHECK(status_of(post("Content-Length: 2\r\n", "o")) == -1);
  for (const auto* bad : {"", "abc", "-1", "+1", "1 1", "0x1", "1,1", "1.0"}) {
    CAPTURE(bad);
    CHECK(status_of(post("Content-Length: " + std::string(bad) + "\r\n", "12345678")) == 400);
  }
  CHECK(status_of(post("Content-Length: 2\r\nContent-Length: 2\r\n", "ok")) == 400);
  CHECK(status_of(post("Content-Length: 2\r\ncontent-length: 3\r\n", "okk")) == 400);
  CHECK(status_of(post("Content-Length: 65536\r\n")) == -1);
  CHECK(status_of(post("Content-Length: 65537\r\n")) == 413);
  CHECK(status_of(post("Content-Length: 99999999999999999999999999999\r\n")) == 413);
}

TEST_CASE("a body in chunks is read whatever the cuts between its bytes", "[request_parser]") {
  const std::string next = "GET /next";
  const auto all =
      post("Transfer-Encoding: Chunked\r\n",
           "5;a=b\r\nhello\r\n00A ; x=\"y\"\r\n, world...\r\n000\r\nX: y\r\nZ:\r\n\r\n") +
      next;
  for (std::size_t cut = 0; cut <= all.size() - next.size(); ++cut) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, all.size()}) {
      RequestParser parser;
      REQUIRE(consume_in_pieces(parser, all, cut, step) == all.size() - next.size());
      REQUIRE(parser.request().body == "hello, world...");
      REQUIRE(parser.request().header("X").empty());
    }
  }
}

TEST_CASE("chunks that two servers could read differently are refused", "[request_parser]") {
  const auto chunked = [](std::string_view body) {
    return status_of(post("Transfer-Encoding: chunked\r\n", body));
  };
  CHECK(chunked("0\r\n\r\n") == 0);
  CHECK(chunked("2\r\nok\r\n0\r\n\r\n") == 0);
  CHECK(chunked("2\r\nok\r\n") == -1);
  for (const auto* bad : {"\r\n",           "x\r\n",          "-1\r\n",
                          "+2\r\nok",       "0x2\r\nok",      " 2\r\nok",
                          "2 \r\nok",       "2 x\r\nok",      "2\nok",
                          "2;a\nok",        "2;\rx\r\nok",    "2\r\nok0\r\n",
                          "2\r\nok\n0\r\n", "2\r\nokay\r\n",  "00000000000000002\r\nok",
                          "0\r\nX\r\n",     "0\r\n X: y\r\n", "0\r\nX : y\r\n",
                          "0\r\n: y\r\n",   "0\r\nX: y\n\r\n"}) {
    CAPTURE(bad);
    CHECK(chunked(bad) == 400);
  }
  CHECK(status_of(post("Transfer-Encoding: gzip, chunked\r\n")) == 501);
  CHECK(status_of(post("Transfer-Encoding: xchunked\r\n")) == 501);
  CHECK(status_of(post("Transfer-Encoding: chunked, chunked\r\n")) == 501);
  CHECK(status_of(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) == 400);
  CHECK(status_of(post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "abc")) == 400);
  CHECK(status_of(post("Content-Length: 3\r\nTransfer-Encoding: identity\r\n", "abc")) == 400);
  CHECK(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
}

TEST_CASE("chunks are bounded: the body, a line, and all that is not body", "[request_parser]") {
  const auto status = [](std::string_view body) {
    RequestParser parser({1000, 10});
    const auto head = post("Transfer-Encoding: chunked\r\n");
    parser.consume(head + std::string(body));
    return parser.refused() ? parser.status() : parser.complete() ? 0 : -1;
  };
  CHECK(status("A\r\n0123456789\r\n0\r\n\r\n") == 0);
  CHECK(status("B\r\n") == 413);
  CHECK(status("5\r\n01234\r\n6\r\n") == 413);
  CHECK(status("FFFFFFFFFFFFFFFF\r\n") == 413);
  CHECK(status("1;" + std::string(5000, 'x')) == 400);
  CHECK(status("1;" + std::string(999, 'x') + "\r\n1\r\n0\r\n\r\n") == 0);
  CHECK(status("1;" + std::string(900, 'x') + "\r\n1\r\n1;" + std::string(900, 'x') + "\r\n") ==
        400);
  CHECK(status("0\r\nX: " + std::string(2000, 'x') + "\r\n\r\n") == 431);
  CHECK(status("0\r\n" + std::string(5000, 'x')) == 431);
}

TEST_CASE("only a client of HTTP/1.1 that has sent no body yet waits for an interim answer",
          "[request_parser]") {
  const auto waits = [](std::string_view text) {
    RequestParser parser;
    parser.consume(text);
    REQUIRE_FALSE(parser.refused());
    const bool once = parser.take_continue();
    CHECK_FALSE(parser.take_continue());
    return once;
  };
  CHECK(waits(post("Expect: 100-Continue\r\nContent-Length: 3\r\n")));
  CHECK(waits(post("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n")));
  CHECK_FALSE(waits(post("Expect: 100-continue\r\nContent-Length: 3\r\n", "a")));
  CHECK_FALSE(waits(post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc")));
  CHECK_FALSE(waits(post("Expect: 100-continue\r\n")));
  CHECK_FALSE(waits("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
  CHECK(status_of("POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 3\r\n\r\nabc") == 0);
  CHECK(status_of(post("Expect: a-miracle\r\nContent-Length: 3\r\n", "abc")) == 417);
  CHECK(status_of(post("Expect: 100-continue\r\nContent-Length: 65537\r\n")) == 413);
}

TEST_CASE("the head is bounded in bytes and in fields", "[request_parser]") {
  const std::string padding(16 * 1024, 'a');
  CHECK(status_of(get("A: " + padding.substr(0, 15'000) + "\r\n")) == 0);
  CHECK(status_of(get("A: " + padding + "\r\n")) == 431);
  CHECK(status_of("GET /" + padding) == 431);
  std::string fields;
  for (int i = 1; i < 100; ++i) fields += "A: b\r\n";
  CHECK(status_of(get(fields)) == 0);
  CHECK(status_of(get(fields + "A: b\r\n")) == 431);
}

TEST_CASE("the bound on the head bites at the same byte wherever the request is cut",
          "[request_parser]") {
  const ordercast::net::RequestLimits limits{64, 0};
  for (const std::size_t over : {0U, 1U}) {
    const auto start = get("A: ").size() - 4;  // With the head's own end, but for "\r\n\r\n".
    const auto text = get("A: " + std::string(64 + over - start - 2, 'x') + "\r\n");
    REQUIRE(text.size() == 64 + over + 4);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      CAPTURE(over, cut);
      RequestParser parser(limits);
      parser.consume(std::string_view(text).substr(0, cut));
      parser.consume(std::string_view(text).substr(cut));
      CHECK(parser.status() == (over == 0 ? 0 : 431));
      CHECK(parser.complete() == (over == 0));
    }
  }
}

TEST_CASE("a handshake needs version 13 and a key of 16 bytes", "[request_parser]") {
  const auto is_handshake = [](const std::string& text) {
    RequestParser parser;
    parser.consume(text);
    return parser.complete() && parser.is_handshake();
  };
  CHECK(is_handshake(handshake(good_key, version_13)));
  CHECK(status_of(handshake(good_key, "")) == 426);
  CHECK(status_of(handshake(good_key, "Sec-WebSocket-Version: 8\r\n")) == 426);
  CHECK(status_of(handshake(good_key, "Sec-WebSocket-Version: 13, 8\r\n")) == 426);
  CHECK(status_of(handshake("", version_13)) == 400);
  CHECK(status_of(handshake("c2hvcnQ=", version_13)) == 400);
  CHECK(status_of(handshake("dGhlIHNhbXBsZSBub25jZSE=", version_13)) == 400);
  CHECK(status_of(handshake("dGhlIHNhbXBsZSBub25j!Q==", version_13)) == 400);
  CHECK(status_of("POST" + handshake(good_key, version_13).substr(3)) == 400);
}

TEST_CASE("an upgrade to something else is a plain request", "[request_parser]") {
  for (const auto* fields :
       {"Upgrade: h2c\r\nConnection: Upgrade\r\n", "Upgrade: websocketx\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: close\r\n"}) {
    CAPTURE(fields);
    RequestParser parser;
    parser.consume(get(fields));
    CHECK(parser.complete());
    CHECK_FALSE(parser.is_handshake());
  }
}
