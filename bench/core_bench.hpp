// SPDX-License-Identifier: MIT
#pragma once

#include "heap.hpp"
#include <ordercast/connection_manager.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

/// What the benchmarks of the core share.
namespace ordercast::bench {

inline std::size_t rounds(const benchmark::State& state) {
  return static_cast<std::size_t>(state.iterations());
}

/// A counter of the time that each of `count` operations took.
inline benchmark::Counter time_each(std::size_t count) {
  return {static_cast<double>(count), benchmark::Counter::kIsRate | benchmark::Counter::kInvert};
}

/// Runs a measurement of memory once at each size.
inline void connection_counts(benchmark::internal::Benchmark* bench) {
  bench->ArgName("connections")->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
  bench->Iterations(1)->Unit(benchmark::kMillisecond);
}

/// An id as long as those that databases make (a cuid has 25 characters).
inline std::string long_user_id(std::uint32_t number) {
  const auto digits = std::to_string(number);
  return "user-" + std::string(20 - digits.size(), '0') + digits;
}

/// 0, 1, ... shuffled, always in the same order.
inline std::vector<std::uint32_t> shuffled(std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  std::shuffle(numbers.begin(), numbers.end(), std::minstd_rand(42));
  return numbers;
}

/// Takes the token for the user's name.
struct UserByToken {
  [[nodiscard]] static AuthResult authenticate(std::string_view token) {
    return Identity{std::string(token), Reach::own};
  }
};

struct AllowAll {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order_id*/, Done done) const {
    done(true);
  }
};

inline Limits no_message_rate() {
  Limits limits;
  limits.messages_per_second = 0;
  return limits;
}

}  // namespace ordercast::bench
