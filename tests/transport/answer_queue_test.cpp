// SPDX-License-Identifier: MIT
#include <ordercast/net/answer_queue.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using ordercast::HttpResponse;
using ordercast::net::AnswerMemory;
using ordercast::net::AnswerQueue;
using ordercast::net::HttpPiece;

namespace {

/// A queue that records its pieces.
struct Line {
  explicit Line(AnswerMemory& memory) : queue(memory) {}

  void ask(std::uint64_t id, bool last = false) {
    AnswerQueue::Request request;
    request.id = id;
    request.last = last;
    queue.add(std::move(request));
  }
  void give(std::uint64_t id, HttpResponse response, std::size_t max_owned = 1 << 20U) {
    queue.give(*queue.find(id), std::move(response), max_owned, 0, ordercast::net::plain_error, [] {
      return HttpResponse{503, {}, {}};
    });
  }
  bool send() {
    return queue.send_ready([this](const HttpPiece& piece) { sent += piece.view(); });
  }

  AnswerQueue queue;
  std::string sent;
};

HttpResponse answer(std::string body) {
  return {200, {}, std::move(body)};
}

}  // namespace

TEST_CASE("answers leave in the order of their requests", "[answer_queue]") {
  AnswerMemory memory(1 << 20U);
  Line line(memory);
  line.ask(1);
  line.ask(2);
  line.give(2, answer("second"));
  CHECK_FALSE(line.send());
  CHECK(line.sent.empty());
  line.give(1, answer("first"));
  CHECK_FALSE(line.send());
  CHECK(line.sent.find("first") < line.sent.find("second"));
  CHECK(line.queue.requests().empty());
}

TEST_CASE("nothing is sent behind an answer that ends the connection", "[answer_queue]") {
  AnswerMemory memory(1 << 20U);
  Line line(memory);
  line.ask(1, true);
  line.ask(2);
  line.give(2, answer("second"));
  line.give(1, answer("first"));
  CHECK(line.send());
  CHECK(line.sent.find("second") == std::string::npos);
}

TEST_CASE("memory comes back with the bytes that have left, and at the end", "[answer_queue]") {
  AnswerMemory memory(1 << 20U);
  Line line(memory);
  line.ask(1);
  line.ask(2);
  line.give(1, answer(std::string(100'000, 'a')));
  line.give(2, answer(std::string(50'000, 'b')));
  line.send();
  const auto unwritten = line.queue.unwritten_bytes();
  CHECK(memory.used_bytes() == unwritten);
  line.queue.on_written(unwritten - 1);
  CHECK(memory.used_bytes() > 50'000);
  CHECK(memory.used_bytes() < 100'000);
  line.queue.on_written(1);
  CHECK(memory.used_bytes() == 0);
  line.ask(3);
  line.give(3, answer("third"));
  line.queue.drop_all();
  CHECK(memory.used_bytes() == 0);
  CHECK(line.queue.owned_bytes() == 0);
}

TEST_CASE("an answer that memory has no room for is refused, after room was asked for",
          "[answer_queue]") {
  int asked = 0;
  AnswerMemory memory(60'000, [&](const AnswerQueue&) { return ++asked > 100; });
  Line line(memory);
  Line other(memory);
  other.ask(1);
  other.give(1, answer(std::string(50'000, 'o')));
  CHECK(asked == 0);  // The first is always taken.
  line.ask(1);
  line.give(1, answer(std::string(50'000, 'a')));
  CHECK(asked == 1);
  line.send();
  CHECK(line.sent.substr(0, 13) == "HTTP/1.1 503 ");
}

TEST_CASE("bytes that answers share do not count for a connection", "[answer_queue]") {
  AnswerMemory memory(1 << 20U);
  Line line(memory);
  line.ask(1);
  HttpResponse response;
  response.shared_body = std::make_shared<const std::string>(100'000, 's');
  line.give(1, std::move(response));
  CHECK(memory.used_bytes() < 1000);
  line.send();
  CHECK(line.sent.size() > 100'000);
}
