// SPDX-License-Identifier: MIT
// A change's way through the manager to its recipients, on a transport that only queues: time and
// allocations for each delivery, and what a connection costs. Queues are emptied inside the timed
// part, and every delivery is counted.
#include "heap.hpp"
#include <ordercast/connection_manager.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace): a program, not a header.

/// Queues what it is sent until `flush`, as a transport does that writes once a turn of its loop.
class QueueingTransport {
 public:
  using Handle = std::uint32_t;
  using Frame = std::shared_ptr<const std::string>;

  static Frame prepare(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
  }

  SendResult send(Handle handle, const Frame& frame) {
    Peer& peer = peers_[handle];
    if (peer.slow) return SendResult::backpressure;
    if (peer.queued_bytes == 0) dirty_.push_back(handle);
    ++peer.queued;
    peer.queued_bytes += static_cast<std::uint32_t>(frame->size());
    return SendResult::accepted;
  }
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const {
    return peers_[handle].slow ? 1 : peers_[handle].queued_bytes;
  }
  void prefetch(Handle handle) const noexcept { __builtin_prefetch(&peers_[handle], 1); }
  void ping(Handle /*handle*/) {}
  void close(Handle /*handle*/, CloseCode /*code*/, std::string_view /*reason*/) { ++closed; }
  void terminate(Handle /*handle*/) { ++closed; }

  void resize(std::size_t connections) {
    peers_.assign(connections, {});
    dirty_.reserve(connections);
  }
  void set_slow(Handle handle, bool slow) { peers_[handle].slow = slow; }

  /// Takes all that is queued. Returns how many frames.
  std::size_t flush() {
    std::size_t frames = 0;
    for (const auto handle : dirty_) {
      Peer& peer = peers_[handle];
      frames += peer.queued;
      bytes += peer.queued_bytes;
      peer.queued = 0;
      peer.queued_bytes = 0;
    }
    dirty_.clear();
    return frames;
  }

  std::uint64_t bytes = 0;
  std::size_t closed = 0;

 private:
  struct Peer {
    std::uint32_t queued_bytes = 0;
    std::uint32_t queued = 0;
    bool slow = false;
  };
  std::vector<Peer> peers_;
  std::vector<Handle> dirty_;
};

struct AllowAll {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order_id*/, Done done) const {
    done(true);
  }
};
/// The token is the user's name.
struct Names {
  [[nodiscard]] static AuthResult authenticate(std::string_view token) {
    return Identity{std::string(token), Reach::own};
  }
};
using Manager = ConnectionManager<QueueingTransport, Services<Names, AllowAll>>;

Limits no_limits() {
  Limits limits;
  limits.messages_per_second = 0;
  return limits;
}

/// A manager with connections that all watch one order, in an order that is not that of their
/// coming.
struct Crowd {
  explicit Crowd(std::size_t count) : manager(transport, {}, no_limits()) {
    transport.resize(count);
    for (std::uint32_t i = 0; i < count; ++i) manager.on_open(i, user(i));
    std::vector<std::uint32_t> handles(count);
    std::iota(handles.begin(), handles.end(), 0U);
    std::shuffle(handles.begin(), handles.end(), std::minstd_rand(42));
    for (const auto handle : handles) {
      manager.on_message(handle, R"({"type":"subscribe","orderId":"order-1"})");
    }
  }

  /// As long as the ids that databases make (a cuid has 25 characters).
  static std::string user(std::uint32_t number) {
    const auto digits = std::to_string(number);
    return "user-" + std::string(20 - digits.size(), '0') + digits;
  }

  QueueingTransport transport;
  Manager manager;
};

/// The JSON of an order of about so many bytes.
std::string order_of(std::size_t bytes) {
  std::string json = R"({"id":"order-1","note":")";
  json.resize(std::max(bytes, json.size() + 2) - 2, 'x');
  return json + "\"}";
}

std::size_t rounds(const benchmark::State& state) {
  return static_cast<std::size_t>(state.iterations());
}

