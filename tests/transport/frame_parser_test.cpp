// SPDX-License-Identifier: MIT
#include "read_frames.hpp"
#include <ordercast/net/frame_parser.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using ordercast::CloseCode;
using ordercast::net::FrameParser;
using ordercast::net::FrameParserOptions;
using ordercast::test::read_frames;
using ordercast::test::refusal_of;
using Kind = FrameParser::Kind;
using Opcode = ordercast::test::Opcode;

namespace {

using Seen = ordercast::test::SeenFrame;
constexpr auto frame = ordercast::test::client_frame;

std::vector<Seen> read(const std::string& bytes, FrameParserOptions options = {}) {
  FrameParser parser(options);
  return read_frames(parser, bytes);
}

std::string raw(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes) out.push_back(static_cast<char>(byte));
  return out;
}

CloseCode refusal(const std::string& bytes, FrameParserOptions options = {}) {
  return refusal_of(read(bytes, options));
}

}  // namespace

TEST_CASE("a stream reads the same whatever the cuts between its bytes", "[frame_parser]") {
  const std::string euros = "\xE2\x82\xAC\xF0\x9F\x9A\x9A";
  const auto stream =
      frame(Opcode::text, true, "whole") + frame(Opcode::text, true, "") +
      frame(Opcode::text, false, euros.substr(0, 4)) + frame(Opcode::ping, true, "in between") +
      frame(Opcode::continuation, false, "") + frame(Opcode::continuation, true, euros.substr(4)) +
      frame(Opcode::text, true, std::string(126, 'x')) + frame(Opcode::pong, true, "") +
      frame(Opcode::close, true, raw({0x03, 0xE8}));
  const std::vector<Seen> expected = {{Kind::text, "whole", CloseCode::normal},
                                      {Kind::text, "", CloseCode::normal},
                                      {Kind::ping, "in between", CloseCode::normal},
                                      {Kind::text, euros, CloseCode::normal},
                                      {Kind::text, std::string(126, 'x'), CloseCode::normal},
                                      {Kind::pong, "", CloseCode::normal},
                                      {Kind::close, raw({0x03, 0xE8}), CloseCode::normal}};
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    CAPTURE(step);
    FrameParser parser;
    REQUIRE(read_frames(parser, stream, step) == expected);
    REQUIRE(parser.idle());
  }
}

TEST_CASE("a parser is idle between messages only", "[frame_parser]") {
  FrameParser parser;
  CHECK(parser.idle());
  read_frames(parser, frame(Opcode::text, false, "a"), 100);
  CHECK_FALSE(parser.idle());
  read_frames(parser, frame(Opcode::continuation, true, "b"), 100);
  CHECK(parser.idle());
  read_frames(parser, raw({0x81}), 100);
  CHECK_FALSE(parser.idle());
  parser.reset();
  CHECK(parser.idle());
}

TEST_CASE("bad UTF-8 is refused at its first byte, not at the message's end", "[frame_parser]") {
  for (const auto& bad : {"\xC0", "\xF5", "\x80", "\xED\xA0", "\xE0\x80", "\xF4\x90", "\xF0\x80",
                          "\xE2\x28", "\xE2\x82\x28"}) {
    CAPTURE(bad);
    FrameParser parser;
    auto start = frame(Opcode::text, false, std::string("good ") + bad);
    CHECK(read_frames(parser, start, start.size()).back().code == CloseCode::invalid_payload);
    // In the middle of a frame, too.
    FrameParser second;
    start = frame(Opcode::text, true, std::string("good ") + bad + std::string(100, 'x'));
    start.resize(start.size() - 100);
    CHECK(read_frames(second, start, start.size()).back().code == CloseCode::invalid_payload);
  }
}

TEST_CASE("a character that the message cuts short is refused at its end", "[frame_parser]") {
  CHECK(refusal(frame(Opcode::text, true, "\xE2\x82")) == CloseCode::invalid_payload);
  CHECK(refusal(frame(Opcode::text, false, "\xE2\x82")) == CloseCode::normal);
  CHECK(refusal(frame(Opcode::text, false, "\xE2\x82") + frame(Opcode::continuation, true, "")) ==
        CloseCode::invalid_payload);
}

