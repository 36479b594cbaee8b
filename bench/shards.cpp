// SPDX-License-Identifier: MIT
// What a change costs with several I/O threads, when only two connections watch its order: changes
// a second, processor time, posts and wake-ups. Beside it the same with a post to every shard. See
// bench/README.md.
#include <ordercast/connection_manager.hpp>
#include <ordercast/sharded.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace ordercast::bench {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

/// Takes everything at once and keeps nothing.
class NullTransport {
 public:
  using Handle = std::uint32_t;
  using Frame = std::shared_ptr<const std::string>;
  static Frame prepare(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
  }
  SendResult send(Handle /*to*/, const Frame& /*frame*/) {
    ++sent;
    return SendResult::accepted;
  }
  [[nodiscard]] static std::size_t buffered_bytes(Handle /*of*/) { return 0; }
  void ping(Handle /*of*/) {}
  void close(Handle /*of*/, CloseCode /*code*/, std::string_view /*reason*/) {}
  void terminate(Handle /*of*/) {}
  std::size_t sent = 0;
};

struct UserByToken {
  [[nodiscard]] static AuthResult authenticate(std::string_view token) {
    return Identity{std::string(token), Reach::own, {}};
  }
};
struct AllowAll {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order_id*/, Done done) const {
    done(true);
  }
};
using Manager = ConnectionManager<NullTransport, Services<UserByToken, AllowAll>>;

Limits no_limits() {
  Limits limits;
  limits.max_subscriptions = 0;
  limits.messages_per_second = 0;
  return limits;
}

std::uint64_t voluntary_switches() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nvcsw);
}

/// An I/O thread. It sleeps in epoll_wait(2), so each time that it goes to sleep is one wake-up.
class Shard {
 public:
  Shard() : thread_([this] { io_.run(); }) {}
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  Shard(Shard&&) = delete;
  Shard& operator=(Shard&&) = delete;
  ~Shard() {
    work_.reset();
    thread_.join();
  }
  void post(std::function<void()> task) {
    posts.fetch_add(1, std::memory_order_relaxed);
    ::asio::post(io_, std::move(task));
  }
  [[nodiscard]] std::uint64_t wake_ups() {
    std::promise<std::uint64_t> count;
    ::asio::post(io_, [&] { count.set_value(voluntary_switches()); });
    return count.get_future().get();
  }

  NullTransport transport;
  Manager manager{transport, {}, no_limits()};
  std::atomic<std::uint64_t> posts{0};

 private:
  ::asio::io_context io_{1};
  ::asio::executor_work_guard<::asio::io_context::executor_type> work_{io_.get_executor()};
  std::thread thread_;
};

struct Options {
  std::size_t shards = 8;
  std::size_t orders = 100'000;
  std::size_t changes = 100'000;
  std::size_t rounds = 3;
  std::string json;
};

std::string order_id(std::size_t number) {
  return "order-" + std::to_string(number);
}

class Run {
 public:
  explicit Run(const Options& options) : options_(options) {
    for (std::size_t i = 0; i < options.shards; ++i) {
      auto& shard = *shards_.emplace_back(std::make_unique<Shard>());
      sharded_.add(shard.manager,
                   [&shard](std::function<void()> task) { shard.post(std::move(task)); });
    }
    // Two watchers each, on shards drawn at random; each connection watches about ten orders.
    const auto connections = std::max<std::size_t>(options.orders / 5, 2);
    std::vector<std::vector<std::pair<std::uint32_t, std::size_t>>> watches(options.shards);
    for (std::size_t order = 0; order < options.orders; ++order) {
      const auto first = random_() % connections;
      for (const auto connection :
           {first, (first + 1 + random_() % (connections - 1)) % connections}) {
        watches[connection % options.shards].emplace_back(static_cast<std::uint32_t>(connection),
                                                          order);
      }
    }
    for (std::size_t i = 0; i < options.shards; ++i) {
      sharded_.visit(i, [mine = std::move(watches[i])](Manager& manager) {
        for (const auto& [connection, order] : mine) {
          manager.on_open(connection, "u-" + std::to_string(connection));
          manager.on_message(connection,
                             R"({"type":"subscribe","orderId":")" + order_id(order) + R"("})");
        }
      });
    }
    settle();
  }

