// SPDX-License-Identifier: MIT
#include "simulation/simulation.hpp"

#include "support/seeds.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

TEST_CASE("the final version of an order reaches every authorized client, whatever happens",
          "[simulation]") {
  const auto [first, count] = ordercast::test::seeds_to_run(10'000);
  ordercast::simulation::Tally tally;
  for (std::uint32_t seed = first; seed < first + count; ++seed) {
    ordercast::simulation::Simulation simulation(seed);
    try {
      simulation.run();
    } catch (const ordercast::simulation::Broken& broken) {
      FAIL("seed " << seed << ": " << broken.what() << " (weather:" << simulation.weather()
                   << "; replay: ORDERCAST_SEED=" << seed << ")");
    }
    tally += simulation.tally();
  }
  WARN(count << " seeds: " << tally.delivered << " updates delivered, " << tally.connects
             << " connects, " << tally.restarts << " restarts, " << tally.drains << " drains, "
             << tally.twice << " answers given twice; closed: " << tally.too_slow << " too slow, "
             << tally.abusive << " abusive, " << tally.too_many << " too many; "
             << tally.unavailable << " told unavailable, " << tally.thrown << " calls that threw, "
             << tally.bytes << " bytes read slowly, " << tally.restores << " stores put back, "
             << tally.lost << " questions never answered, " << tally.messages
             << " messages of the application's own delivered, " << tally.replaced << " replaced, "
             << tally.crowded << " readers closed for too many");
  // Runs in which nothing happens prove nothing.
  if (count >= 1000) {
    CHECK(tally.delivered > count);
    CHECK(tally.restarts > count / 2);
    CHECK(tally.drains > count / 10);
    CHECK(tally.twice > count / 2);
    CHECK(tally.too_slow > 0);
    CHECK(tally.abusive > 0);
    CHECK(tally.too_many > 0);
    CHECK(tally.unavailable > count / 10);
    CHECK(tally.thrown > 0);
    CHECK(tally.bytes > count);
    CHECK(tally.restores > 0);
    CHECK(tally.lost > 0);
    CHECK(tally.messages > count);
    CHECK(tally.replaced > 0);
    CHECK(tally.crowded > 0);
  }
}

TEST_CASE("a seed replays the same run", "[simulation]") {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    ordercast::simulation::Simulation once(seed);
    ordercast::simulation::Simulation again(seed);
    once.run();
    again.run();
    CHECK(once.fingerprint() == again.fingerprint());
  }
}
