// SPDX-License-Identifier: MIT
#include "support/models/containers.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

namespace test = ordercast::test;

TEST_CASE("index, small list and slab agree with the standard's containers through every phase",
          "[index][small_list][slab][model]") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    test::RandomChoices choices(seed, 40);
    REQUIRE_NOTHROW(test::FlatIndexRun(choices).run());
    test::RandomChoices more(seed, 60);
    REQUIRE_NOTHROW(test::SmallListRun(more).run());
    test::RandomChoices others(seed, 40);
    REQUIRE_NOTHROW(test::SlabRun(others).run());
  }
}
