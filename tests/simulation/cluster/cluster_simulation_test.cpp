// SPDX-License-Identifier: MIT
#include "simulation/cluster/cluster_simulation.hpp"

#include "support/seeds.hpp"

#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <optional>
#include <string>

using ordercast::simulation::Broken;
using ordercast::simulation::ClusterSimulation;
using ordercast::simulation::ClusterTally;
using ordercast::simulation::Mistake;

namespace {

/// Failures of the store are part of it, and logged otherwise.
struct Silence {
  Silence() { spdlog::set_level(spdlog::level::off); }
} const silence;

/// The message of the first of `seeds` seeds that breaks a promise.
std::optional<std::string> first_fault(Mistake mistake, std::uint32_t seeds) {
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    try {
      ClusterSimulation(seed, mistake).run();
    } catch (const Broken& broken) {
      return "seed " + std::to_string(seed) + ": " + broken.what();
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("the final version reaches every client at every node of a cluster, whatever happens",
          "[cluster_simulation]") {
  const auto [first, count] = ordercast::test::seeds_to_run(5'000);
  ClusterTally tally;
  for (std::uint32_t seed = first; seed < first + count; ++seed) {
    ClusterSimulation simulation(seed);
    try {
      simulation.run();
    } catch (const Broken& broken) {
      FAIL("seed " << seed << ": " << broken.what() << " (replay: ORDERCAST_SEED=" << seed << ")");
    }
    tally += simulation.tally();
  }
  WARN(count << " seeds: " << tally.delivered << " updates delivered, " << tally.kills
             << " nodes killed, " << tally.pauses << " stood still, " << tally.partitions
             << " partitions, " << tally.taken_over << " entries taken over, " << tally.repeated
             << " messages repeated, " << tally.lost << " lost, " << tally.lost_acks
             << " acknowledgements lost, " << tally.comparisons << " comparisons, which brought "
             << tally.newer << " orders; whole after " << tally.longest.count() << " ms at most");
  // Runs in which nothing happens prove nothing.
  if (count >= 1000) {
    CHECK(tally.delivered > count);
    CHECK(tally.kills > count / 2);
    CHECK(tally.pauses > count / 2);
    CHECK(tally.partitions > count);
    CHECK(tally.taken_over > count / 10);
    CHECK(tally.repeated > count);
    CHECK(tally.lost > count / 2);
    CHECK(tally.lost_acks > count / 10);
    CHECK(tally.comparisons > count);
    CHECK(tally.newer > count / 10);
  }
}

TEST_CASE("a seed replays the same run of a cluster", "[cluster_simulation]") {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    ClusterSimulation once(seed);
    ClusterSimulation again(seed);
    once.run();
    again.run();
    CHECK(once.fingerprint() == again.fingerprint());
  }
}

// A check that can't fail proves nothing.
TEST_CASE("the simulation of a cluster finds each fault that is made on purpose",
          "[cluster_simulation]") {
  for (const auto& [mistake, name] :
       {std::pair(Mistake::no_resync, "nothing is compared with the store"),
        std::pair(Mistake::mark_unacknowledged, "what is not acknowledged is marked"),
        std::pair(Mistake::forget_gaps, "a gap is not reported")}) {
    const auto fault = first_fault(mistake, 500);
    INFO(name);
    REQUIRE(fault);
    WARN(name << ": " << *fault);
  }
}
