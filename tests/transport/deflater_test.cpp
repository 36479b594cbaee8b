// SPDX-License-Identifier: MIT
#include <ordercast/net/deflated_frame.hpp>
#include <ordercast/net/deflater.hpp>
#include <ordercast/net/frame.hpp>

#include <catch2/catch.hpp>
#include <support/allocations.hpp>
#include <support/raw_deflate.hpp>

#include <array>
#include <cstddef>
#include <string>

using ordercast::net::deflated;
using ordercast::net::Deflater;
using ordercast::net::make_frame;
using ordercast::net::Opcode;
using ordercast::test::FailingAllocation;
using ordercast::test::noise;
using ordercast::test::order_like;
using ordercast::test::raw_inflate;

TEST_CASE("what is compressed comes back from an inflater of its own, message by message",
          "[deflate]") {
  Deflater deflater;
  std::string compressed;
  constexpr std::array<std::size_t, 7> sizes = {256, 257, 700, 4096, 10'000, 70'000, 1'048'576};
  for (const auto size : sizes) {
    CAPTURE(size);
    const auto order = order_like(size);
    REQUIRE(deflater.deflate(order, compressed));
    CHECK(compressed.size() < size / 2);
    CHECK(raw_inflate(compressed, Deflater::window_bits) == order);
  }
}

TEST_CASE("a message that is short or long, or does not shrink, stays as it is", "[deflate]") {
  Deflater deflater;
  std::string compressed;
  CHECK_FALSE(deflater.deflate("", compressed));
  CHECK_FALSE(deflater.deflate(std::string(Deflater::least_bytes - 1, 'x'), compressed));
  CHECK_FALSE(deflater.deflate(std::string(Deflater::most_bytes + 1, 'x'), compressed));
  CHECK_FALSE(deflater.deflate(noise(5000), compressed));
  const auto order = order_like(1000);
  REQUIRE(deflater.deflate(order, compressed));
  CHECK(raw_inflate(compressed) == order);
}

TEST_CASE("a message fits the window of its own size", "[deflate]") {
  Deflater deflater;
  std::string compressed;
  for (int bits = 8; bits <= 15; ++bits) {
    CAPTURE(bits);
    const auto order = order_like(std::size_t{1} << static_cast<unsigned>(bits));
    REQUIRE(deflater.deflate(order, compressed));
    CHECK(raw_inflate(compressed, bits) == order);
  }
}

TEST_CASE("without memory a message stays as it is, and the next one is compressed", "[deflate]") {
  Deflater deflater;
  const auto order = order_like(1000);
  {
    std::string compressed;
    const FailingAllocation failing(0);
    CHECK_FALSE(deflater.deflate(order, compressed));
    CHECK(failing.fired());
  }
  const auto frame = make_frame(Opcode::text, order);
  {
    const FailingAllocation failing(0, 100);
    CHECK(deflated(frame).is(frame));
  }
  CHECK(deflated(frame).is(frame));  // The decision on a message holds for all its recipients.
  std::string compressed;
  CHECK(deflater.deflate(order, compressed));
}
