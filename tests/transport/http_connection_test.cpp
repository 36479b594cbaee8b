// SPDX-License-Identifier: MIT
#include <ordercast/net/http_connection.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::net;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;
using Kind = HttpConnection::Kind;
using Phase = HttpConnection::Phase;

/// What a client reads, an answer a line: status, body, and how the connection goes on.
Lines replies(std::string_view wire, const std::vector<bool>& to_head = {}) {
  Lines lines;
  while (!wire.empty()) {
    const auto head_end = wire.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return {"cut: " + std::string(wire)};
    const auto head = wire.substr(0, head_end + 4);
    wire.remove_prefix(head.size());
    std::string line(head.substr(9, 3));
    const auto length_at = head.find("Content-Length: ");
    if (length_at != std::string_view::npos) {
      const auto length = std::stoul(std::string(head.substr(length_at + 16)));
      const bool has_body = lines.size() >= to_head.size() || !to_head[lines.size()];
      const auto body = wire.substr(0, has_body ? length : 0);
      wire.remove_prefix(body.size());
      if (line == "200" && !body.empty()) line += " " + std::string(body);
    }
    if (head.find("Connection: close") != std::string_view::npos) line += " close";
    lines.push_back(line);
  }
  return lines;
}

/// A connection with its owner: keeps what goes out, and the time.
class Owner {
 public:
  explicit Owner(const TransportOptions& options_in = {}) : options(options_in), context(options) {
    context.date = [] { return std::time_t{0}; };
    http.emplace(context, "192.0.2.1", now + options.handshake_timeout);
  }

  /// Gives bytes, and once none to see what has waited. Requests go to `requests`.
  void give(std::string_view bytes) {
    REQUIRE((bytes.empty() || http->wants_input()));
    for (;;) {
      auto event = http->next(bytes, now);
      if (event.kind == Kind::none) break;
      if (event.kind == Kind::handshake) {
        handshakes.push_back(event.request.target);
        rest = event.rest;
        break;
      }
      requests.push_back(event.request.method + " " + event.request.target +
                         (event.request.body.empty() ? "" : " " + event.request.body));
      ids.push_back(event.id);
      last = std::move(event.request);
    }
    CHECK(bytes.empty());
    take();
  }
  void answer(std::size_t which, HttpResponse response) {
    http->answer(ids.at(which), std::move(response));
    take();
    give({});
  }
  /// The kernel takes so many bytes.
  void write(std::size_t bytes, std::size_t unacknowledged = 0) {
    http->on_written(bytes, unacknowledged, now);
    take();
    give({});
  }
  void write_all() {
    while (http->unwritten_bytes() > 0) write(http->unwritten_bytes());
  }
  void take() {
    http->take_output(now, [&](const HttpPiece& piece) { out += piece.view(); });
  }
  [[nodiscard]] bool closes() const {
    return http->phase() != Phase::open && http->phase() != Phase::lingering;
  }
  /// Lets time pass up to the deadline and tells the connection. False: close.
  bool pass_deadline(std::size_t unacknowledged = 0) {
    REQUIRE(http->deadline() != (TimePoint::max)());
    now = http->deadline();
    const bool goes_on = http->on_deadline(unacknowledged, now);
    if (goes_on) take();
    return goes_on;
  }

  TransportOptions options;
  HttpContext context;
  TimePoint now{1h};
  std::optional<HttpConnection> http;
  Lines requests;
  std::vector<HttpConnection::RequestId> ids;
  HttpRequest last;
  Lines handshakes;
  std::string rest;
  std::string out;
};

std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}
std::string post(const std::string& target, const std::string& body) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

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

  Owner other;  // Whoever sends the body does not wait.
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

