// SPDX-License-Identifier: MIT
#include <ordercast/net/inflater.hpp>

#include <catch2/catch.hpp>
#include <support/raw_deflate.hpp>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

using ordercast::net::Inflater;
using ordercast::test::noise;
using ordercast::test::order_like;
using ordercast::test::raw_deflate;
using Outcome = Inflater::Outcome;

namespace {

constexpr std::size_t limit = 4096;
constexpr std::array<std::size_t, 9> sizes = {0, 1, 255, 256, 1023, 1024, 1025, 4095, 4096};

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

/// What a message inflates to, or how it is refused.
std::string inflated(std::string_view message, std::size_t most = limit) {
  std::string plain;
  switch (Inflater::of_this_thread().inflate(message, most, plain)) {
    case Outcome::done:
      return plain;
    case Outcome::too_big:
      CHECK(plain.size() <= most + 1);
      return "too big";
    case Outcome::too_many_blocks:
      return "too many blocks";
    case Outcome::corrupt:
      break;
  }
  return "corrupt";
}

}  // namespace

TEST_CASE("the examples of RFC 7692 section 7.2.3 are read", "[deflate]") {
  CHECK(inflated(bytes({0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00})) == "Hello");
  // A block without compression, one that says it is the last, and two in one message.
  CHECK(inflated(bytes({0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00})) ==
        "Hello");
  CHECK(inflated(bytes({0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00})) == "Hello");
  CHECK(inflated(bytes({0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07,
                        0x00})) == "Hello");
  CHECK(inflated(bytes({0x00})).empty());
  CHECK(inflated(bytes({0x02, 0x00})).empty());
}

TEST_CASE("a message of any level, window and content comes back", "[deflate]") {
  for (const int level : {0, 1, 6, 9}) {
    for (const int window_bits : {9, 12, 15}) {
      for (const std::size_t size : sizes) {
        CAPTURE(level, window_bits, size);
        const auto order = order_like(size).substr(0, size);
        CHECK(inflated(raw_deflate(order, level, window_bits)) == order);
        const auto message = noise(size);
        const auto compressed = raw_deflate(message, level, window_bits);
        CHECK(inflated(compressed) == message);
        CHECK(compressed.size() <= Inflater::most_compressed(size));
      }
    }
  }
}

TEST_CASE("nothing is left of a message for the next one", "[deflate]") {
  const auto order = order_like(1000);
  CHECK(inflated(raw_deflate(order)) == order);
  CHECK(inflated(raw_deflate(order, 6, 15, order)) == "corrupt");  // It refers to the one before.
  CHECK(inflated("no deflate") == "corrupt");
  CHECK(inflated(raw_deflate(order)) == order);
}

TEST_CASE("inflating stops one byte beyond the limit", "[deflate]") {
  const auto bomb = raw_deflate(std::string(16 * 1024 * 1024, 'x'), 9);
  REQUIRE(bomb.size() < 20'000);
  CHECK(inflated(bomb) == "too big");
  CHECK(inflated(raw_deflate(std::string(limit, 'x'))) == std::string(limit, 'x'));
  CHECK(inflated(raw_deflate(std::string(limit + 1, 'x'))) == "too big");
  CHECK(inflated(raw_deflate("x"), 0) == "too big");
  CHECK(inflated(raw_deflate(""), 0).empty());
  CHECK(inflated(raw_deflate(std::string(1'000'000, 'x')), 1'000'000).size() == 1'000'000);
}

TEST_CASE("a message of many empty blocks is given up", "[deflate]") {
  const std::string empty_block("\x00\x00\x00\xFF\xFF", 5);
  std::string blocks;
  // The last byte of the message and the cut tail are one more.
  for (unsigned i = 0; i + 1 < Inflater::max_blocks; ++i) blocks += empty_block;
  CHECK(inflated(blocks + '\0').empty());
  CHECK(inflated(blocks + empty_block + '\0') == "too many blocks");
}

TEST_CASE("a message that is cut off anywhere is refused, or its start is whole", "[deflate]") {
  const auto order = order_like(600);
  const auto whole = raw_deflate(order);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(inflated(whole.substr(0, size)) == "corrupt");
  }
}

TEST_CASE("what is no deflate is refused", "[deflate]") {
  CHECK(inflated("") == "corrupt");
  CHECK(inflated(bytes({0x06, 0x00})) == "corrupt");                          // block type 3
  CHECK(inflated(bytes({0x00, 0x05, 0x00, 0x00, 0x00, 'H'})) == "corrupt");   // a bad length
  CHECK(inflated(bytes({0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00})) == "corrupt");  // not whole
  CHECK(inflated("\xFF\xFF\xFF\xFF") == "corrupt");
}
