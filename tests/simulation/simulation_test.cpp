// SPDX-License-Identifier: MIT
#include "simulation/simulation.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

std::uint32_t from_environment(const char* name, std::uint32_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread.
  return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::stoul(text));
}

}  // namespace

// ORDERCAST_SEED=N replays one seed; ORDERCAST_SEEDS=N runs that many.
TEST_CASE("the final version of an order reaches every authorized client, whatever happens",
          "[simulation]") {
  const auto first = from_environment("ORDERCAST_SEED", 1);
  const auto count =
      from_environment("ORDERCAST_SEEDS", std::getenv("ORDERCAST_SEED") != nullptr ? 1 : 10'000);
  std::size_t delivered = 0;
  std::size_t reconnects = 0;
  std::size_t restarts = 0;
  std::size_t too_slow = 0;
  for (std::uint32_t seed = first; seed < first + count; ++seed) {
    ordercast::simulation::Simulation simulation(seed);
    try {
      simulation.run();
    } catch (const ordercast::simulation::Broken& broken) {
      FAIL("seed " << seed << ": " << broken.what() << " (replay: ORDERCAST_SEED=" << seed << ")");
    }
    delivered += simulation.delivered;
    reconnects += simulation.reconnects;
    restarts += simulation.restarts;
    too_slow += simulation.too_slow;
  }
  WARN(count << " seeds: " << delivered << " updates delivered, " << reconnects << " connects, "
             << restarts << " restarts, " << too_slow << " closed as too slow");
  // A run in which nothing happens proves nothing.
  if (count >= 1000) {
    CHECK(delivered > count);
    CHECK(restarts > count / 2);
    CHECK(too_slow > 0);
  }
}
