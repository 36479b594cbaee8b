// SPDX-License-Identifier: MIT
// Measures fan-out through the manager on a transport that only queues: time and allocations for
// each delivery, and the memory of a connection. The timed part includes emptying the queues, and
// every delivery is counted.
#include "core_bench.hpp"

#include <memory>
#include <utility>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace): a program, not a header.

/// Queues frames until `flush`, like a transport that writes once in each turn of its loop.
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

  /// Empties all queues. Returns how many frames they held.
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

using Manager = ConnectionManager<QueueingTransport, Services<bench::UserByToken, bench::AllowAll>>;

/// A manager with connections that all watch one order and subscribed in shuffled order.
struct Crowd {
  explicit Crowd(std::size_t count) : manager(transport, {}, bench::no_message_rate()) {
    transport.resize(count);
    for (std::uint32_t i = 0; i < count; ++i) manager.on_open(i, bench::long_user_id(i));
    for (const auto handle : bench::shuffled(count)) {
      manager.on_message(handle, R"({"type":"subscribe","orderId":"order-1"})");
    }
  }

  QueueingTransport transport;
  Manager manager;
};

/// Returns the JSON of an order of about `bytes` bytes.
std::string order_of(std::size_t bytes) {
  std::string json = R"({"id":"order-1","note":")";
  json.resize(std::max(bytes, json.size() + 2) - 2, 'x');
  return json + "\"}";
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
  if (expected != recipients * bench::rounds(state) || delivered != expected ||
      crowd.transport.bytes < delivered * json.size()) {
    state.SkipWithError("wrong count");
  }
  state.counters["time_each"] = bench::time_each(delivered);
  state.counters["allocations_each"] = allocated / static_cast<double>(delivered);
}

/// Opens connections with `open(manager, number)` and reports how many bytes of the heap the core
/// holds for each.
template <class Open>
void connection_bytes(benchmark::State& state, const Open& open) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  double each = 0;
  for (auto _ : state) {
    QueueingTransport transport;
    transport.resize(count);
    const auto before = bench::heap_bytes();
    Manager manager(transport, {}, bench::no_message_rate());
    for (std::uint32_t i = 0; i < count; ++i) open(manager, i);
    if (manager.connections() != count) state.SkipWithError("wrong count");
    each = static_cast<double>(bench::heap_bytes() - before) / count;
  }
  state.counters["bytes_each"] = each;
}

/// Connections that are authenticated and silent: timers and names included.
void idle_connections(benchmark::State& state) {
  connection_bytes(state, [](Manager& manager, std::uint32_t number) {
    manager.on_open(number, bench::long_user_id(number));
  });
}

/// The same, each with a subscription to an order of its own.
void watching_connections(benchmark::State& state) {
  connection_bytes(state, [&](Manager& manager, std::uint32_t number) {
    const auto id = bench::long_user_id(number);
    manager.on_open(number, id);
    manager.on_message(number, R"({"type":"subscribe","orderId":")" + id + "\"}");
    if (manager.subscriptions() != number + 1U) state.SkipWithError("wrong count");
  });
}

/// Measures the reference count of a frame: takes and drops a reference for each of 1,000
/// recipients, in one shard or in two at once, with one frame for all shards or one for each.
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
BENCHMARK(idle_connections)->Apply(bench::connection_counts);
BENCHMARK(watching_connections)->Apply(bench::connection_counts);

}  // namespace