void publish(benchmark::State& state) {
  const auto recipients = static_cast<std::size_t>(state.range(0));
  const auto json = order_of(static_cast<std::size_t>(state.range(1)));
  const bool some_slow = state.range(2) != 0;
  Crowd crowd(recipients);
  std::vector<std::uint32_t> slow;
  for (std::uint32_t i = 50; some_slow && i < recipients; i += 100) {
    slow.push_back(i);
  }
  std::uint64_t version = 0;
  std::uint64_t expected = 0;
  std::uint64_t delivered = 0;
  const auto allocations = bench::heap_allocations();
  for (auto _ : state) {
    for (const auto handle : slow) crowd.transport.set_slow(handle, true);
    ++version;
    expected += crowd.manager.publish(
        {"order-1", OwnerId("nobody"), OrganizationId("org-1"), "CONFIRMED", version, json});
    delivered += crowd.transport.flush();
    for (const auto handle : slow) {
      crowd.transport.set_slow(handle, false);
      crowd.manager.on_writable(handle);
    }
    delivered += crowd.transport.flush();
  }
  const auto allocated = static_cast<double>(bench::heap_allocations() - allocations);
  if (expected != recipients * rounds(state) || delivered != expected ||
      crowd.transport.bytes < delivered * json.size()) {
    state.SkipWithError("wrong count");
  }
  state.counters["time_each"] = benchmark::Counter(
      static_cast<double>(delivered), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["allocations_each"] = allocated / static_cast<double>(delivered);
}

/// Bytes from the heap for each connection that is open, authenticated and silent: all that the
/// core keeps of it, timers and names included.
void idle_connections(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  double each = 0;
  for (auto _ : state) {
    QueueingTransport transport;
    transport.resize(count);
    const auto before = bench::heap_bytes();
    Manager manager(transport, {}, no_limits());
    for (std::uint32_t i = 0; i < count; ++i) manager.on_open(i, Crowd::user(i));
    if (manager.connections() != count) state.SkipWithError("wrong count");
    each = static_cast<double>(bench::heap_bytes() - before) / count;
  }
  state.counters["bytes_each"] = each;
}

/// As above, each with a subscription of its own.
void watching_connections(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  double each = 0;
  for (auto _ : state) {
    QueueingTransport transport;
    transport.resize(count);
    const auto before = bench::heap_bytes();
    Manager manager(transport, {}, no_limits());
    for (std::uint32_t i = 0; i < count; ++i) {
      manager.on_open(i, Crowd::user(i));
      manager.on_message(i, R"({"type":"subscribe","orderId":")" + Crowd::user(i) + "\"}");
    }
    if (manager.subscriptions() != count) state.SkipWithError("wrong count");
    each = static_cast<double>(bench::heap_bytes() - before) / count;
  }
  state.counters["bytes_each"] = each;
}

/// What it costs that a frame is counted by everyone who queues it: one reference taken and dropped
/// for each of 1,000 recipients, by one shard or by two at once, of one frame for all shards or of
/// one for each.
void frame_references(benchmark::State& state) {
  using Frame = std::shared_ptr<const std::string>;
  static const Frame shared = std::make_shared<const std::string>(560, 'x');
  const Frame own = std::make_shared<const std::string>(560, 'x');
  const Frame& frame = state.range(0) != 0 ? shared : own;
  std::vector<Frame> queue;
  queue.reserve(1'000);
  for (auto _ : state) {
    for (int i = 0; i < 1'000; ++i) queue.push_back(frame);
    benchmark::DoNotOptimize(queue.data());
    queue.clear();
  }
  state.counters["time_each"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * 1'000,
                         benchmark::Counter::kAvgThreadsRate | benchmark::Counter::kInvert);
}

BENCHMARK(publish)
    ->ArgNames({"recipients", "bytes", "slow"})
    ->ArgsProduct({{1, 10, 100, 1'000, 10'000, 100'000}, {128, 560, 4096}, {0, 1}});
BENCHMARK(frame_references)
    ->ArgName("shared")
    ->Arg(0)
    ->Arg(1)
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();
BENCHMARK(idle_connections)
    ->ArgName("connections")
    ->Arg(1'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(watching_connections)
    ->ArgName("connections")
    ->Arg(1'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