TEST_CASE("each rule of framing is kept", "[frame_parser]") {
  for (const int first : {0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F, 0x80, 0x09, 0x08}) {
    CAPTURE(first);
    // At the second byte: the parser does not wait for the rest of a wrong frame.
    CHECK(refusal(raw({first, 0x80})) == CloseCode::protocol_error);
  }
  CHECK(refusal(raw({0x81, 0x05})) == CloseCode::protocol_error);  // not masked
  CHECK(refusal(raw({0x89, 0xFE})) == CloseCode::protocol_error);  // ping over 125
  CHECK(refusal(raw({0x81, 0xFE, 0, 125, 0, 0, 0, 0})) == CloseCode::protocol_error);
  CHECK(refusal(raw({0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0})) ==
        CloseCode::protocol_error);
  CHECK(refusal(raw({0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) ==
        CloseCode::protocol_error);
  CHECK(refusal(frame(Opcode::text, false, "a") + frame(Opcode::text, true, "b")) ==
        CloseCode::protocol_error);
  CHECK(refusal(frame(Opcode::binary, true, "b")) == CloseCode::unsupported_data);
}

TEST_CASE("a length that overflows is too big and asks for no memory", "[frame_parser]") {
  CHECK(refusal(raw({0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0})) ==
        CloseCode::message_too_big);
  CHECK(refusal(frame(Opcode::text, false, "a") +
                raw({0x80, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0})) ==
        CloseCode::message_too_big);
}

TEST_CASE("a message may have the limit and no byte more, in one frame or in many",
          "[frame_parser]") {
  const FrameParserOptions options{10, false};
  CHECK(read(frame(Opcode::text, true, "0123456789"), options).back().payload == "0123456789");
  CHECK(refusal(frame(Opcode::text, true, "0123456789a"), options) == CloseCode::message_too_big);
  const auto half = frame(Opcode::text, false, "01234");
  CHECK(refusal(half + frame(Opcode::continuation, true, "56789"), options) == CloseCode::normal);
  CHECK(refusal(half + frame(Opcode::continuation, true, "56789a"), options) ==
        CloseCode::message_too_big);
}

TEST_CASE("fragments without payload are bounded", "[frame_parser]") {
  auto flood = frame(Opcode::text, false, "a");
  for (unsigned i = 0; i < FrameParser::max_empty_fragments; ++i) {
    flood += frame(Opcode::continuation, false, "");
  }
  CHECK(refusal(flood) == CloseCode::normal);
  CHECK(refusal(flood + frame(Opcode::continuation, false, "")) == CloseCode::policy_violation);
  // The next message starts anew.
  CHECK(refusal(flood + frame(Opcode::continuation, true, "") + flood) == CloseCode::normal);
}

TEST_CASE("close codes are those that may be sent, and a reason is UTF-8", "[frame_parser]") {
  const auto close = [](unsigned code, std::string_view reason = {}) {
    const auto payload = raw({static_cast<int>(code >> 8U), static_cast<int>(code & 0xFFU)});
    return read(frame(Opcode::close, true, payload + std::string(reason))).back();
  };
  for (const unsigned code : {1000U, 1001U, 1002U, 1003U, 1007U, 1011U, 1014U, 3000U, 4999U}) {
    CAPTURE(code);
    CHECK(close(code, "bye").kind == Kind::close);
    CHECK(close(code, "bye").payload.size() == 2);
  }
  for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 2999U, 5000U, 65535U}) {
    CAPTURE(code);
    CHECK(close(code).code == CloseCode::protocol_error);
  }
  CHECK(close(1000, "\xFF").code == CloseCode::invalid_payload);
  CHECK(read(frame(Opcode::close, true, "")).back().payload.empty());
  CHECK(refusal(frame(Opcode::close, true, "x")) == CloseCode::protocol_error);
}

TEST_CASE("binary messages are read where they are wanted", "[frame_parser]") {
  const FrameParserOptions options{100, true};
  const auto seen = read(frame(Opcode::binary, false, "\xFF") +
                             frame(Opcode::continuation, true, std::string("\0\xFE", 2)),
                         options);
  REQUIRE(seen.size() == 1);
  CHECK(seen.front() == Seen{Kind::binary, std::string("\xFF\0\xFE", 3), CloseCode::normal});
}

TEST_CASE("what was refused stays refused", "[frame_parser]") {
  FrameParser parser;
  read_frames(parser, raw({0x81, 0x05}), 2);
  CHECK(read_frames(parser, frame(Opcode::text, true, "fine"), 100).back().kind == Kind::refused);
}
