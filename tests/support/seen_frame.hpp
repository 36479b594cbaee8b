// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/frame_parser.hpp>

#include <string>

namespace ordercast::test {

/// What a frame parser made of some bytes, kept beyond its next call.
struct SeenFrame {
  net::FrameParser::Kind kind;
  std::string payload;
  CloseCode code;

  bool operator==(const SeenFrame& other) const {
    return kind == other.kind && payload == other.payload && code == other.code;
  }
};

}  // namespace ordercast::test
