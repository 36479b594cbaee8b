// SPDX-License-Identifier: MIT
#pragma once

#include "simulation/network.hpp"
#include "support/manual_clock.hpp"
#include <ordercast/connection_manager.hpp>
#include <ordercast/sharded.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the simulation is made of: what is on disk, who there is, and one process of the server.
namespace ordercast::simulation {

/// What is on disk: it outlives every server.
struct Store {
  struct Order {
    std::string owner;
    std::string organization;
    std::uint64_t version = 1;
    std::uint64_t published_at = 0;  ///< The step of its newest publish.
  };
  std::map<std::string, Order, std::less<>> orders;
  std::deque<std::pair<std::string, std::uint64_t>>
      outbox;  ///< Committed, not marked as broadcast.

  static std::string json(const std::string& id, std::uint64_t version) {
    return R"({"id":")" + id + R"(","version":)" + std::to_string(version) + "}";
  }
};

/// Users and the tokens that are good at the moment.
struct Directory {
  std::map<std::string, Identity> users;
  std::map<std::string, std::string, std::less<>> tokens;  ///< Token to user.
};

/// Services that answer later and out of order, when the simulation says so.
struct SimulatedServices {
  using Answers = std::vector<std::function<void()>>;

  struct Authenticator {
    const Directory* directory;
    [[nodiscard]] AuthResult authenticate(std::string_view token) const {
      const auto found = directory->tokens.find(token);
      if (found == directory->tokens.end()) return AuthFailure{};
      return directory->users.at(found->second);
    }
  };
  struct Authorizer {
    const Store* store;
    Answers* answers;
    template <class Done>
    void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
      const auto found = store->orders.find(order_id);
      const bool allowed = found != store->orders.end() &&
                           may_watch(who, found->second.owner, found->second.organization);
      answers->push_back([done, allowed] { done(allowed); });
    }
  };
  struct OrderSource {
    const Store* store;
    Answers* answers;
    template <class Done>
    void fetch(std::string_view order_id, Done done) const {
      std::optional<OrderSnapshot> snapshot;
      const auto found = store->orders.find(order_id);
      if (found != store->orders.end()) {
        snapshot =
            OrderSnapshot{found->second.version, Store::json(found->first, found->second.version)};
      }
      answers->push_back([done, snapshot] { done(snapshot); });
    }
  };

  Authenticator authenticator;
  Authorizer authorizer;
  OrderSource orders;
  NullObserver observer;
  test::ManualClock clock;
};

/// One I/O thread: a manager, its wires, and what was posted to it and has not run yet.
struct Shard {
  using Manager = ConnectionManager<Network, SimulatedServices>;

  Shard(const Store& store, const Directory& directory, const test::ManualClock& clock,
        const Limits& limits, ConnectionBudget& budget, std::uint32_t seed)
      : manager(network,
                SimulatedServices{{&directory}, {&store, &answers}, {&store, &answers}, {}, clock},
                limits, &budget, seed) {}

  /// Runs up to `most` posted tasks.
  void run_posted(std::size_t most) {
    for (; most > 0 && !posted.empty(); --most) {
      const auto task = std::move(posted.front());
      posted.pop_front();
      task();
    }
  }

  [[nodiscard]] std::size_t connections_of(const std::string& user) const {
    std::size_t open = 0;
    for (const auto& [handle, name] : users) {
      const auto wire = network.wires.find(handle);
      if (name == user && wire != network.wires.end() && !wire->second.closed_by_server) ++open;
    }
    return open;
  }

  Network network;
  std::map<int, std::string> users;  ///< Who was let in, by handle.
  SimulatedServices::Answers answers;
  std::deque<std::function<void()>> posted;
  Manager manager;
};

/// One process of the server. A crash is its destruction, with all that was on its way.
struct Server {
  std::size_t in_flight = 0;         ///< Published entries that some shard does not have yet.
  std::size_t batch = 0;             ///< Entries that were published and are not marked yet.
  std::optional<TimePoint> ends_at;  ///< While draining.
  ConnectionBudget budget;
  std::vector<std::unique_ptr<Shard>> shards;
  Sharded<Shard::Manager> all;
};

}  // namespace ordercast::simulation
