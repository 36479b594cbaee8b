// SPDX-License-Identifier: MIT
// An index, a small list or a slab against the standard library's containers.
#include "support/models/containers.hpp"

#include "fuzz/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ordercast::fuzz::run_model<ordercast::test::ContainersRun>(data, size);
}
