// SPDX-License-Identifier: MIT
// permessage-deflate: what we compress against an inflater of zlib alone; bytes as a client's
// compressed message, in any fragments and pieces, against the same inflater and its limit; and
// offers of it.
#include "fuzz/fuzz.hpp"
#include "support/raw_deflate.hpp"
#include "support/seen_frame.hpp"
#include <ordercast/detail/utf8.hpp>
#include <ordercast/net/deflate_terms.hpp>
#include <ordercast/net/deflater.hpp>
#include <ordercast/net/frame_parser.hpp>
#include <ordercast/net/inflater.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using ordercast::fuzz::Choices;
using ordercast::fuzz::require;
using ordercast::net::FrameParser;
using ordercast::test::SeenFrame;

constexpr std::size_t limit = 300;  // so that it is met

/// A message of words that repeat, and of bytes as they come.
std::string message(Choices& choices) {
  std::string text;
  while (!choices.empty() && text.size() < 70'000) {
    const auto word = std::string(choices.text());
    for (auto times = choices.below(40); times > 0; --times) text += word;
  }
  return text;
}

void check_compressed(Choices& choices) {
  const auto plain = message(choices);
  std::string compressed;
  if (!ordercast::net::Deflater::of_this_thread().deflate(plain, compressed)) return;
  require(compressed.size() < plain.size(), "what is compressed is shorter");
  const int window_bits = ordercast::net::Deflater::window_bits;
  require(ordercast::test::raw_inflate(compressed, window_bits) == plain,
          "what is compressed comes back");
  std::string read;
  const auto outcome =
      ordercast::net::Inflater::of_this_thread().inflate(compressed, plain.size(), read);
  require(outcome == ordercast::net::Inflater::Outcome::done && read == plain, "from ours too");
}

/// A client's frame with a mask of zeros.
std::string frame(unsigned first_byte, std::string_view payload) {
  std::string wire(1, static_cast<char>(first_byte));
  wire += static_cast<char>(0x80U | (payload.size() < 126 ? payload.size() : 126));
  if (payload.size() >= 126) {
    wire += static_cast<char>(payload.size() >> 8U);
    wire += static_cast<char>(payload.size() & 0xFFU);
  }
  return wire.append(4, '\0').append(payload);
}

/// What a parser makes of a binary message of compressed bytes in fragments and pieces.
SeenFrame read(std::string_view compressed, std::size_t fragment, std::size_t piece) {
  std::string wire;
  unsigned first_byte = 0x42;
  while (compressed.size() > fragment) {
    wire += frame(first_byte, compressed.substr(0, fragment));
    compressed.remove_prefix(fragment);
    first_byte = 0;
  }
  wire += frame(first_byte | 0x80U, compressed);
  FrameParser parser({limit, true});
  parser.accept_deflated();
  for (std::size_t at = 0; at < wire.size();) {
    ordercast::net::Input input{wire.data() + at, std::min(piece, wire.size() - at)};
    at += input.size;
    const auto item = parser.next(input);
    require(item.payload.size() <= limit, "a payload is within the limit");
    if (item.kind != FrameParser::Kind::none) {
      return {item.kind, std::string(item.payload), item.code};
    }
  }
  require(false, "a whole message is read or refused");
  return {};
}

void check_inflated(Choices& choices) {
  const auto fragment = 1U + choices.below(100);
  const auto piece = 1U + choices.below(100);
  std::string bytes;
  if (choices.below(2) == 0) {
    bytes = choices.rest();
  } else {  // A valid one with a fault in it.
    const auto at = choices.word();
    const auto flip = choices.byte();
    bytes = ordercast::test::raw_deflate(message(choices), static_cast<int>(flip % 10U));
    bytes[at % bytes.size()] = static_cast<char>(bytes[at % bytes.size()] ^ flip);
  }
  bytes.resize(std::min<std::size_t>(bytes.size(), 30'000));
  const auto whole = read(bytes, 60'000, std::size_t(-1));
  require(whole == read(bytes, fragment, piece), "a message reads the same whatever the cuts");
  const auto expected = ordercast::test::raw_inflate(bytes);
  if (whole.kind == FrameParser::Kind::binary) {
    require(!expected || *expected == whole.payload, "what is read is what was compressed");
  } else if (expected && bytes.size() <= limit) {
    require(expected->size() > limit || whole.code == ordercast::CloseCode::policy_violation,
            "what can be read is read");
  }
}

void check_offer(Choices& choices) {
  ordercast::HttpRequest request;
  while (!choices.empty()) {
    request.headers.push_back({"Sec-WebSocket-Extensions", std::string(choices.text())});
  }
  const auto terms = ordercast::net::negotiate_deflate(request);
  if (!terms) return;
  require(terms.window_bits >= 8 && terms.window_bits <= 15, "a window has 8 to 15 bits");
  bool is_offered = false;
  for (const auto& field : request.headers) {
    is_offered = is_offered || field.value.find("permessage-deflate") != std::string::npos;
  }
  require(is_offered, "nothing is accepted that was not offered");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  switch (choices.below(3)) {
    case 0:
      check_compressed(choices);
      break;
    case 1:
      check_inflated(choices);
      break;
    default:
      check_offer(choices);
  }
  return 0;
}
