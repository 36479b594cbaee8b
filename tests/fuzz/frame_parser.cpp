// SPDX-License-Identifier: MIT
// A stream of WebSocket frames, cut anywhere, against itself in one piece, and its valid start
// against a reader that is written from RFC 6455 section 5.2, frame by frame. Half of the inputs
// choose from a grammar of well-formed streams, whose messages must all be read.
#include "fuzz/fuzz.hpp"
#include "support/seen_frame.hpp"
#include <ordercast/net/frame_parser.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using ordercast::fuzz::require;
using ordercast::net::FrameParser;
using ordercast::net::FrameParserOptions;
using ordercast::net::Input;
using Kind = FrameParser::Kind;

constexpr std::size_t small_message = 300;  // so that the limit is met

using ordercast::test::SeenFrame;

/// What a parser sees; `cut` says how many bytes come next.
template <class Cut>
std::vector<SeenFrame> parsed(std::string bytes, Cut cut, bool accept_binary,
                              std::size_t max_message = small_message) {
  FrameParser parser(FrameParserOptions{max_message, accept_binary});
  std::vector<SeenFrame> seen;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto count = std::min(bytes.size() - at, cut());
    Input input{bytes.data() + at, count};
    at += count;
    for (;;) {
      const auto item = parser.next(input);
      if (item.kind == Kind::none) break;
      require(item.payload.size() <= max_message, "a payload is within the limit");
      seen.push_back({item.kind, std::string(item.payload), item.code});
      if (item.kind == Kind::refused) {
        require(!parser.idle(), "a parser that has refused is not idle");
        return seen;
      }
    }
    require(input.size == 0, "all of the input is taken");
  }
  return seen;
}

/// As `by_the_book` writes it; null for the end of what it reads.
const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::text:
      return "text ";
    case Kind::binary:
      return "binary ";
    case Kind::ping:
      return "ping ";
    case Kind::pong:
      return "pong ";
    default:
      return nullptr;
  }
}

/// One frame, by the book.
struct Frame {
  unsigned opcode = 0;
  bool final = false;
  bool masked = false;
  bool reserved = false;
  std::string payload;
};

/// Nothing when the rest is no whole frame, or one that is too long to matter here.
std::optional<Frame> next_frame(std::string_view& rest) {
  const auto byte = [&](std::size_t i) -> std::uint64_t {
    return static_cast<unsigned char>(rest[i]);
  };
  if (rest.size() < 2) return std::nullopt;
  Frame frame;
  frame.final = byte(0) >> 7U != 0;
  frame.reserved = (byte(0) & 0x70U) != 0;
  frame.opcode = static_cast<unsigned>(byte(0) & 0xFU);
  frame.masked = byte(1) >> 7U != 0;
  std::uint64_t length = byte(1) & 0x7FU;
  std::size_t at = 2;
  const std::size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (rest.size() < at + more) return std::nullopt;
  if (more > 0) length = 0;
  for (std::size_t i = 0; i < more; ++i) length = length << 8U | byte(at++);
  const std::size_t mask_at = at;
  if (frame.masked) at += 4;
  if (rest.size() < at || length > rest.size() - at) return std::nullopt;
  for (std::size_t i = 0; i < length; ++i) {
    const auto mask = frame.masked ? byte(mask_at + i % 4) : 0;
    frame.payload.push_back(static_cast<char>(byte(at + i) ^ mask));
  }
  rest.remove_prefix(at + length);
  return frame;
}

/// The messages, pings and pongs that frames make as long as nothing is wrong with them.
std::vector<std::string> by_the_book(std::string_view rest, bool accept_binary) {
  std::vector<std::string> all;
  std::string message;
  unsigned kind = 0;  // 1 text, 2 binary, 0 no message
  while (const auto frame = next_frame(rest)) {
    if (!frame->masked || frame->reserved) break;
    if (frame->opcode == 9 || frame->opcode == 10) {
      all.push_back((frame->opcode == 9 ? "ping " : "pong ") + frame->payload);
    } else if (frame->opcode == 1 || (frame->opcode == 2 && accept_binary) ||
               (frame->opcode == 0 && kind != 0)) {
      if (frame->opcode != 0) kind = frame->opcode;
      message += frame->payload;
      if (!frame->final) continue;
      all.push_back((kind == 1 ? "text " : "binary ") + std::exchange(message, {}));
      kind = 0;
    } else {
      break;
    }
  }
  return all;
}

