// SPDX-License-Identifier: MIT
#include "support/models/sharded.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

TEST_CASE("every question to all shards is answered once, with what each made of it",
          "[sharded][model]") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    ordercast::test::RandomChoices choices(seed, 800);
    REQUIRE_NOTHROW(ordercast::test::ShardedRun(choices).run());
  }
}
