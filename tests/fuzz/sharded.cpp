// SPDX-License-Identifier: MIT
// One question to all shards after another, against what each shard made of it.
#include "support/models/sharded.hpp"

#include "fuzz/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ordercast::fuzz::run_model<ordercast::test::ShardedRun>(data, size);
}
