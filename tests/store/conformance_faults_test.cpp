// SPDX-License-Identifier: MIT
#include "backends.hpp"

#include <catch2/catch.hpp>

/// Faults of any database. Those of one database are in the files of its name.
namespace order_server {

using Catch::Matchers::Contains;

TEMPLATE_TEST_CASE("a lock that another session keeps is an error that writes nothing",
                   "[store][faults]", SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  const auto impatient = f.backend.open_impatient();
  const auto touch = [&] {
    return impatient->change_order(
        "o-1", [](const Order& order) { return change_from(order); }, 2000);
  };
  auto held = f.backend.hold_order("o-1");
  CHECK_THROWS_WITH(touch(), Contains("lock") && Contains(f.backend.name()));
  CHECK(impatient->find_order("o-1")->version == 1);  // reading goes on
  CHECK_NOTHROW(impatient->check());
  held.reset();
  CHECK(touch().order->version == 2);
}

TEMPLATE_TEST_CASE("a commit that the database refuses writes nothing", "[store][faults]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  f.backend.break_commit();
  CHECK_THROWS_WITH(f.move_to("o-1", OrderStatus::confirmed), Contains("cannot commit"));
  CHECK_THROWS_AS(f.store.create_order(sample_order("o-2")), StoreError);
  CHECK(f.store.find_order("o-1")->version == 1);
  CHECK_FALSE(f.store.find_order("o-2"));
  CHECK(f.store.outbox_stats(0).depth == 1);
  f.backend.mend_commit();
  CHECK(f.move_to("o-1", OrderStatus::confirmed).order->version == 2);
}

}  // namespace order_server
