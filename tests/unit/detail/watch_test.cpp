// SPDX-License-Identifier: MIT
#include <ordercast/detail/watch.hpp>
#include <ordercast/types.hpp>

#include <catch2/catch.hpp>

using ordercast::detail::Watch;

TEST_CASE("a watch is one word: a version, and whether a record exists", "[watch]") {
  static_assert(sizeof(Watch) == 8);
  Watch watch;
  CHECK(watch.version() == 0);
  CHECK(watch.deferred());
  watch.set_version(ordercast::max_version);
  CHECK(watch.version() == ordercast::max_version);
  CHECK(watch.deferred());
  watch.activate();
  CHECK(watch.version() == ordercast::max_version);
  CHECK_FALSE(watch.deferred());
  watch.set_version(3);
  watch.raise_version(2);
  CHECK(watch.version() == 3);
  watch.raise_version(4);
  CHECK(watch.version() == 4);
  watch.defer();
  CHECK(watch.deferred());
}
