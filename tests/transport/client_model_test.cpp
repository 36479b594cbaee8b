// SPDX-License-Identifier: MIT
#include "support/models/client.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

// ORDERCAST_SEED=N replays one seed; ORDERCAST_SEEDS=N runs that many.
TEST_CASE("a client ends with every version whatever the server and the application do",
          "[client][model]") {
  const char* only = std::getenv("ORDERCAST_SEED");    // NOLINT(concurrency-mt-unsafe)
  const char* count = std::getenv("ORDERCAST_SEEDS");  // NOLINT(concurrency-mt-unsafe)
  const auto first = only == nullptr ? 1 : static_cast<std::uint32_t>(std::stoul(only));
  const auto seeds = count != nullptr  ? static_cast<std::uint32_t>(std::stoul(count))
                     : only != nullptr ? 1
                                       : 60;
  for (auto seed = first; seed < first + seeds; ++seed) {
    INFO("seed " << seed);
    ordercast::test::RandomChoices choices(seed, 300);
    REQUIRE_NOTHROW(ordercast::test::ClientRun(choices).run());
  }
}
