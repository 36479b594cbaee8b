// SPDX-License-Identifier: MIT
#include "odr.hpp"

std::size_t odr_first() {
  return odr_round();
}

int main() {
  // Inline variables and functions are one in a program: both units count in the same place.
  const auto before = ordercast::test::FakeTransport::prepared();
  const bool delivered = odr_first() == 1 && odr_second() == 1;
  const bool counted = ordercast::test::FakeTransport::prepared() == before + 4;
  return delivered && counted ? 0 : 1;
}
