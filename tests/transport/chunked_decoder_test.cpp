// SPDX-License-Identifier: MIT
#include <ordercast/net/chunked_decoder.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using ordercast::net::ChunkedDecoder;

namespace {

struct Decoded {
  std::string body;
  std::size_t used = 0;
  int status = 0;
  bool done = false;
};

/// Decodes in pieces of `step` bytes, until the end or a refusal.
Decoded decode(std::string_view bytes, std::size_t step, std::size_t max_body = 64,
               std::size_t max_trailer = 64) {
  ChunkedDecoder decoder(max_body, max_trailer);
  Decoded out;
  while (out.used < bytes.size() && !decoder.complete() && decoder.status() == 0) {
    const auto used = decoder.consume(bytes.substr(out.used, step), out.body);
    out.used += used;
    if (used == 0) break;
  }
  out.status = decoder.status();
  out.done = decoder.complete();
  return out;
}

}  // namespace

TEST_CASE("chunks are joined, their extensions and the trailer dropped", "[chunked]") {
  const std::string_view bytes =
      "5\r\nhello\r\n0a;x=\"y\"\r\n, world...\r\n000\r\nA: b\r\nC:\r\n\r\n";
  for (const std::size_t step : {1U, 2U, 3U, 7U, 1000U}) {
    CAPTURE(step);
    const auto seen = decode(std::string(bytes) + "GET / HTTP/1.1", step);
    CHECK(seen.body == "hello, world...");
    CHECK(seen.done);
    CHECK(seen.status == 0);
    CHECK(seen.used == bytes.size());
  }
}

TEST_CASE("a body of chunks is refused as soon as it can't be one", "[chunked]") {
  const std::vector<std::pair<std::string, int>> rows{
      {"\r\n", 400},
      {"g\r\n", 400},
      {"-1\r\n", 400},
      {"0x5\r\nhello\r\n", 400},
      {" 5\r\nhello\r\n", 400},
      {"5 \nhello", 400},
      {"5\nhello\r\n", 400},
      {"5\r\nhelloX\n", 400},
      {"5\r\nhello\n0\r\n\r\n", 400},
      {"41\r\n", 413},
      {"ffffffffffffffff\r\n", 413},
      {"fffffffffffffffff\r\n", 400},
  };
  for (const auto& [bytes, status] : rows) {
    for (const std::size_t step : {1U, 1000U}) {
      CAPTURE(bytes, step);
      const auto seen = decode(bytes, step);
      CHECK(seen.status == status);
      CHECK_FALSE(seen.done);
    }
  }
}

TEST_CASE("a body of chunks of exactly the limit is taken, one byte more is not", "[chunked]") {
  const auto chunks = [](std::size_t count) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += "1\r\nx\r\n";
    return bytes + "0\r\n\r\n";
  };
  CHECK(decode(chunks(64), 1000).done);
  CHECK(decode(chunks(64), 1).body == std::string(64, 'x'));
  CHECK(decode(chunks(65), 1000).status == 413);
}

TEST_CASE("what comes between chunks and behind them is bounded", "[chunked]") {
  CHECK(decode("5;" + std::string(10'000, 'x'), 1000).status != 0);
  CHECK(decode("0\r\n" + std::string(10'000, 'x'), 1000).status != 0);
  std::string endless = "0\r\n";
  for (int i = 0; i < 1000; ++i) endless += "A: b\r\n";
  CHECK(decode(endless, 1000).status != 0);
}
