// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include <ordercast/connection_budget.hpp>

#include <catch2/catch.hpp>

#include <string>

using ordercast::ConnectionBudget;
using ordercast::test::FailingAllocation;

TEST_CASE("a user holds as many places as the limit says, and gets them back", "[budget]") {
  ConnectionBudget budget;
  CHECK(budget.try_acquire("alice", 2));
  CHECK(budget.try_acquire("alice", 2));
  CHECK_FALSE(budget.try_acquire("alice", 2));
  CHECK(budget.try_acquire("bob", 2));
  CHECK(budget.users() == 2);
  budget.release("alice");
  CHECK(budget.try_acquire("alice", 2));
  CHECK(budget.try_acquire("alice", 0));
  for (int i = 0; i < 3; ++i) budget.release("alice");
  budget.release("bob");
  budget.release("nobody");
  CHECK(budget.users() == 0);
}

TEST_CASE("a place in the budget is given back even when memory has run out", "[budget]") {
  ConnectionBudget budget;
  const std::string user(100, 'u');  // Too long to lie within a string.
  REQUIRE(budget.try_acquire(user, 1));
  {
    const FailingAllocation failing(0, 100);
    budget.release(user);
  }
  CHECK(budget.users() == 0);
}
