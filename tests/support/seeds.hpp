// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace ordercast::test {

/// Which seeds a randomized test runs.
struct Seeds {
  std::uint32_t first = 1;
  std::uint32_t count = 0;
};

/// `count` seeds from 1 on, unless the environment says otherwise: ORDERCAST_SEED=N replays one
/// seed, ORDERCAST_SEEDS=N runs that many. Throws std::invalid_argument for anything but a number.
[[nodiscard]] inline Seeds seeds_to_run(std::uint32_t count) {
  Seeds seeds{1, count};
  // NOLINTBEGIN(concurrency-mt-unsafe): nothing changes the environment.
  if (const char* one = std::getenv("ORDERCAST_SEED")) {
    seeds = {static_cast<std::uint32_t>(std::stoul(one)), 1};
  }
  if (const char* many = std::getenv("ORDERCAST_SEEDS")) {
    seeds.count = static_cast<std::uint32_t>(std::stoul(many));
  }
  // NOLINTEND(concurrency-mt-unsafe)
  return seeds;
}

}  // namespace ordercast::test
