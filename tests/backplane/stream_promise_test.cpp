// SPDX-License-Identifier: MIT
// What the stream's leader says, and what a consumer brings.
#include <ordercast/nats/stream_promise.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <utility>

using ordercast::nats::StreamPromise;
using ordercast::nats::StreamState;

namespace {

StreamState state(std::uint64_t last, std::string leader = "n1", std::string name = "made-at-1") {
  return {std::move(name), std::move(leader), 1, last};
}

StreamPromise begun(const StreamState& at) {
  StreamPromise promise;
  promise.begin(at);
  return promise;
}

}  // namespace

TEST_CASE("stream promise: a consumer that brings what comes is believed", "[nats]") {
  auto promise = begun(state(7));
  CHECK(promise.look(state(7), 7, 0).empty());
  CHECK(promise.look(state(9), 7, 0).empty());  // Two are on their way.
  CHECK(promise.look(state(12), 10, 3).empty());
  CHECK(promise.look(state(12), 12, 5).empty());
  CHECK(promise.look(state(12), 12, 5).empty());  // Nothing comes.
}

TEST_CASE("stream promise: a consumer that brings nothing of what came is not", "[nats]") {
  auto promise = begun(state(7));
  CHECK(promise.look(state(9), 7, 0).empty());
  CHECK(promise.look(state(9), 7, 0) == "the consumer gets nothing of what comes");
}

TEST_CASE("stream promise: a slow consumer that brings some of it is believed", "[nats]") {
  auto promise = begun(state(0));
  CHECK(promise.look(state(1'000), 10, 10).empty());
  CHECK(promise.look(state(9'000), 11, 11).empty());
}

// Else what takes the numbers of the lost messages is never read.
TEST_CASE("stream promise: a stream that ends before what was taken has lost its end", "[nats]") {
  auto promise = begun(state(7));
  CHECK(promise.look(state(9), 9, 2).empty());
  CHECK(promise.look(state(8), 9, 2) == "the stream has lost its end");
}

// By then its numbers may have grown beyond what was taken, with other messages.
TEST_CASE("stream promise: another leader may have lost messages without a trace", "[nats]") {
  auto promise = begun(state(7));
  CHECK(promise.look(state(9), 9, 2).empty());
  CHECK(promise.look(state(9, "n2"), 9, 2) == "the stream has another leader");
  promise.begin(state(9, "n2"));
  CHECK(promise.look(state(10, "n2"), 10, 1).empty());
}

TEST_CASE("stream promise: a stream that was made again is another one", "[nats]") {
  auto promise = begun(state(7));
  CHECK(promise.look(state(7, "n1", "made-at-2"), 7, 0) == "the stream is another one than before");
}
