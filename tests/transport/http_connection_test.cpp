// SPDX-License-Identifier: MIT
#include "http_owner.hpp"
#include <ordercast/net/http_connection.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace ordercast;
using namespace ordercast::net;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string upgrade =
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// Bytes in, requests out; the application answers in `order` with each request's number; what the
/// client reads, and whether the connection ends.
struct Exchange {
  std::string name;
  std::string in;
  Lines requests;
  std::vector<std::size_t> order;
  Lines out;
  bool closes = false;
};

std::vector<Exchange> exchanges() {
  return {
      {"a request", get("/a"), {"GET /a"}, {0}, {"200 0"}},
      {"a body with a length", post("/a", "text"), {"POST /a text"}, {0}, {"200 0"}},
      {"a body in chunks",
       "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2;x=y\r\nte\r\n2\r\nxt\r\n0\r\nTrailer: t\r\n\r\n",
       {"POST /a text"},
       {0},
       {"200 0"}},
      {"one request after the other",
       get("/a") + get("/b"),
       {"GET /a", "GET /b"},
       {0, 1},
       {"200 0", "200 1"}},
      {"answers of safe requests out of order",
       get("/a") + get("/b") + get("/c"),
       {"GET /a", "GET /b", "GET /c"},
       {2, 1, 0},
       {"200 0", "200 1", "200 2"}},
      {"a change waits for what is before it and holds up what is behind it",
       get("/a") + post("/b", "x") + get("/c"),
       {"GET /a", "POST /b x", "GET /c"},
       {0, 1, 2},
       {"200 0", "200 1", "200 2"}},
      {"the client ends it",
       get("/a", "Connection: close\r\n") + get("/b"),
       {"GET /a"},
       {0},
       {"200 0 close"},
       true},
      {"HTTP/1.0 ends it",
       "GET /a HTTP/1.0\r\n\r\n" + get("/b"),
       {"GET /a"},
       {0},
       {"200 0 close"},
       true},
      {"a refused request ends it, behind the answers before",
       get("/a") + "GET  /b\r\n\r\n",
       {"GET /a"},
       {0},
       {"200 0", "400 close"},
       true},
      {"a request that is refused is the last",
       "nonsense\r\n\r\n" + get("/b"),
       {},
       {},
       {"400 close"},
       true},
      {"two lengths",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       {},
       {},
       {"400 close"},
       true},
      {"a length beside chunks",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       {},
       {},
       {"400 close"},
       true},
      {"another coding",
       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
       {},
       {},
       {"501 close"},
       true},
      {"a body that is too big",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n",
       {},
       {},
       {"413 close"},
       true},
      {"a head that is too big", get("/" + std::string(20'000, 'a')), {}, {}, {"431 close"}, true},
      {"another version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", {}, {}, {"505 close"}, true},
      {"a handshake of another version",
       "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Version: 8\r\n\r\n",
       {},
       {},
       {"426 close"},
       true},
      {"an answer to HEAD has no body",
       "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + get("/b"),
       {"HEAD /a", "GET /b"},
       {1, 0},
       {"200", "200 1"}},
      {"empty lines between requests",
       "\r\n" + get("/a") + "\r\n\r\n" + get("/b"),
       {"GET /a", "GET /b"},
       {0, 1},
       {"200 0", "200 1"}},
  };
}

/// Plays an exchange, with the bytes in pieces whose sizes `piece` gives.
template <class Piece>
void play(const Exchange& exchange, Piece piece) {
  Owner owner;
  std::size_t answered = 0;
  const auto answer = [&] {
    while (answered < exchange.order.size() && exchange.order[answered] < owner.requests.size()) {
      const auto which = exchange.order[answered++];
      owner.answer(which, {200, {}, std::to_string(which)});
    }
  };
  std::string_view in = exchange.in;
  // What the client has sent waits with it while the connection reads nothing.
  while (!in.empty() && owner.http->wants_input()) {
    const auto bytes = in.substr(0, std::max<std::size_t>(1, piece()));
    in.remove_prefix(bytes.size());
    owner.give(bytes);
    answer();
    owner.write_all();
  }
  std::vector<bool> to_head;
  for (const auto& one : owner.requests) to_head.push_back(one.substr(0, 4) == "HEAD");
  CHECK(owner.requests == exchange.requests);
  CHECK(replies(owner.out, to_head) == exchange.out);
  CHECK(owner.closes() == exchange.closes);
  CHECK_FALSE(owner.http->is_busy());
}

}  // namespace

TEST_CASE("an exchange is the same however its bytes are cut", "[http_connection]") {
  for (const auto& exchange : exchanges()) {
    CAPTURE(exchange.name);
    play(exchange, [&] { return exchange.in.size(); });
    for (const std::size_t size : {1U, 2U, 3U, 7U, 19U, 64U}) {
      CAPTURE(size);
      play(exchange, [size] { return size; });
    }
    std::uint32_t random = 1;
    for (int round = 0; round < 20; ++round) {
      play(exchange, [&] {
        random = random * 1'664'525U + 1'013'904'223U;
        return random >> 27U;
      });
    }
  }
}

TEST_CASE("a handshake comes behind the answers before it, with the bytes behind it",
          "[http_connection]") {
  Owner owner;
  owner.give(get("/a") + upgrade + "frames");
  CHECK(owner.handshakes.empty());
  owner.answer(0, {200, {}, "a"});
  CHECK(owner.handshakes == Lines{"/ws"});
  CHECK(owner.rest == "frames");
  CHECK(replies(owner.out) == Lines{"200 a"});
}

TEST_CASE("a client that waits for 100 Continue gets it once, behind the answers before",
          "[http_connection]") {
  const std::string head =
      "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
  Owner owner;
  owner.give(get("/a") + head);
  CHECK(owner.out.empty());
  CHECK_FALSE(owner.http->wants_input());
  owner.answer(0, {200, {}, "a"});
  CHECK(replies(owner.out) == Lines{"200 a", "100"});
  owner.write_all();
  owner.give("x");
  CHECK(owner.requests == Lines{"GET /a", "POST /b x"});
  owner.answer(1, {201, {}, {}});
  CHECK(replies(owner.out) == Lines{"200 a", "100", "201"});

  Owner other;  // A client that sends the body at once does not wait.
  other.give(head + "x");
  other.answer(0, {200, {}, "b"});
  CHECK(replies(other.out) == Lines{"200 b"});
}

TEST_CASE("an interim answer does not move the deadline of the first request",
          "[http_connection]") {
  Owner owner;
  const auto due = owner.http->deadline();
  owner.now += 9s;
  owner.give("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  owner.write_all();
  CHECK(owner.http->deadline() == due);
  CHECK_FALSE(owner.pass_deadline());
}

TEST_CASE("a client that has ended its half of the stream gets its answers", "[http_connection]") {
  Owner owner;
  CHECK_FALSE(owner.http->on_input_end());
  owner.give(get("/a"));
  CHECK(owner.http->on_input_end());
  CHECK_FALSE(owner.http->wants_input());
  owner.take();
  CHECK_FALSE(owner.closes());
  owner.answer(0, {200, {}, "a"});
  CHECK(replies(owner.out) == Lines{"200 a"});
  CHECK(owner.closes());
}

TEST_CASE("a drain ends a connection behind its next answer", "[http_connection]") {
  Owner owner;
  owner.give(get("/a"));
  owner.context.draining = true;
  owner.answer(0, {200, {}, "a"});
  CHECK(replies(owner.out) == Lines{"200 a close"});
  CHECK(owner.closes());
}

TEST_CASE("the handler of a request is told when its client has gone", "[http_connection]") {
  Owner owner;
  owner.give(get("/a"));
  CHECK(owner.last.remote_address == "192.0.2.1");
  CHECK_FALSE(owner.last.abandoned());
  owner.http.reset();
  CHECK(owner.last.abandoned());
}

TEST_CASE("a second answer is dropped, and so is one without a request", "[http_connection]") {
  Owner owner;
  owner.give(get("/a") + get("/b"));
  owner.answer(1, {200, {}, "b"});
  owner.answer(1, {200, {}, "again"});
  owner.http->answer(77, {200, {}, "nobody"});
  owner.answer(0, {200, {}, "a"});
  owner.answer(0, {200, {}, "again"});
  CHECK(replies(owner.out) == Lines{"200 a", "200 b"});
}
