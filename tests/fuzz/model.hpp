// SPDX-License-Identifier: MIT
#pragma once

#include "fuzz/fuzz.hpp"
#include "support/models/choices.hpp"

namespace ordercast::fuzz {

/// Drives a model run (support/models/) with the fuzzer's bytes.
template <template <class> class Run>
int run_model(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  try {
    Run<Choices>(choices).run();
  } catch (const test::Differs& differs) {
    require(false, differs.what());
  }
  return 0;
}

}  // namespace ordercast::fuzz
