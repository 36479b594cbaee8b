// SPDX-License-Identifier: MIT
#include <ordercast/net/frame.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <utility>

using ordercast::CloseCode;
using ordercast::net::Frame;
using ordercast::net::make_close_frame;
using ordercast::net::make_frame;
using ordercast::net::Opcode;

TEST_CASE("copies of a frame are the same bytes in memory", "[frame]") {
  CHECK(Frame().bytes().empty());
  const auto frame = Frame::of("head", "body");
  CHECK(frame.bytes() == "headbody");
  auto copy = frame;
  CHECK(copy.is(frame));
  CHECK(copy.data() == frame.data());
  const auto moved = std::move(copy);
  CHECK(moved.is(frame));
  CHECK_FALSE(Frame::of("headbody").is(frame));
}

TEST_CASE("a frame that shares bytes keeps their owner, and lets go of it", "[frame]") {
  auto text = std::make_shared<const std::string>("shared");
  const std::weak_ptr<const std::string> watch = text;
  {
    const auto frame = Frame::sharing(std::move(text));
    CHECK(frame.bytes() == "shared");
    CHECK(frame.data() == watch.lock()->data());
  }
  CHECK(watch.expired());
}

TEST_CASE("a message has its head before it, and a close its code", "[frame]") {
  CHECK(make_frame(Opcode::text, "hi").bytes() == "\x81\x02hi");
  CHECK(make_close_frame(CloseCode::going_away, "bye").bytes() ==
        "\x88\x05\x03\xE9"
        "bye");
  CHECK(make_close_frame(CloseCode::going_away, std::string(200, 'x')).size() == 2 + 125);
}
