// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/frame_parser.hpp>

#include <catch2/catch.hpp>
#include <support/seen_frame.hpp>
#include <support/ws_client.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Frames for the tests of the frame parser, and what it reads.
namespace ordercast::test {

/// A frame as a client sends it: masked.
inline std::string client_frame(Opcode opcode, bool final, std::string_view payload) {
  return ws_frame_bytes(opcode, final, true, payload);
}

/// Feeds `bytes` to the parser in pieces of `step`. Ends with a refusal if there is one.
inline std::vector<SeenFrame> read_frames(net::FrameParser& parser, std::string bytes,
                                          std::size_t step = std::size_t(-1)) {
  std::vector<SeenFrame> seen;
  for (std::size_t at = 0; at < bytes.size();) {
    net::Input input{bytes.data() + at, std::min(step, bytes.size() - at)};
    at += input.size;
    for (;;) {
      const auto item = parser.next(input);
      if (item.kind == net::FrameParser::Kind::none) break;
      seen.push_back({item.kind, std::string(item.payload), item.code});
      if (item.kind == net::FrameParser::Kind::refused) return seen;
    }
    REQUIRE(input.size == 0);
  }
  return seen;
}

/// The code that a stream was refused with; normal if it was not refused.
inline CloseCode refusal_of(const std::vector<SeenFrame>& seen) {
  const bool refused = !seen.empty() && seen.back().kind == net::FrameParser::Kind::refused;
  return refused ? seen.back().code : CloseCode::normal;
}

}  // namespace ordercast::test
