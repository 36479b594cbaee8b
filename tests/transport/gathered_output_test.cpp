// SPDX-License-Identifier: MIT
#include <ordercast/websocketpp/detail/gathered_output.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

using ordercast::websocketpp::detail::GatheredOutput;
using Buffer = ::websocketpp::transport::buffer;

namespace {

std::string text(const GatheredOutput& output) {
  std::string all;
  for (const auto& buffer : output.unwritten()) {
    all.append(static_cast<const char*>(buffer.data()), buffer.size());
  }
  return all;
}

}  // namespace

TEST_CASE("what the kernel has taken is not written again", "[gathered_output]") {
  GatheredOutput output;
  output.start({Buffer("one", 3), Buffer("", 0), Buffer("two", 3), Buffer("three", 5)});
  CHECK(output.in_flight() == 11);
  CHECK(text(output) == "onetwothree");
  output.advance(0);
  CHECK(text(output) == "onetwothree");
  output.advance(2);
  CHECK(text(output) == "etwothree");
  output.advance(4);
  CHECK(text(output) == "three");
  output.advance(5);
  CHECK(text(output).empty());
  CHECK(output.in_flight() == 0);
  CHECK(output.taken() == 11);
}

TEST_CASE("a tail goes out behind the bytes of a write, and is not copied", "[gathered_output]") {
  const auto body = std::make_shared<const std::string>("body");
  GatheredOutput output;
  output.set_tail(body);
  output.start("head", 4);
  CHECK(output.in_flight() == 8);
  CHECK(text(output) == "headbody");
  CHECK((output.unwritten().end() - 1)->data() == body->data());
  CHECK(body.use_count() == 2);
}

TEST_CASE("a write that is given up leaves nothing behind but what was taken",
          "[gathered_output]") {
  GatheredOutput output;
  output.start("abcdef", 6);
  output.advance(2);
  output.clear();
  CHECK(output.in_flight() == 0);
  CHECK(text(output).empty());
  output.start({Buffer("g", 1)});
  CHECK(text(output) == "g");
  output.advance(1);
  CHECK(output.taken() == 3);
}
