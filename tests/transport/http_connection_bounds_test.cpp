// SPDX-License-Identifier: MIT
#include "http_owner.hpp"
#include <ordercast/net/http_connection.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::net;
using namespace ordercast::test;
using namespace std::chrono_literals;

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
  CHECK(owner.http->deadline() ==
        start + options.handshake_timeout);  // Bytes alone do not move the deadline.
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