TEST_CASE("only so many requests run side by side, and so many bytes of answers",
          "[http_connection]") {
  TransportOptions options;
  options.max_pipelined_requests = 3;
  Owner owner(options);
  std::string all;
  for (int i = 0; i < 6; ++i) all += get("/" + std::to_string(i));
  owner.give(all);
  CHECK(owner.requests.size() == 3);
  CHECK_FALSE(owner.http->wants_input());
  owner.answer(1, {200, {}, "1"});
  CHECK(owner.requests.size() == 3);  // The first still waits, and so does the second's answer.
  owner.answer(0, {200, {}, "0"});
  CHECK(owner.requests.size() == 5);

  Owner big;
  big.give(all);
  CHECK(big.requests.size() == 4);  // The size of an answer is not known yet.
  big.answer(3, {200, {}, std::string(1024 * 1024, 'x')});
  for (std::size_t i = 0; i < 3; ++i) big.answer(i, {200, {}, "x"});
  CHECK(big.requests.size() == 4);
  CHECK_FALSE(big.http->wants_input());
  big.write_all();
  CHECK(big.requests.size() == 6);
}

TEST_CASE("nothing more is read from a client that does not read its answers",
          "[http_connection]") {
  Owner owner;
  owner.give(post("/a", "x") + post("/b", "x"));
  owner.answer(0, {200, {}, std::string(40'000, 'x')});
  CHECK(owner.requests.size() == 1);
  CHECK_FALSE(owner.http->wants_input());
  owner.write(10'000);  // Above the low-water mark still.
  CHECK(owner.requests.size() == 1);
  owner.write(25'000);
  CHECK(owner.requests.size() == 2);
  CHECK(owner.http->wants_input());
}

TEST_CASE("answers that wait are bounded, for one connection and for all", "[http_connection]") {
  TransportOptions options;
  options.max_unsent_bytes = 100'000;
  Owner owner(options);
  owner.give(get("/a") + get("/b") + get("/c"));
  owner.answer(1, {200, {}, std::string(60'000, 'x')});
  owner.answer(2, {200, {}, std::string(60'000, 'x')});
  owner.answer(0, {200, {}, "a"});
  CHECK(replies(owner.out).front() == "200 a");
  CHECK(replies(owner.out).back() == "503");
  CHECK(owner.out.find("Retry-After: 1\r\n") != std::string::npos);
  CHECK(owner.http->owned_bytes() > 60'000);
  owner.write_all();
  CHECK(owner.http->owned_bytes() == 0);
  CHECK(owner.context.answers.used_bytes() == 0);

  options.max_unsent_total_bytes = 100'000;
  HttpContext context(options);
  std::size_t asked = 0;
  context.answers = AnswerMemory(100'000, [&](const AnswerQueue& /*asking*/) {
    ++asked;
    if (asked == 1) context.answers.give_back(50'000);
    return asked == 1;
  });
  context.answers.take(90'000);  // Those of others.
  HttpConnection http(context, {}, TimePoint{1h});
  std::string_view bytes;
  const auto requests = get("/a") + get("/b");
  bytes = requests;
  std::string out;
  const auto answer = [&](std::size_t size) {
    const auto event = http.next(bytes, TimePoint{1h});
    REQUIRE(event.kind == Kind::request);
    http.answer(event.id, {200, {}, std::string(size, 'x')});
    http.take_output(TimePoint{1h}, [&](const HttpPiece& piece) { out += piece.view(); });
    http.on_written(http.unwritten_bytes() - 1, 1, TimePoint{1h});
  };
  answer(30'000);
  CHECK(asked == 1);
  answer(60'000);
  CHECK(asked == 2);
  CHECK(replies(out).back() == "503");
  http.abandon();
  CHECK(context.answers.used_bytes() == 40'000);
}

TEST_CASE("a body that answers share is sent without a copy", "[http_connection]") {
  Owner owner;
  const auto page = std::make_shared<const std::string>(100'000, 'x');
  owner.give(get("/a"));
  owner.http->answer(owner.ids[0], {200, {}, {}, page});
  std::vector<HttpPiece> pieces;
  owner.http->take_output(owner.now, [&](HttpPiece piece) { pieces.push_back(std::move(piece)); });
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[1].shared == page);
  CHECK(owner.http->owned_bytes() < 1000);
}

TEST_CASE("deadlines follow what the connection waits for", "[http_connection]") {
  Owner owner;
  const auto start = owner.now;
  const auto& options = owner.options;
  CHECK(owner.http->deadline() == start + options.handshake_timeout);
  owner.now += 3s;
  owner.give("GET /a HT");
  CHECK(owner.http->deadline() == start + options.handshake_timeout);  // Bytes alone buy no time.
  owner.give("TP/1.1\r\nHost: h\r\n\r\n");
  CHECK(owner.http->deadline() == owner.now + options.http_timeout);
  owner.now += 5s;
  owner.answer(0, {200, {}, "a"});
  CHECK(owner.http->deadline() == owner.now + options.write_timeout);
  owner.now += 1s;
  owner.write_all();
  CHECK(owner.http->is_idle());
  CHECK(owner.http->deadline() == owner.now + options.keep_alive_timeout);
  owner.now += 1s;
  owner.give("G");
  CHECK(owner.http->deadline() == owner.now + options.handshake_timeout);
  const auto due = owner.http->deadline();
  owner.now += 1s;
  owner.give("E");
  CHECK(owner.http->deadline() == due);
  CHECK_FALSE(owner.pass_deadline());
}

TEST_CASE("a handler that does not answer in time is answered for", "[http_connection]") {
  Owner owner;
  owner.give(get("/a") + get("/b"));
  owner.answer(1, {200, {}, "b"});
  CHECK(owner.pass_deadline());
  CHECK(replies(owner.out) == Lines{"503 close"});
  CHECK(owner.closes());
  owner.answer(0, {200, {}, "late"});
  CHECK(replies(owner.out) == Lines{"503 close"});
}

TEST_CASE("a slow client has as long as it takes bytes", "[http_connection]") {
  Owner owner;
  owner.give(get("/a"));
  owner.answer(0, {200, {}, std::string(100'000, 'x')});
  owner.write(50'000, 50'000);
  CHECK(owner.http->deadline() == owner.now + owner.options.write_timeout);
  // The kernel takes nothing more, but the client acknowledges.
  CHECK(owner.pass_deadline(40'000));
  CHECK(owner.http->deadline() == owner.now + owner.options.write_timeout);
  CHECK(owner.pass_deadline(30'000));
  owner.now += 3s;
  owner.write(10'000, 40'000);
  CHECK(owner.http->deadline() == owner.now + owner.options.write_timeout);
  CHECK_FALSE(owner.pass_deadline(40'000));
}

TEST_CASE("a connection that ends waits for its last bytes to be taken", "[http_connection]") {
  Owner owner;
  owner.give(get("/a", "Connection: close\r\n"));
  owner.answer(0, {200, {}, std::string(100'000, 'x')});
  CHECK(owner.http->phase() == Phase::finishing);
  owner.write(50'000, 50'000);
  owner.now += 9s;
  owner.write(owner.http->unwritten_bytes());
  CHECK(owner.http->phase() == Phase::written);
  owner.http->linger(owner.now);
  CHECK(owner.http->deadline() == owner.now + owner.options.linger_timeout);
  CHECK(owner.pass_deadline(40'000));
  CHECK(owner.pass_deadline(30'000));
  CHECK_FALSE(owner.pass_deadline(0));

  Owner stalled;
  stalled.give(get("/a", "Connection: close\r\n"));
  stalled.answer(0, {200, {}, std::string(100'000, 'x')});
  stalled.write(50'000, 50'000);
  CHECK_FALSE(stalled.pass_deadline(50'000));
}

TEST_CASE("a client that has ended its half gets what it asked for", "[http_connection]") {
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

TEST_CASE("whoever works on a request hears that its client has gone", "[http_connection]") {
  Owner owner;
  owner.give(get("/a"));
  CHECK(owner.last.remote_address == "192.0.2.1");
  CHECK_FALSE(owner.last.abandoned());
  owner.http.reset();
  CHECK(owner.last.abandoned());
}

TEST_CASE("a second answer and one to nobody are dropped", "[http_connection]") {
  Owner owner;
  owner.give(get("/a") + get("/b"));
  owner.answer(1, {200, {}, "b"});
  owner.answer(1, {200, {}, "again"});
  owner.http->answer(77, {200, {}, "nobody"});
  owner.answer(0, {200, {}, "a"});
  owner.answer(0, {200, {}, "again"});
  CHECK(replies(owner.out) == Lines{"200 a", "200 b"});
}
