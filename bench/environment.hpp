// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

/// What the servers of the benchmarks share: options from the environment, and the line that says
/// where they listen. Call on the main thread, before there are others.
namespace ordercast::bench {

inline std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): there is one thread.
  return value == nullptr || *value == '\0' ? otherwise : value;
}

inline std::uint16_t port_from_environment() {
  return static_cast<std::uint16_t>(std::stoul(environment("PORT", "7001")));
}

inline void print_address(std::uint16_t port) {
  std::cout << "listening on http://127.0.0.1:" << port << " ws://127.0.0.1:" << port << "/ws"
            << std::endl;
}

}  // namespace ordercast::bench
