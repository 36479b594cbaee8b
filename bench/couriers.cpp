// SPDX-License-Identifier: MIT
// Couriers send their position once a second, and watchers watch an order each. Measures the path
// from the incoming text through the application's `on_unknown` to the watchers' connections, on a
// transport that only queues. Counts every delivery. A slow watcher must get only the newest
// position; otherwise the benchmark fails.
#include "core_bench.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace): a program, not a header.

/// Keeps the last frame of each connection, and counts them.
class CountingTransport {
 public:
  using Handle = std::uint32_t;
  using Frame = std::shared_ptr<const std::string>;
  struct Peer {
    Frame last;
    std::uint32_t frames = 0;
    bool slow = false;
  };

  static Frame prepare(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
  }
  SendResult send(Handle handle, const Frame& frame) {
    Peer& peer = peers[handle];
    if (peer.slow) return SendResult::backpressure;
    ++peer.frames;
    ++sent;
    peer.last = frame;
    return SendResult::accepted;
  }
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const {
    return peers[handle].slow ? 1 : 0;
  }
  void prefetch(Handle handle) const noexcept { __builtin_prefetch(&peers[handle], 1); }
  void ping(Handle /*handle*/) {}
  void close(Handle /*handle*/, CloseCode /*code*/, std::string_view /*reason*/) { ++closed; }
  void terminate(Handle /*handle*/) { ++closed; }

  std::vector<Peer> peers;
  std::uint64_t sent = 0;
  std::size_t closed = 0;
};

std::string courier(std::uint32_t number) {
  return "courier-" + std::to_string(number);
}
std::string order_of(std::string_view number) {
  return "order-" + std::string(number);
}

/// Forwards a courier's position to the watchers of the courier's order.
struct Positions {
  std::function<void(const std::string& order, std::string_view text)>* send;

  [[nodiscard]] bool on_unknown(const IdentityView& who, std::string_view type,
                                std::string_view message) const {
    if (type != "position") return false;
    (*send)(order_of(who.user_id.substr(who.user_id.find('-') + 1)), message);
    return true;
  }
};
using Manager =
    ConnectionManager<CountingTransport, Services<bench::UserByToken, bench::AllowAll, NoSnapshots,
                                                  NullObserver, SteadyClock, Positions>>;

/// Couriers with an order each, and watchers spread over the orders, connected in shuffled order.
class Town {
 public:
  Town(std::uint32_t couriers, std::uint32_t watchers, bool some_slow)
      : couriers_(couriers), watchers_(watchers) {
    transport_.peers.resize(couriers + watchers);
    for (std::uint32_t i = 0; i < couriers; ++i) manager_.on_open(i, courier(i));
    for (const auto i : bench::shuffled(watchers)) {
      manager_.on_open(couriers + i, "watcher-" + std::to_string(i));
      manager_.on_message(couriers + i, R"({"type":"subscribe","orderId":")" +
                                            order_of(std::to_string(i % couriers)) + "\"}");
    }
    for (std::uint32_t i = 50; some_slow && i < watchers; i += 100) {
      slow_.push_back(i);
      transport_.peers[couriers + i].slow = true;
    }
    texts_.resize(couriers);
  }

  /// Prepares each courier's next message; no two are equal.
  void write_positions() {
    ++second_;
    for (std::uint32_t i = 0; i < couriers_; ++i) {
      texts_[i] = R"({"type":"position","orderId":"order-)" + std::to_string(i) + R"(","x":)" +
                  std::to_string(second_) + R"(,"y":30.25})";
    }
  }
  void send_positions() {
    for (std::uint32_t i = 0; i < couriers_; ++i) manager_.on_message(i, texts_[i]);
  }
  /// Lets the slow watchers read. Returns true if each got only the newest position.
  [[nodiscard]] bool slow_have_newest_alone() {
    return std::all_of(slow_.begin(), slow_.end(), [&](std::uint32_t i) {
      auto& peer = transport_.peers[couriers_ + i];
      peer.slow = false;
      manager_.on_writable(couriers_ + i);
      return peer.frames == 1 && *peer.last == texts_[i % couriers_];
    });
  }

  [[nodiscard]] std::uint64_t sent() const noexcept { return transport_.sent; }
  [[nodiscard]] std::size_t closed() const noexcept { return transport_.closed; }
  [[nodiscard]] std::uint64_t expected(std::uint64_t seconds) const noexcept {
    return seconds * (watchers_ - slow_.size());
  }

 private:
  std::uint32_t couriers_;
  std::uint32_t watchers_;
  std::uint64_t second_ = 0;
  std::vector<std::uint32_t> slow_;
  std::vector<std::string> texts_;
  CountingTransport transport_;
  std::function<void(const std::string&, std::string_view)> send_ = [this](const std::string& order,
                                                                           std::string_view text) {
    manager_.send_to_watchers(order, {text, "position"});
  };
  Manager manager_{transport_, {{}, {}, {}, {}, {}, Positions{&send_}}, bench::no_message_rate()};
};

/// One position from each courier.
void positions(benchmark::State& state) {
  Town town(static_cast<std::uint32_t>(state.range(0)), static_cast<std::uint32_t>(state.range(1)),
            state.range(2) != 0);
  std::uint64_t seconds = 0;
  std::size_t allocations = 0;
  for (auto _ : state) {
    state.PauseTiming();
    town.write_positions();
    const auto before = bench::heap_allocations();
    state.ResumeTiming();
    town.send_positions();
    ++seconds;
    allocations += bench::heap_allocations() - before;
  }
  const auto delivered = town.sent();
  if (delivered != town.expected(seconds)) state.SkipWithError("wrong count");
  if (!town.slow_have_newest_alone()) state.SkipWithError("a slow watcher got an old position");
  if (town.closed() != 0) state.SkipWithError("the server closed a connection");
  state.counters["time_each"] = bench::time_each(delivered);
  state.counters["allocations_each"] =
      static_cast<double>(allocations) / static_cast<double>(delivered);
}

BENCHMARK(positions)
    ->ArgNames({"couriers", "watchers", "slow"})
    ->Args({100, 1'000, 1})
    ->Args({1'000, 10'000, 0})
    ->Args({1'000, 10'000, 1})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
