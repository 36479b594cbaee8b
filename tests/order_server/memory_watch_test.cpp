// SPDX-License-Identifier: MIT
#include "workers/memory_watch.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>

using order_server::MemoryWatch;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

/// A process that is checked four times a second.
struct Process {
  MemoryWatch watch;
  ordercast::TimePoint now{};
  std::size_t connections = 0;

  Process() { CHECK_FALSE(look(20 * mib)); }
  bool look(std::size_t resident) {
    now += milliseconds(250);
    return watch.look(connections, resident, now);
  }
  /// How long it takes until memory is returned; nullopt if longer than `most`.
  std::optional<milliseconds> until_given_back(std::size_t resident, seconds most) {
    const auto start = now;
    while (now - start < most) {
      if (look(resident)) return std::chrono::duration_cast<milliseconds>(now - start);
    }
    return std::nullopt;
  }
};

}  // namespace

TEST_CASE("memory that large answers leave behind is given back without a crowd", "[memory]") {
  Process process;
  for (std::size_t grown = 20; grown <= 200; grown += 10) CHECK_FALSE(process.look(grown * mib));
  const auto waited = process.until_given_back(190 * mib, seconds(60));
  REQUIRE(waited);
  CHECK(*waited >= milliseconds(1'750));
  CHECK(*waited <= seconds(3));
  process.watch.gave_back(25 * mib, process.now);
  CHECK_FALSE(process.until_given_back(25 * mib, seconds(600)));
}

TEST_CASE("nothing is given back while memory grows or for little of it", "[memory]") {
  Process process;
  for (std::size_t grown = 20; grown <= 2'000; grown += 2) CHECK_FALSE(process.look(grown * mib));
  Process small;
  CHECK_FALSE(small.until_given_back(51 * mib, seconds(600)));
}

TEST_CASE("memory that is in use is tried for ever more rarely, and again once it was worth it",
          "[memory]") {
  Process process;
  std::optional<milliseconds> last;
  for (int i = 0; i < 8; ++i) {
    last = process.until_given_back(500 * mib, seconds(601));
    REQUIRE(last);
    process.watch.gave_back(500 * mib, process.now);
  }
  CHECK(*last >= seconds(299));
  CHECK(process.until_given_back(500 * mib, seconds(301)));
  process.watch.gave_back(100 * mib, process.now);
  last = process.until_given_back(100 * mib, seconds(60));
  REQUIRE(last);
  CHECK(*last <= seconds(11));
}

TEST_CASE("memory is given back when a crowd has left, once", "[memory]") {
  Process process;
  for (process.connections = 0; process.connections < 600; process.connections += 50) {
    CHECK_FALSE(process.look(21 * mib));
  }
  process.connections = 200;
  CHECK_FALSE(process.look(21 * mib));  // they may still be leaving
  CHECK(process.look(21 * mib));
  process.watch.gave_back(20 * mib, process.now);
  CHECK_FALSE(process.until_given_back(21 * mib, seconds(60)));
}
