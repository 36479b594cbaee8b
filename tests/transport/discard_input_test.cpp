// SPDX-License-Identifier: MIT
#include <ordercast/net/discard_input.hpp>

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

using ordercast::net::discard_input;
using ordercast::net::Discarded;

namespace {

struct Pair {
  Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    ::close(ends[0]);
    hang_up();
  }
  void say(std::size_t bytes) const {
    const std::string text(bytes, 'x');
    REQUIRE(::send(ends[1], text.data(), bytes, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes));
  }
  void hang_up() {
    if (ends[1] >= 0) ::close(std::exchange(ends[1], -1));
  }

  std::array<int, 2> ends{-1, -1};
};

}  // namespace

TEST_CASE("what a peer has sent is dropped, and counted", "[discard_input]") {
  const Pair pair;
  std::size_t count = 0;
  CHECK(discard_input(pair.ends[0], count) == Discarded::all);
  CHECK(count == 0);
  pair.say(10'000);
  CHECK(discard_input(pair.ends[0], count) == Discarded::all);
  pair.say(1);
  CHECK(discard_input(pair.ends[0], count) == Discarded::all);
  CHECK(count == 10'001);
}

TEST_CASE("the end of what a peer sends is told from a broken connection", "[discard_input]") {
  Pair pair;
  std::uint32_t count = 0;
  pair.say(5);
  pair.hang_up();
  CHECK(discard_input(pair.ends[0], count) == Discarded::ended);
  CHECK(count == 5);
  CHECK(discard_input(-1, count) == Discarded::gone);
}

TEST_CASE("a peer that never stops is cut off", "[discard_input]") {
  const Pair pair;
  std::uint32_t count = 0;
  auto found = Discarded::all;
  std::size_t sent = 0;
  while (found == Discarded::all && sent < 2 * ordercast::net::max_discarded_bytes) {
    pair.say(16 * 1024);
    sent += 16 * 1024;
    found = discard_input(pair.ends[0], count);
  }
  CHECK(found == Discarded::gone);
  CHECK(count == ordercast::net::max_discarded_bytes + 4096);
}
