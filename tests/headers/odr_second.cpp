// SPDX-License-Identifier: MIT
#include "odr.hpp"

std::size_t odr_second() {
  return odr_round();
}
