// SPDX-License-Identifier: MIT
#include <ordercast/asio/turn_writer.hpp>
#include <ordercast/net/deflated_frame.hpp>

#include <catch2/catch.hpp>
#include <support/allocations.hpp>
#include <support/raw_deflate.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using ordercast::asio::StreamSocket;
using ordercast::asio::TurnWriter;
using ordercast::net::deflated;
using ordercast::net::Frame;
using ordercast::net::IoMode;
using ordercast::net::make_frame;
using ordercast::net::Opcode;
using ordercast::test::order_like;

namespace {

/// Connections whose peers read when they are told to.
class Crowd {
 public:
  explicit Crowd(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      std::array<int, 2> ends{-1, -1};
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
      sockets_.emplace_back(ends[0]);
      peers_.emplace_back(ends[1]);
    }
    queues_.resize(count);
  }

  [[nodiscard]] StreamSocket& socket(std::uint32_t index) noexcept { return sockets_[index]; }
  [[nodiscard]] TurnWriter::Queue& queue(std::uint32_t index) noexcept { return queues_[index]; }

  void send(TurnWriter& writer, std::uint32_t index, const Frame& frame) {
    writer.push(index, queues_[index], frame);
  }
  /// Ends the turn; whoever was written, and with what failure.
  std::vector<std::pair<std::uint32_t, int>> flush(TurnWriter& writer) {
    std::vector<std::pair<std::uint32_t, int>> written;
    written.reserve(sockets_.size());
    writer.flush(*this,
                 [&](std::uint32_t index, int failure) { written.emplace_back(index, failure); });
    return written;
  }
  /// What the peer has got, or a part of it.
  std::string read(std::uint32_t index, std::size_t most = std::size_t(-1)) {
    std::string text;
    std::array<char, 65536> buffer{};
    while (text.size() < most) {
      const auto count = ::recv(peers_[index].fd(), buffer.data(),
                                std::min(buffer.size(), most - text.size()), MSG_DONTWAIT);
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  void hang_up(std::uint32_t index) { peers_[index].close(); }

 private:
  std::vector<StreamSocket> sockets_;
  std::vector<StreamSocket> peers_;
  std::vector<TurnWriter::Queue> queues_;
};

const auto every_mode = {IoMode::send, IoMode::automatic, IoMode::uring};

}  // namespace

TEST_CASE("each connection gets what it was sent, in order, when the turn ends", "[turn_writer]") {
  for (const auto mode : every_mode) {
    TurnWriter writer(mode, false);
    Crowd crowd(6);
    CHECK(writer.is_idle());
    const auto a = Frame::of("a");
    const auto b = Frame::of("bb");
    const auto c = Frame::of("ccc");
    for (const std::uint32_t i : {0U, 1U, 2U, 3U}) crowd.send(writer, i, a);
    for (const std::uint32_t i : {0U, 2U, 4U}) crowd.send(writer, i, b);
    for (const std::uint32_t i : {4U, 3U, 0U}) crowd.send(writer, i, c);
    crowd.send(writer, 3, a);
    CHECK(crowd.queue(0).unwritten_bytes() == 6);
    CHECK(crowd.read(0).empty());
    CHECK_FALSE(writer.is_idle());

    const auto written = crowd.flush(writer);
    CHECK(written.size() == 5);
    for (const auto& [index, failure] : written) CHECK(failure == 0);
    CHECK(writer.is_idle());
    const std::vector<std::string> expected{"abbccc", "a", "abb", "accca", "bbccc", ""};
    for (std::uint32_t i = 0; i < 6; ++i) {
      CHECK(crowd.read(i) == expected[i]);
      CHECK(crowd.queue(i).unwritten_bytes() == 0);
    }
  }
}

TEST_CASE("more connections than one call takes are all written", "[turn_writer]") {
  for (const auto mode : every_mode) {
    TurnWriter writer(mode, false);
    Crowd crowd(400);
    for (std::uint32_t turn = 0; turn < 3; ++turn) {
      for (std::uint32_t i = 0; i < 400; ++i) crowd.send(writer, i, Frame::of(std::to_string(i)));
      for (std::uint32_t i = 0; i < 400; i += 3) crowd.send(writer, i, Frame::of("x"));
      CHECK(crowd.flush(writer).size() == 400);
      for (std::uint32_t i = 0; i < 400; ++i) {
        CHECK(crowd.read(i) == std::to_string(i) + (i % 3 == 0 ? "x" : ""));
      }
    }
  }
}

TEST_CASE("what the kernel does not take waits, and goes on where it stopped", "[turn_writer]") {
  TurnWriter writer(IoMode::automatic, false);
  Crowd crowd(1);
  std::string sent;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    const std::string text(300'000, letter);
    crowd.send(writer, 0, Frame::of(text));
    sent += text;
  }
  CHECK(crowd.flush(writer).size() == 1);
  CHECK(crowd.queue(0).has_backlog());
  const auto unwritten = crowd.queue(0).unwritten_bytes();
  CHECK(unwritten > 0);
  // Messages that come meanwhile wait behind it, and the turn does not write them.
  crowd.send(writer, 0, Frame::of("last"));
  sent += "last";
  CHECK(crowd.flush(writer).empty());
  CHECK(crowd.queue(0).unwritten_bytes() == unwritten + 4);
  std::string got;
  while (crowd.queue(0).has_backlog()) {
    got += crowd.read(0, 100'000);
    REQUIRE(writer.write_backlog(crowd.socket(0), crowd.queue(0)) == 0);
  }
  got += crowd.read(0);
  CHECK(got == sent);
  CHECK(crowd.queue(0).unwritten_bytes() == 0);
}

TEST_CASE("a peer that is gone fails its own connection only", "[turn_writer]") {
  for (const auto mode : every_mode) {
    TurnWriter writer(mode, false);
    Crowd crowd(5);
    crowd.hang_up(2);
    for (std::uint32_t i = 0; i < 5; ++i) crowd.send(writer, i, Frame::of("text"));
    crowd.socket(4).close();  // In the same turn, before its end.
    writer.drop(crowd.queue(4));
    const auto written = crowd.flush(writer);
    REQUIRE(written.size() == 4);
    for (const auto& [index, failure] : written) CHECK(failure == (index == 2 ? EPIPE : 0));
    CHECK(crowd.read(3) == "text");
  }
}

TEST_CASE("without memory for slices a turn is written all the same, or the connection fails",
          "[turn_writer]") {
  for (std::size_t after = 0; after < 12; ++after) {
    TurnWriter writer(IoMode::send, false);
    Crowd crowd(4);
    const auto a = Frame::of("a");
    const auto b = Frame::of("b");
    for (std::uint32_t i = 0; i < 4; ++i) crowd.send(writer, i, a);
    for (std::uint32_t i = 0; i < 4; i += 2) crowd.send(writer, i, b);
    for (std::uint32_t i = 0; i < 4; i += 2) crowd.send(writer, i, a);
    std::vector<std::pair<std::uint32_t, int>> written;
    {
      written.reserve(4);
      const ordercast::test::FailingAllocation failing(after, 1);
      writer.flush(crowd,
                   [&](std::uint32_t index, int failure) { written.emplace_back(index, failure); });
    }
    CHECK(written.size() == 4);
    for (const auto& [index, failure] : written) {
      CHECK(failure == 0);
      while (crowd.queue(index).has_backlog()) {
        REQUIRE(writer.write_backlog(crowd.socket(index), crowd.queue(index)) == 0);
      }
      CHECK(crowd.read(index) == (index % 2 == 0 ? "aba" : "a"));
    }
  }
}

TEST_CASE("connections that get messages compressed share one run, as the others do",
          "[turn_writer][deflate]") {
  const auto mode = GENERATE(IoMode::send, IoMode::uring);
  Crowd crowd(6);
  TurnWriter writer(mode, false);
  for (const std::uint32_t index : {1U, 3U, 5U}) crowd.queue(index).deflate();
  std::string plain;
  std::string packed;
  for (std::size_t i = 0; i < 30; ++i) {
    const auto frame = make_frame(Opcode::text, order_like(i % 2 == 0 ? 20 : 500 + i));
    for (std::uint32_t index = 0; index < 6; ++index) crowd.send(writer, index, frame);
    plain += frame.bytes();
    packed += deflated(frame).bytes();
  }
  REQUIRE(packed.size() < plain.size() / 2);
  CHECK(crowd.queue(0).unwritten_bytes() == plain.size());
  CHECK(crowd.queue(1).unwritten_bytes() == packed.size());
  crowd.flush(writer);
  for (std::uint32_t index = 0; index < 6; ++index) {
    CAPTURE(index);
    CHECK(crowd.queue(index).unwritten_bytes() == 0);
    CHECK(crowd.read(index) == (index % 2 == 0 ? plain : packed));
  }
}

TEST_CASE("a connection gets messages compressed with gaps between them, and from its backlog",
          "[turn_writer][deflate]") {
  Crowd crowd(2);
  TurnWriter writer(IoMode::send, false);
  crowd.queue(0).deflate();
  std::string expected;
  const auto send = [&](std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
      const auto mine = make_frame(Opcode::text, order_like(20'000 + i));
      crowd.send(writer, 0, mine);
      expected += deflated(mine).bytes();
      crowd.send(writer, 1, make_frame(Opcode::text, "between"));
    }
  };
  send(200);
  crowd.flush(writer);
  REQUIRE(crowd.queue(0).has_backlog());
  send(10);
  std::string seen;
  while (crowd.queue(0).has_backlog()) {
    const auto more = crowd.read(0);
    REQUIRE_FALSE(more.empty());
    seen += more;
    REQUIRE(writer.write_backlog(crowd.socket(0), crowd.queue(0)) == 0);
  }
  seen += crowd.read(0);
  CHECK(seen == expected);
  CHECK(crowd.queue(0).unwritten_bytes() == 0);
}

TEST_CASE("what is written early goes out before the turn ends, in order and once",
          "[turn_writer]") {
  for (const auto mode : every_mode) {
    TurnWriter writer(mode, false);
    Crowd crowd(6);
    const auto a = Frame::of("a");
    const auto b = Frame::of("bb");
    for (const std::uint32_t i : {0U, 1U, 2U, 3U, 4U, 5U}) crowd.send(writer, i, a);
    crowd.send(writer, 1, b);
    crowd.send(writer, 2, Frame::of("-"));
    crowd.send(writer, 1, b);  // With a gap.
    for (const std::uint32_t i : {0U, 1U}) {
      CHECK(writer.write_early(crowd.socket(i), crowd.queue(i)) == 0);
      CHECK(crowd.queue(i).unwritten_bytes() == 0);
      CHECK(writer.write_early(crowd.socket(i), crowd.queue(i)) == 0);  // Nothing is left.
    }
    CHECK(crowd.read(0) == "a");
    CHECK(crowd.read(1) == "abbbb");
    CHECK(crowd.read(2).empty());
    // What comes behind it waits for the end of the turn.
    crowd.send(writer, 0, b);
    crowd.send(writer, 0, Frame::of("--"));
    CHECK(crowd.queue(0).unwritten_bytes() == 4);
    const auto written = crowd.flush(writer);
    CHECK(written.size() == 6);
    for (const auto& [index, failure] : written) CHECK(failure == 0);
    const std::vector<std::string> expected{"bb--", "", "a-", "a", "a", "a"};
    for (std::uint32_t i = 0; i < 6; ++i) CHECK(crowd.read(i) == expected[i]);
  }
}

TEST_CASE("what the kernel refuses of an early write waits behind it", "[turn_writer]") {
  TurnWriter writer(IoMode::automatic, false);
  Crowd crowd(1);
  const std::string big(1'000'000, 'x');
  crowd.send(writer, 0, Frame::of(big));
  CHECK(writer.write_early(crowd.socket(0), crowd.queue(0)) == 0);
  CHECK(crowd.queue(0).has_backlog());
  crowd.send(writer, 0, Frame::of("last"));
  const auto written = crowd.flush(writer);
  REQUIRE(written.size() == 1);  // So that its owner waits for room.
  CHECK(written.front() == std::pair<std::uint32_t, int>(0, 0));
  std::string got;
  while (crowd.queue(0).has_backlog()) {
    got += crowd.read(0);
    REQUIRE(writer.write_backlog(crowd.socket(0), crowd.queue(0)) == 0);
  }
  CHECK(got + crowd.read(0) == big + "last");
  CHECK(crowd.queue(0).unwritten_bytes() == 0);
}

TEST_CASE("an early write to a peer that is gone says so", "[turn_writer]") {
  TurnWriter writer(IoMode::automatic, false);
  Crowd crowd(1);
  crowd.hang_up(0);
  crowd.send(writer, 0, Frame::of("a"));
  CHECK(writer.write_early(crowd.socket(0), crowd.queue(0)) == EPIPE);
}
