// SPDX-License-Identifier: MIT
#include <ordercast/detail/left_versions.hpp>

#include <catch2/catch.hpp>

#include <cstdint>

using ordercast::detail::LeftVersions;

TEST_CASE("the version of an order that was left is taken out once", "[left_versions]") {
  LeftVersions left;
  CHECK(left.empty());
  CHECK(left.take(1) == 0);
  left.remember(1, 7, 0);
  left.remember(2, 9, 0);
  CHECK(left.take(1) == 7);
  CHECK(left.take(1) == 0);
  CHECK_FALSE(left.empty());
  CHECK(left.take(2) == 9);
  CHECK(left.empty());
}

TEST_CASE("of the orders that were left the newest are kept, up to a bound", "[left_versions]") {
  LeftVersions few;
  for (std::uint64_t order = 1; order <= 5; ++order) few.remember(order, order, 3);
  CHECK(few.take(2) == 0);
  CHECK(few.take(3) == 3);
  for (const std::size_t limit : {std::size_t{0}, std::size_t{100'000}}) {
    LeftVersions many;
    for (std::uint64_t order = 1; order <= 2 * LeftVersions::most; ++order) {
      many.remember(order, order, limit);
    }
    CHECK(many.take(LeftVersions::most) == 0);
    CHECK(many.take(LeftVersions::most + 1) == LeftVersions::most + 1);
  }
}
