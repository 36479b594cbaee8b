// SPDX-License-Identifier: MIT
// A connection manager in phases, with seams that misbehave, against what was promised to whom.
#include "support/models/manager.hpp"

#include "fuzz/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ordercast::fuzz::run_model<ordercast::test::ManagerRun>(data, size);
}
