// SPDX-License-Identifier: MIT
#include "read_frames.hpp"
#include <ordercast/net/frame_parser.hpp>

#include <catch2/catch.hpp>
#include <support/raw_deflate.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using ordercast::CloseCode;
using ordercast::net::FrameParser;
using ordercast::net::FrameParserOptions;
using ordercast::net::Inflater;
using ordercast::net::Input;
using ordercast::test::noise;
using ordercast::test::order_like;
using ordercast::test::raw_deflate;
using ordercast::test::read_frames;
using ordercast::test::refusal_of;
using ordercast::test::with_rsv1;
using Kind = FrameParser::Kind;
using Opcode = ordercast::test::Opcode;

namespace {

using Seen = ordercast::test::SeenFrame;
constexpr auto frame = ordercast::test::client_frame;

/// The first frame of a compressed message.
std::string first(Opcode opcode, bool final, std::string_view compressed) {
  return with_rsv1(frame(opcode, final, compressed));
}

std::vector<Seen> read(const std::string& bytes, std::size_t step = std::size_t(-1),
                       FrameParserOptions options = {}) {
  FrameParser parser(options);
  parser.accept_deflated();
  return read_frames(parser, bytes, step);
}

CloseCode refusal(const std::string& bytes, FrameParserOptions options = {}) {
  return refusal_of(read(bytes, std::size_t(-1), options));
}

}  // namespace

TEST_CASE("compressed and plain messages take turns, whatever the cuts",
          "[frame_parser][deflate]") {
  const auto order = order_like(900);
  const auto packed = raw_deflate(order);
  const auto stream =
      first(Opcode::text, true, packed) + frame(Opcode::text, true, "plain") +
      first(Opcode::text, false, packed.substr(0, 10)) + frame(Opcode::ping, true, "in between") +
      frame(Opcode::continuation, false, packed.substr(10, 50)) +
      frame(Opcode::continuation, false, "") +
      frame(Opcode::continuation, true, packed.substr(60)) + frame(Opcode::text, false, "pl") +
      frame(Opcode::continuation, true, "ain") + first(Opcode::text, true, std::string(1, '\0'));
  const std::vector<Seen> expected = {
      {Kind::text, order, CloseCode::normal},        {Kind::text, "plain", CloseCode::normal},
      {Kind::ping, "in between", CloseCode::normal}, {Kind::text, order, CloseCode::normal},
      {Kind::text, "plain", CloseCode::normal},      {Kind::text, "", CloseCode::normal}};
  for (std::size_t step = 1; step <= stream.size(); step += step < 40 ? 1 : 37) {
    CAPTURE(step);
    CHECK(read(stream, step) == expected);
  }
}

TEST_CASE("a compressed message is read in any two fragments", "[frame_parser][deflate]") {
  const auto order = order_like(700);
  const auto packed = raw_deflate(order);
  for (std::size_t cut = 0; cut <= packed.size(); ++cut) {
    CAPTURE(cut);
    const auto seen = read(first(Opcode::text, false, packed.substr(0, cut)) +
                           frame(Opcode::continuation, true, packed.substr(cut)));
    CHECK(seen == std::vector<Seen>{{Kind::text, order, CloseCode::normal}});
  }
}

TEST_CASE("RSV1 stands on the first frame of a data message, if that was agreed on",
          "[frame_parser][deflate]") {
  const auto packed = raw_deflate("Hello");
  CHECK(refusal(first(Opcode::text, true, packed)) == CloseCode::normal);
  CHECK(refusal(first(Opcode::text, false, packed.substr(0, 3)) +
                first(Opcode::continuation, true, packed.substr(3))) == CloseCode::protocol_error);
  CHECK(refusal(frame(Opcode::text, false, "a") + first(Opcode::continuation, true, "b")) ==
        CloseCode::protocol_error);
  for (const auto control : {Opcode::ping, Opcode::pong, Opcode::close}) {
    CHECK(refusal(first(control, true, "")) == CloseCode::protocol_error);
  }
  for (const int rsv : {0x10, 0x20, 0x50, 0x60, 0x70}) {
    auto bytes = frame(Opcode::text, true, packed);
    bytes[0] = static_cast<char>(bytes[0] | rsv);
    CHECK(refusal(bytes) == CloseCode::protocol_error);
  }

  FrameParser parser;
  auto bytes = first(Opcode::text, true, packed);
  Input input{bytes.data(), bytes.size()};
  CHECK(parser.next(input).code == CloseCode::protocol_error);
}

