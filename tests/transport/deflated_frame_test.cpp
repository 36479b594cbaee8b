// SPDX-License-Identifier: MIT
#include <ordercast/net/deflated_frame.hpp>

#include <catch2/catch.hpp>
#include <support/raw_deflate.hpp>

#include <string>
#include <thread>
#include <vector>

using ordercast::net::deflated;
using ordercast::net::DeflateTerms;
using ordercast::net::fits;
using ordercast::net::fits_all;
using ordercast::net::Frame;
using ordercast::net::make_frame;
using ordercast::net::Opcode;
using ordercast::test::noise;
using ordercast::test::order_like;
using ordercast::test::raw_inflate;

TEST_CASE("a frame's message is compressed once, whoever asks", "[deflate]") {
  const auto order = order_like(1000);
  const auto frame = make_frame(Opcode::text, order);
  const auto copy = frame;
  std::vector<Frame> forms(4);
  std::vector<std::thread> threads;
  threads.reserve(forms.size());
  for (auto& form : forms) {
    threads.emplace_back([&frame, &form] { form = deflated(frame); });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& form : forms) CHECK(form.is(forms.front()));
  CHECK(deflated(copy).is(forms.front()));
  CHECK(frame.message() == order);

  const auto wire = std::string(forms.front().bytes());
  CHECK(wire[0] == '\xC1');  // Final, RSV1, text.
  CHECK(wire[1] == 126);
  CHECK(raw_inflate(wire.substr(4)) == order);
}

TEST_CASE("a compressed frame lives as long as its message or whoever holds it", "[deflate]") {
  Frame form;
  {
    const auto frame = make_frame(Opcode::binary, order_like(1000));
    form = deflated(frame);
    CHECK_FALSE(form.is(frame));
  }
  CHECK(form.bytes().front() == '\xC2');
  CHECK(raw_inflate(std::string(form.bytes().substr(4))) == order_like(1000));
}

TEST_CASE("a frame that does not shrink, or that is no message, stays as it is", "[deflate]") {
  const std::vector<Frame> plain = {
      make_frame(Opcode::text, "short"), make_frame(Opcode::binary, noise(1000)),
      make_frame(Opcode::ping, {}), Frame::of(order_like(1000)),
      Frame::sharing(std::make_shared<const std::string>(order_like(1000)))};
  for (const auto& frame : plain) {
    CHECK(deflated(frame).is(frame));
    CHECK(deflated(frame).is(frame));
  }
  CHECK(deflated(Frame()).size() == 0);
}

TEST_CASE("a small window takes the messages that fit into it", "[deflate]") {
  CHECK(fits_all(DeflateTerms{15, false}));
  CHECK_FALSE(fits_all(DeflateTerms{8, true}));
  CHECK(fits(DeflateTerms{15, false}, 1'000'000));
  CHECK(fits(DeflateTerms{8, true}, 256));
  CHECK_FALSE(fits(DeflateTerms{8, true}, 257));
  CHECK(fits(DeflateTerms{10, true}, 1024));
  CHECK_FALSE(fits(DeflateTerms{10, true}, 1025));
}
