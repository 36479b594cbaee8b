// SPDX-License-Identifier: MIT
#pragma once

#include <sodium.h>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace order_server {

/// Initializes libsodium; call it before any of its functions. Any thread; after the first call it
/// costs one atomic load. Throws std::runtime_error if there is no source of randomness.
inline void require_sodium() {
  static const int result = sodium_init();
  if (result < 0) throw std::runtime_error("libsodium can't be initialised");
}

/// Returns a hash as lower-case hex.
template <std::size_t Size>
[[nodiscard]] std::string hex_of(const std::array<unsigned char, Size>& bytes) {
  std::string hex(2 * Size + 1, '\0');  // sodium_bin2hex appends a NUL
  sodium_bin2hex(hex.data(), hex.size(), bytes.data(), bytes.size());
  hex.pop_back();
  return hex;
}

}  // namespace order_server