TEST_CASE("a parser that is reset has nothing agreed on", "[frame_parser][deflate]") {
  FrameParser parser;
  parser.accept_deflated();
  parser.reset();
  auto bytes = first(Opcode::text, true, raw_deflate("Hello"));
  Input input{bytes.data(), bytes.size()};
  CHECK(parser.next(input).code == CloseCode::protocol_error);
}

TEST_CASE("the limit holds for what a message inflates to", "[frame_parser][deflate]") {
  constexpr std::size_t limit = 4096;
  CHECK(read(first(Opcode::text, true, raw_deflate(std::string(limit, 'x')))).front().payload ==
        std::string(limit, 'x'));
  CHECK(refusal(first(Opcode::text, true, raw_deflate(std::string(limit + 1, 'x')))) ==
        CloseCode::message_too_big);
  CHECK(refusal(first(Opcode::text, true, raw_deflate(std::string(1 << 20, 'x'), 9))) ==
        CloseCode::message_too_big);
  // In fragments too.
  const auto bomb = raw_deflate(std::string(1 << 20, 'x'), 9);
  std::string stream = first(Opcode::text, false, bomb.substr(0, 100));
  for (std::size_t at = 100; at < bomb.size(); at += 100) {
    stream += frame(Opcode::continuation, at + 100 >= bomb.size(), bomb.substr(at, 100));
  }
  CHECK(refusal(stream) == CloseCode::message_too_big);
}

TEST_CASE("a message that can't be compressed may be a little longer on the wire, and no more",
          "[frame_parser][deflate]") {
  const FrameParserOptions options{4096, true};
  const auto message = noise(4096);
  const auto packed = raw_deflate(message);
  REQUIRE(packed.size() > 4096);
  const auto seen = read(first(Opcode::binary, true, packed), std::size_t(-1), options);
  REQUIRE(seen.size() == 1);
  CHECK(seen.front().payload == message);
  // Refused by its length, before it comes.
  const std::string long_one(Inflater::most_compressed(4096) + 1, '\0');
  CHECK(refusal(first(Opcode::binary, true, long_one).substr(0, 8), options) ==
        CloseCode::message_too_big);
  CHECK(refusal(frame(Opcode::binary, true, std::string(4097, 'x')).substr(0, 8), options) ==
        CloseCode::message_too_big);
}

TEST_CASE("what does not inflate, or inflates to no UTF-8, is refused with 1007",
          "[frame_parser][deflate]") {
  CHECK(refusal(first(Opcode::text, true, "no deflate")) == CloseCode::invalid_payload);
  CHECK(refusal(first(Opcode::text, true, "")) == CloseCode::invalid_payload);
  const auto packed = raw_deflate(order_like(300));
  CHECK(refusal(first(Opcode::text, true, packed.substr(0, packed.size() - 1))) ==
        CloseCode::invalid_payload);
  CHECK(refusal(first(Opcode::text, true, raw_deflate("\xC3("))) == CloseCode::invalid_payload);
  CHECK(refusal(first(Opcode::text, true, raw_deflate("cut \xE2\x82"))) ==
        CloseCode::invalid_payload);
  CHECK(read(first(Opcode::text, true, raw_deflate("\xE2\x82\xAC"))).front().payload ==
        "\xE2\x82\xAC");
  CHECK(read(first(Opcode::binary, true, raw_deflate("\xC3(")), 7, {4096, true}).front().payload ==
        "\xC3(");
  CHECK(refusal(first(Opcode::binary, true, raw_deflate("x"))) == CloseCode::unsupported_data);
}

TEST_CASE("a message of many blocks is refused with 1008", "[frame_parser][deflate]") {
  std::string blocks;
  for (int i = 0; i < 500; ++i) blocks.append("\x00\x00\x00\xFF\xFF", 5);
  CHECK(refusal(first(Opcode::text, true, blocks + '\0')) == CloseCode::policy_violation);
}
