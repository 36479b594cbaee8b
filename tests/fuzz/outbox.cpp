// SPDX-License-Identifier: MIT
// The outbox against a list, in any sequence of calls and phases, with any bounds.
#include "support/models/outbox.hpp"

#include "fuzz/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ordercast::fuzz::run_model<ordercast::test::OutboxRun>(data, size);
}
