// SPDX-License-Identifier: MIT
#include "support/models/client.hpp"
#include "support/seeds.hpp"

#include <catch2/catch.hpp>

TEST_CASE("a client ends with every version whatever the server and the application do",
          "[client][model]") {
  const auto seeds = ordercast::test::seeds_to_run(60);
  for (auto seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    INFO("seed " << seed);
    ordercast::test::RandomChoices choices(seed, 300);
    REQUIRE_NOTHROW(ordercast::test::ClientRun(choices).run());
  }
}
