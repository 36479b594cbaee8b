// SPDX-License-Identifier: MIT
#pragma once

#include <sodium.h>

#include <stdexcept>

namespace order_server {

/// Makes libsodium ready; call it before any other of its functions. Any thread; after the first
/// call it costs one atomic load. Throws std::runtime_error where there is no source of randomness.
inline void require_sodium() {
  static const int result = sodium_init();
  if (result < 0) throw std::runtime_error("libsodium can't be initialised");
}

}  // namespace order_server
