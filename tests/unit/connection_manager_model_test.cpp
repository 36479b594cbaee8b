// SPDX-License-Identifier: MIT
#include "support/models/manager.hpp"
#include "support/seeds.hpp"

#include <catch2/catch.hpp>

TEST_CASE("a manager keeps its promises through every phase", "[manager][model]") {
  const auto seeds = ordercast::test::seeds_to_run(60);
  for (auto seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    INFO("seed " << seed);
    ordercast::test::RandomChoices choices(seed, 150);
    REQUIRE_NOTHROW(ordercast::test::ManagerRun(choices).run());
  }
}