/// A frame as a client writes it, masked.
std::string frame(ordercast::fuzz::Choices& choices, unsigned opcode, bool is_final,
                  const std::string& payload) {
  std::string wire(1, static_cast<char>(opcode | (is_final ? 0x80U : 0U)));
  const auto length = payload.size();
  const int extra = length < 126 ? 0 : length < 65536 ? 2 : 8;
  wire += static_cast<char>(0x80U | (extra == 0 ? length : extra == 2 ? 126 : 127));
  for (int i = extra - 1; i >= 0; --i) wire += static_cast<char>(length >> (8 * i) & 0xFFU);
  const unsigned seed = choices.byte();
  const std::string mask = {static_cast<char>(seed), static_cast<char>(seed * 7),
                            static_cast<char>(seed * 31), '\x55'};
  wire += mask;
  for (std::size_t i = 0; i < length; ++i) wire += static_cast<char>(payload[i] ^ mask[i % 4]);
  return wire;
}

/// Messages whole and in fragments, empty ones among them, with control frames between, and sizes
/// on both sides of each form of the length.
void check_stream(ordercast::fuzz::Choices& choices) {
  constexpr std::size_t max_message = 70'000;
  static const std::vector<std::size_t> sizes = {0, 1, 2, 125, 126, 127, 300, 65'535, 65'536};
  std::string wire;
  std::vector<std::string> expected;
  const auto control = [&] {
    const bool is_ping = choices.below(2) == 0;
    const std::string payload(choices.below(126), 'c');
    wire += frame(choices, is_ping ? 9 : 10, true, payload);
    expected.push_back((is_ping ? "ping " : "pong ") + payload);
  };
  for (auto messages = 1 + choices.below(6); messages > 0; --messages) {
    while (choices.below(4) == 1) control();
    const bool is_text = choices.below(3) != 0;
    // Characters of several bytes are cut by fragments.
    const std::string unit =
        is_text ? std::vector<std::string>{"a", "\xC3\xA9", "\xF0\x9F\x98\x80"}[choices.below(3)]
                : std::string(1, '\xFF');
    const auto size = sizes[choices.below(static_cast<unsigned>(sizes.size()))];
    std::string message;
    while (message.size() + unit.size() <= size) message += unit;
    std::string_view rest = message;
    unsigned opcode = is_text ? 1 : 2;
    for (auto fragments = choices.below(5); fragments > 0; --fragments) {
      const auto part = rest.substr(0, choices.below(3) == 0 ? 0 : choices.word());
      rest.remove_prefix(part.size());
      wire += frame(choices, std::exchange(opcode, 0), false, std::string(part));
      if (choices.below(3) == 1) control();
    }
    wire += frame(choices, opcode, true, std::string(rest));
    expected.push_back((is_text ? "text " : "binary ") + message);
  }
  const auto cut = choices.below(3);
  const auto seen = parsed(
      wire,
      [&]() -> std::size_t {
        return cut == 0 ? wire.size() : cut == 1 ? 1 : 1 + choices.word() % 5'000;
      },
      true, max_message);
  require(seen.size() == expected.size(), "every message is read");
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const char* name = name_of(seen[i].kind);
    require(name != nullptr && expected[i] == name + seen[i].payload, "as it was sent");
  }
}

void check_bytes(ordercast::fuzz::Choices& choices) {
  const bool accept_binary = choices.below(2) == 1;
  const auto cuts = choices.text();
  const std::string bytes(choices.rest());

  const auto whole = parsed(
      bytes, [&] { return bytes.size(); }, accept_binary);
  std::size_t next = 0;
  const auto in_pieces = parsed(
      bytes,
      [&]() -> std::size_t {
        if (cuts.empty()) return 1;
        return 1 + static_cast<unsigned char>(cuts[next++ % cuts.size()]) % 64;
      },
      accept_binary);
  require(whole == in_pieces, "a stream reads the same whatever the cuts");

  const auto expected = by_the_book(bytes, accept_binary);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const auto& item = whole[i];
    const char* name = name_of(item.kind);
    if (name == nullptr) break;
    require(i < expected.size() && expected[i] == name + item.payload,
            "what is read is what was sent");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ordercast::fuzz::Choices choices(data, size);
  if (choices.below(2) == 0) {
    check_bytes(choices);
  } else {
    check_stream(choices);
  }
  return 0;
}
