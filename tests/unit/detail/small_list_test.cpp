// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include <ordercast/detail/small_list.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <new>
#include <random>
#include <utility>
#include <vector>

using ordercast::detail::SmallList;
using ordercast::test::allocations;

namespace {

/// Owns memory, so that a sanitizer sees an element that is lost or destroyed twice.
using Element = std::unique_ptr<int>;

std::vector<int> values(SmallList<Element, 2>& list) {
  std::vector<int> out;
  for (const auto& element : list) out.push_back(*element);
  return out;
}

}  // namespace

TEST_CASE("a small list agrees with a vector, however it grows, shrinks and moves",
          "[small_list]") {
  std::mt19937 random(7);
  SmallList<Element, 2> list;
  std::vector<int> model;
  for (int step = 0; step < 20'000; ++step) {
    // It drifts up and down, so that all sizes up to about a hundred come and go.
    const bool grow = random() % 100 < ((step / 200) % 2 == 0 ? 75U : 25U);
    if (grow) {
      list.push_back(std::make_unique<int>(step));
      model.push_back(step);
    } else if (!model.empty()) {
      list.pop_back();
      model.pop_back();
    }
    if (random() % 16 == 0) {
      SmallList<Element, 2> other(std::move(list));
      list = std::move(other);
    }
    REQUIRE(list.size() == model.size());
    if (step % 50 == 0) REQUIRE(values(list) == model);
  }
}

TEST_CASE("a small list needs no block for its first elements and gives back what it had",
          "[small_list]") {
  SmallList<int, 2> list;
  const auto before = allocations();
  list.push_back(1);
  list.push_back(2);
  CHECK(allocations() == before);
  CHECK(list.memory_bytes() == 0);
  for (int i = 3; i <= 100; ++i) list.push_back(i);
  CHECK(list.memory_bytes() >= 100 * sizeof(int));
  CHECK(list.memory_bytes() <= 150 * sizeof(int));
  while (list.size() > 1) list.pop_back();
  CHECK(list.memory_bytes() <= 4 * sizeof(int));
  CHECK(list[0] == 1);
}

TEST_CASE("a small list that can't grow stays as it was", "[small_list]") {
  SmallList<Element, 2> list;
  list.push_back(std::make_unique<int>(1));
  list.push_back(std::make_unique<int>(2));
  {
    auto third = std::make_unique<int>(3);
    const ordercast::test::FailingAllocation failing(0);
    CHECK_THROWS_AS(list.push_back(std::move(third)), std::bad_alloc);
  }
  CHECK(values(list) == std::vector<int>{1, 2});
}
