// SPDX-License-Identifier: MIT
// A client on a socket in memory, with a server and an application that do anything, against the
// versions that it must end with.
#include "support/models/client.hpp"

#include "fuzz/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ordercast::fuzz::run_model<ordercast::test::ClientRun>(data, size);
}