  /// `to_all`: posts each change to every shard, as one does who does not know who is where.
  /// `in_flight`: changes that some shard has not sent yet.
  Json measure(bool to_all, std::size_t in_flight) {
    const auto posts = sum([](Shard& shard) { return shard.posts.load(); });
    const auto wake_ups = sum([](Shard& shard) { return shard.wake_ups(); });
    const auto sent = sum([](Shard& shard) { return std::uint64_t{shard.transport.sent}; });
    const auto cpu = processor_time();
    const auto start = Clock::now();
    for (std::size_t i = 0; i < options_.changes; ++i) {
      const auto id = order_id(random_() % options_.orders);
      const auto json = R"({"id":")" + id + R"(","version":)" + std::to_string(++version_) +
                        R"(,"text":")" + std::string(500, 'x') + R"("})";
      const OrderEvent event{id,      OwnerId("nobody"), OrganizationId("none"),
                             "READY", version_,          json};
      while (pending_.load(std::memory_order_acquire) >= in_flight) std::this_thread::yield();
      pending_.fetch_add(1, std::memory_order_relaxed);
      if (to_all) {
        publish_to_all(event);
      } else {
        sharded_.publish(event, [this](PublishOutcome /*outcome*/) { done(); });
      }
    }
    while (pending_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
    const auto wall = std::chrono::duration<double>(Clock::now() - start).count();
    const auto spent = processor_time() - cpu;
    const auto changes = static_cast<double>(options_.changes);
    const auto each = [&](std::uint64_t count) { return static_cast<double>(count) / changes; };
    const auto woken = sum([](Shard& shard) { return shard.wake_ups(); }) - wake_ups;
    const auto delivered =
        sum([](Shard& shard) { return std::uint64_t{shard.transport.sent}; }) - sent;
    if (delivered != 2 * options_.changes) {
      throw std::runtime_error("delivered " + std::to_string(delivered) + " of " +
                               std::to_string(2 * options_.changes));
    }
    return {{"to", to_all ? "all shards" : "those with watchers"},
            {"in_flight", in_flight},
            {"changes_per_second", static_cast<std::uint64_t>(changes / wall)},
            {"cpu_ns_a_change", static_cast<std::uint64_t>(spent * 1e9 / changes)},
            {"posts_a_change", each(sum([](Shard& shard) { return shard.posts.load(); }) - posts)},
            {"wake_ups_a_change", each(woken)}};
  }

 private:
  template <class F>
  std::uint64_t sum(F&& of) {
    std::uint64_t total = 0;
    for (auto& shard : shards_) total += of(*shard);
    return total;
  }
  void settle() {
    for (auto& shard : shards_) static_cast<void>(shard->wake_ups());
  }
  static double processor_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  void done() { pending_.fetch_sub(1, std::memory_order_release); }

  void publish_to_all(const OrderEvent& event) {
    struct Shared {
      Broadcast<NullTransport::Frame> broadcast;
      Run* run;
      Shared(Broadcast<NullTransport::Frame> made, Run* owner)
          : broadcast(std::move(made)), run(owner) {}
      Shared(const Shared&) = delete;
      Shared& operator=(const Shared&) = delete;
      Shared(Shared&&) = delete;
      Shared& operator=(Shared&&) = delete;
      ~Shared() { run->done(); }
    };
    const auto shared =
        std::make_shared<const Shared>(prepare_broadcast<NullTransport>(event), this);
    for (auto& shard : shards_) {
      shard->post([shared, &manager = shard->manager] { manager.publish(shared->broadcast); });
    }
  }

  const Options& options_;
  std::minstd_rand random_{42};
  std::uint64_t version_ = 1;
  std::atomic<std::size_t> pending_{0};
  std::vector<std::unique_ptr<Shard>> shards_;
  Sharded<Manager> sharded_;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (++i == argc) throw std::invalid_argument(name + " needs a value");
    const std::string value = argv[i];
    const auto count = [&] {
      const auto number = std::stoul(value);
      if (number == 0) throw std::invalid_argument(name + " must be 1 or more");
      return number;
    };
    if (name == "--shards") {
      options.shards = count();
    } else if (name == "--orders") {
      options.orders = count();
    } else if (name == "--changes") {
      options.changes = count();
    } else if (name == "--rounds") {
      options.rounds = count();
    } else if (name == "--json") {
      options.json = value;
    } else {
      throw std::invalid_argument("no such option: " + name);
    }
  }
  return options;
}

int run(int argc, char** argv) {
  const auto options = parse(argc, argv);
  Run run(options);
  Json results = Json::array();
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (const std::size_t in_flight : {1UL, 256UL}) {
      for (const bool to_all : {true, false}) {
        auto result = run.measure(to_all, in_flight);
        result["round"] = round;
        std::cout << result.dump() << std::endl;
        results.push_back(std::move(result));
      }
    }
  }
  if (!options.json.empty()) std::ofstream(options.json) << results.dump(1) << '\n';
  return 0;
}

}  // namespace
}  // namespace ordercast::bench

int main(int argc, char** argv) {
  try {
    return ordercast::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "shards: " << error.what() << '\n';
    return 2;
  }
}
