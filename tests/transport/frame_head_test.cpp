// SPDX-License-Identifier: MIT
#include <ordercast/net/frame_head.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <string>

using ordercast::net::FrameHead;
using ordercast::net::Opcode;

namespace {

std::string head(Opcode opcode, std::size_t payload_bytes) {
  return std::string(FrameHead(opcode, payload_bytes).bytes());
}

}  // namespace

TEST_CASE("a server's frame has the shortest length and no mask", "[frame_head]") {
  using namespace std::string_literals;
  CHECK(head(Opcode::text, 0) == "\x81\0"s);
  CHECK(head(Opcode::text, 125) == "\x81\x7D");
  CHECK(head(Opcode::text, 126) == "\x81\x7E\0\x7E"s);
  CHECK(head(Opcode::binary, 0xFFFF) == "\x82\x7E\xFF\xFF");
  CHECK(head(Opcode::binary, 0x10000) == "\x82\x7F\0\0\0\0\0\x01\0\0"s);
  CHECK(head(Opcode::text, 0x0102030405060708) == "\x81\x7F\x01\x02\x03\x04\x05\x06\x07\x08");
  CHECK(head(Opcode::close, 2) == "\x88\x02");
  CHECK(head(Opcode::ping, 0) == "\x89\0"s);
  CHECK(head(Opcode::pong, 125) == "\x8A\x7D");
}
