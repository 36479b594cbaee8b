// SPDX-License-Identifier: MIT
#include <ordercast/websocketpp/detail/fragment_counter.hpp>

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <cstddef>
#include <string>
#include <string_view>

using ordercast::test::Opcode;
using ordercast::test::ws_frame_bytes;
using ordercast::websocketpp::detail::FragmentCounter;

namespace {

std::string fragment(Opcode opcode, bool last, std::size_t size) {
  return ws_frame_bytes(opcode, last, true, std::string(size, 'x'));
}

}  // namespace

TEST_CASE("fragments without payload are counted, however the bytes are cut",
          "[fragment_counter]") {
  const auto bytes =
      fragment(Opcode::text, false, 0) + fragment(Opcode::continuation, false, 0) +
      fragment(Opcode::ping, true, 0) + fragment(Opcode::continuation, false, 70'000) +
      fragment(Opcode::continuation, false, 300) + fragment(Opcode::continuation, false, 0);
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()}) {
    CAPTURE(piece);
    FragmentCounter counter;
    counter.start({});
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      counter.read(std::string_view(bytes).substr(at, piece));
    }
    CHECK(counter.take() == 3);
    CHECK(counter.take() == 0);
    CHECK(counter.in_message() == 3);
    counter.read(fragment(Opcode::continuation, true, 0));
    CHECK(counter.take() == 0);  // It ends the message.
    CHECK(counter.in_message() == 0);
  }
}

TEST_CASE("what comes before the first frame is not read", "[fragment_counter]") {
  FragmentCounter counter;
  counter.read("GET /ws HTTP/1.1\r\n\r\n");
  counter.start(fragment(Opcode::text, false, 0));
  CHECK(counter.take() == 1);
}

TEST_CASE("RSV1 behind the first frame of a message is noted", "[fragment_counter]") {
  const auto with_rsv1 = [](std::string frame) {
    frame[0] = static_cast<char>(frame[0] | 0x40);
    return frame;
  };
  FragmentCounter counter;
  counter.start(with_rsv1(fragment(Opcode::text, true, 3)));
  counter.read(with_rsv1(fragment(Opcode::binary, false, 3)));
  counter.read(fragment(Opcode::continuation, true, 3));
  CHECK_FALSE(counter.has_bad_rsv1());
  CHECK_FALSE(counter.has_news());
  counter.read(with_rsv1(fragment(Opcode::continuation, true, 3)));
  CHECK(counter.has_bad_rsv1());
  CHECK(counter.has_news());
}
