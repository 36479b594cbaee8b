// SPDX-License-Identifier: MIT
#pragma once

#include "support/allocations.hpp"

#include <cstdint>
#include <new>
#include <random>
#include <stdexcept>

/// What the model runs share. A run takes its choices from a source: random numbers in a unit test,
/// the fuzzer's bytes in a fuzz target. So both walk the same grammar of phases.
namespace ordercast::test {

/// The thing under test and its model disagree.
struct Differs : std::logic_error {
  using std::logic_error::logic_error;
};

inline void same(bool agrees, const char* what) {
  if (!agrees) throw Differs(what);
}

/// Choices of a seeded generator, for so many steps.
class RandomChoices {
 public:
  RandomChoices(std::uint32_t seed, std::size_t steps) : random_(seed), left_(steps) {}
  [[nodiscard]] bool empty() noexcept { return left_ == 0 || --left_ == 0; }
  /// 0 to `bound` - 1.
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

 private:
  std::mt19937 random_;
  std::size_t left_;
};

/// Calls `f`, now and then with an allocation in it that fails. False when memory ran out: then all
/// must be as it was before the call. `f` must allocate nothing but what is under test.
template <class Source, class F>
[[nodiscard]] bool attempt(Source& source, F&& f) {
  const auto nth = source.below(16);
  if (nth >= 6) {
    f();
    return true;
  }
  const FailingAllocation failing(nth);
  try {
    f();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace ordercast::test
