// SPDX-License-Identifier: MIT
#include "odr.hpp"

std::size_t odr_first() {
  return odr_round();
}

int main() {
  // Inline variables and functions are one in a program: both units count in the same place.
  const auto prepared = [] { return ordercast::test::FakeTransport::prepared(); };
  const auto before = prepared();
  const bool first_delivered = odr_first() == 1;
  const auto between = prepared();
  const bool second_delivered = odr_second() == 1;
  const bool counted = between > before && prepared() - between == between - before;
  return first_delivered && second_delivered && counted ? 0 : 1;
}
