// SPDX-License-Identifier: MIT
// The registry alone: what a subscription costs in time and bytes, from one to a million of them,
// with one, two, ten or all watchers on an order.
#include "core_bench.hpp"
#include <ordercast/subscription_registry.hpp>

#include <stdexcept>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace): a program, not a header.
using Registry = SubscriptionRegistry<std::uint32_t>;

constexpr std::size_t orders_each = 10;  // Orders that a connection watches, if there are as many.

/// A registry and `subscriptions` shuffled subscriptions, `watchers` on each order.
class World {
 public:
  explicit World(const benchmark::State& state)
      : World(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1))) {}

  World(std::size_t subscriptions, std::size_t watchers) {
    watchers = std::min(watchers, subscriptions);
    const auto orders = subscriptions / watchers;
    const auto connections = std::max(watchers, subscriptions / orders_each);
    for (std::size_t i = 0; i < orders; ++i) ids.push_back("order-" + std::to_string(i));
    for (std::size_t i = 0; i < connections; ++i) {
      registry.connect(static_cast<std::uint32_t>(i), {"u-" + std::to_string(i), Reach::own});
    }
    for (std::size_t i = 0; i < subscriptions; ++i) {
      pairs.push_back({static_cast<std::uint32_t>(i % connections),
                       static_cast<std::uint32_t>(i / watchers % orders)});
    }
    std::shuffle(pairs.begin(), pairs.end(), random);
  }

  void fill() {
    for (const auto& [connection, order] : pairs) {
      if (!registry.subscribe(connection, ids[order])) throw std::logic_error("subscribed twice");
    }
  }

  struct Pair {
    std::uint32_t connection;
    std::uint32_t order;
  };

  std::minstd_rand random{42};
  Registry registry;
  std::vector<std::string> ids;
  std::vector<Pair> pairs;
};

/// All subscribe, then all unsubscribe in a different order, so that no step finds its memory in
/// the cache.
void subscribe_then_unsubscribe_all(benchmark::State& state) {
  World world(state);
  auto leaving = world.pairs;
  std::shuffle(leaving.begin(), leaving.end(), world.random);
  std::size_t held = 0;
  for (auto _ : state) {
    world.fill();
    held += world.registry.subscription_count();
    for (const auto& [connection, order] : leaving) {
      world.registry.unsubscribe(connection, world.ids[order]);
    }
  }
  if (world.registry.subscription_count() != 0 || held == 0) state.SkipWithError("wrong count");
  state.counters["time_each"] = bench::time_each(bench::rounds(state) * world.pairs.size());
}

/// Adds and removes one subscription among the existing ones.
void subscribe_and_unsubscribe_one(benchmark::State& state) {
  World world(state);
  world.fill();
  const auto extra = static_cast<std::uint32_t>(world.registry.connection_count());
  world.registry.connect(extra, {"extra", Reach::own});
  // In the order of use: a frame that was just read is in the cache, with the id in it.
  std::vector<std::string> asked;
  for (const auto& pair : world.pairs) asked.push_back(world.ids[pair.order]);
  std::size_t at = 0;
  std::size_t done = 0;
  for (auto _ : state) {
    const auto& id = asked[at];
    at = at + 1 == asked.size() ? 0 : at + 1;
    done += world.registry.subscribe(extra, id) ? 1U : 0U;
    done += world.registry.unsubscribe(extra, id) ? 1U : 0U;
  }
  if (done != 2 * bench::rounds(state)) state.SkipWithError("wrong count");
}

/// A connection connects, subscribes to ten orders and disconnects.
void disconnect(benchmark::State& state) {
  World world(state);
  world.fill();
  const auto extra = static_cast<std::uint32_t>(world.registry.connection_count());
  std::size_t at = 0;
  std::size_t dropped = 0;
  for (auto _ : state) {
    world.registry.connect(extra, {"extra", Reach::own});
    for (std::size_t i = 0; i < orders_each; ++i) {
      world.registry.subscribe(extra, world.ids[at]);
      at = at + 1 == world.ids.size() ? 0 : at + 1;
    }
    dropped += world.registry.disconnect(extra);
  }
  const auto each = std::min(orders_each, world.ids.size());
  if (dropped != each * bench::rounds(state)) state.SkipWithError("wrong count");
}

void iterate_audience(benchmark::State& state) {
  World world(state);
  world.fill();
  std::uint64_t sum = 0;
  std::size_t visited = 0;
  std::size_t order = 0;
  for (auto _ : state) {
    world.registry.for_each_subscriber(world.ids[order], [&](std::uint32_t handle) {
      sum += handle;
      ++visited;
    });
    order = order + 1 == world.ids.size() ? 0 : order + 1;
  }
  benchmark::DoNotOptimize(sum);
  if (visited == 0) state.SkipWithError("nobody was visited");
  state.counters["time_each"] = bench::time_each(visited);
}

/// Measures the heap bytes of each subscription, including its share of the order and of all
/// indexes.
void memory(benchmark::State& state) {
  double subscription = 0;
  for (auto _ : state) {
    World world(state);
    const auto before = bench::heap_bytes();
    world.fill();
    subscription = static_cast<double>(bench::heap_bytes() - before) /
                   static_cast<double>(world.registry.subscription_count());
  }
  state.counters["bytes_each"] = subscription;
}

void memory_of_connections(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  double each = 0;
  for (auto _ : state) {
    const auto before = bench::heap_bytes();
    Registry registry;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto user = bench::long_user_id(i);
      registry.connect(i, {user, Reach::own});
    }
    each = static_cast<double>(bench::heap_bytes() - before) / count;
  }
  state.counters["bytes_each"] = each;
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"subscriptions", "watchers"});
  for (const std::int64_t count : {1, 100, 10'000, 1'000'000}) {
    for (const std::int64_t watchers :
         {std::int64_t{1}, std::int64_t{2}, std::int64_t{10}, count}) {
      if (watchers < count || watchers == 1) bench->Args({count, watchers});
      if (watchers == count && count > 10) bench->Args({count, watchers});
    }
  }
}

BENCHMARK(subscribe_then_unsubscribe_all)->Apply(sizes);
BENCHMARK(subscribe_and_unsubscribe_one)->Apply(sizes);
BENCHMARK(disconnect)->Apply(sizes);
BENCHMARK(iterate_audience)->Apply(sizes);
BENCHMARK(memory)->Apply(sizes)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(memory_of_connections)->Apply(bench::connection_counts);

}  // namespace
