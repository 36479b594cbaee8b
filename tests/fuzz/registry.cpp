// SPDX-License-Identifier: MIT
// The subscription registry against maps of sets, in any sequence of calls and phases.
#include "support/models/registry.hpp"

#include "fuzz/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ordercast::fuzz::run_model<ordercast::test::RegistryRun>(data, size);
}
