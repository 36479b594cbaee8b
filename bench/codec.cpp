// SPDX-License-Identifier: MIT
// The codec alone: what a client's message costs to read, and a change to write.
#include "heap.hpp"
#include <ordercast/json_codec.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace): a program, not a header.

std::size_t rounds(const benchmark::State& state) {
  return static_cast<std::size_t>(state.iterations());
}

void count_allocations(benchmark::State& state, std::size_t before) {
  state.counters["allocations_each"] =
      static_cast<double>(bench::heap_allocations() - before) / static_cast<double>(rounds(state));
}

template <class Message>
void decode_message(benchmark::State& state, const char* text) {
  const std::string_view input = text;
  std::size_t right = 0;
  const auto allocations = bench::heap_allocations();
  for (auto _ : state) {
    const Decoded decoded = decode(input);
    const auto* message = std::get_if<ClientMessage>(&decoded);
    right += message != nullptr && std::holds_alternative<Message>(*message) ? 1U : 0U;
  }
  if (right != rounds(state)) state.SkipWithError("not understood");
  count_allocations(state, allocations);
  state.SetBytesProcessed(static_cast<std::int64_t>(rounds(state) * input.size()));
}

void decode_subscribe(benchmark::State& state) {
  decode_message<Subscribe>(state, R"({"type":"subscribe","orderId":"clx3k2f9a0001qw8z7h5d6e4r"})");
}
void decode_subscribe_since(benchmark::State& state) {
  decode_message<Subscribe>(
      state, R"({"type":"subscribe","orderId":"clx3k2f9a0001qw8z7h5d6e4r","since":7})");
}
void decode_unsubscribe(benchmark::State& state) {
  decode_message<Unsubscribe>(state,
                              R"({"type":"unsubscribe","orderId":"clx3k2f9a0001qw8z7h5d6e4r"})");
}
void decode_ping(benchmark::State& state) {
  decode_message<Ping>(state, R"({"type":"ping"})");
}

void decode_refused(benchmark::State& state) {
  const std::string input(static_cast<std::size_t>(state.range(0)), '[');
  std::size_t refused = 0;
  for (auto _ : state) refused += std::holds_alternative<DecodeError>(decode(input)) ? 1U : 0U;
  if (refused != rounds(state)) state.SkipWithError("understood");
  state.SetBytesProcessed(static_cast<std::int64_t>(rounds(state) * input.size()));
}

void encode_update(benchmark::State& state) {
  std::string json = R"({"note":")";
  json.resize(static_cast<std::size_t>(state.range(0)) - 2, 'x');
  json += "\"}";
  std::size_t bytes = 0;
  const auto allocations = bench::heap_allocations();
  for (auto _ : state) bytes += encode(OrderUpdated{"order-1", json}).size();
  if (bytes <= json.size() * rounds(state)) state.SkipWithError("too short");
  count_allocations(state, allocations);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

void encode_hint(benchmark::State& state) {
  std::size_t bytes = 0;
  const auto allocations = bench::heap_allocations();
  for (auto _ : state) bytes += encode(OrdersChanged{"order-1", "CONFIRMED"}).size();
  benchmark::DoNotOptimize(bytes);
  count_allocations(state, allocations);
}

BENCHMARK(decode_subscribe);
BENCHMARK(decode_subscribe_since);
BENCHMARK(decode_unsubscribe);
BENCHMARK(decode_ping);
BENCHMARK(decode_refused)->ArgName("bytes")->Arg(16)->Arg(4096);
BENCHMARK(encode_update)->ArgName("bytes")->Arg(128)->Arg(560)->Arg(4096);
BENCHMARK(encode_hint);

}  // namespace
