// SPDX-License-Identifier: MIT
#pragma once

#include "simulation/network.hpp"
#include "support/manual_clock.hpp"
#include "support/models/watching.hpp"
#include <ordercast/connection_manager.hpp>
#include <ordercast/sharded.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The parts of the simulation: the disk, the users, and one process of the server.
namespace ordercast::simulation {

/// The faults of a run besides the usual ones.
struct Weather {
  bool wide = false;      ///< More orders than any threshold inside the core.
  bool heavy = false;     ///< Orders that exceed every bound in bytes, alone and together.
  bool steady = false;    ///< Some clients read a little all the time.
  bool crawls = false;    ///< These read so little that one order takes them minutes.
  bool kernel = false;    ///< Kernels hold much that the peer has not read.
  bool restores = false;  ///< The store is put back to an older state, under a new epoch.
  bool locks = false;     ///< The store can't answer, for up to a minute.
  bool shuffles = false;  ///< Changes are published out of order, or again long after.
  bool throws = false;    ///< Transport and observer throw while a change is published.
  bool messages = false;  ///< The application sends messages of its own.
};

/// As a JSON string.
inline std::string json_text(std::string_view text) {
  std::string out;
  detail::append_json_string(out, text);
  return out;
}

/// The disk, which outlives every server.
struct Store {
  struct Order {
    std::string owner;
    std::string organization;
    std::uint64_t version = 1;
    std::uint64_t published_at = 0;  ///< The step of its newest publish.
    std::size_t padding = 0;         ///< How much larger than the least its JSON is.
    [[nodiscard]] std::string json(const std::string& id, std::uint64_t at_version,
                                   unsigned in_epoch) const {
      return R"({"id":)" + json_text(id) + R"(,"epoch":)" + std::to_string(in_epoch) +
             R"(,"version":)" + std::to_string(at_version) +
             (padding == 0 ? "}" : R"(,"note":")" + std::string(padding, 'x') + "\"}");
    }
  };
  std::map<std::string, Order, std::less<>> orders;
  unsigned epoch = 1;               ///< Another one when a backup is served.
  std::deque<std::string> commits;  ///< The orders that changed, newest last.
  std::deque<std::pair<std::string, std::uint64_t>>
      outbox;                             ///< Committed, not marked as broadcast.
  std::optional<TimePoint> locked_until;  ///< No question is answered before.
};

/// Users and the tokens that are good at the moment.
struct Directory {
  struct Token {
    std::string user;
    std::int64_t expires_ms = INT64_MAX;
  };
  std::map<std::string, Identity> users;
  std::map<std::string, Token, std::less<>> tokens;
  std::int64_t wall_ms = 1'800'000'000'000;  ///< It steps; the steady clock does not.
};

/// Services that answer later and out of order, when the simulation says so.
struct SimulatedServices {
  using Answers = std::vector<std::function<void()>>;

  struct Authenticator {
    const Directory* directory;
    [[nodiscard]] AuthResult authenticate(std::string_view token) const {
      const auto found = directory->tokens.find(token);
      if (found == directory->tokens.end() || found->second.expires_ms < directory->wall_ms) {
        return AuthFailure{};
      }
      return directory->users.at(found->second.user);
    }
  };
  struct Authorizer {
    const Store* store;
    Answers* answers;
    test::Watching* watching;
    template <class Done>
    void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
      const auto found = store->orders.find(order_id);
      const bool allowed =
          found != store->orders.end() &&
          may_watch(who, OwnerId(found->second.owner), OrganizationId(found->second.organization));
      // Whether the store is locked shows when it is asked, not when the question is put down.
      answers->push_back([done, allowed, store = store, watching = watching,
                          version = allowed ? found->second.version : 0,
                          question = watching->ask(who.user_id, order_id)] {
        if (store->locked_until) {
          done(Access::unavailable);
        } else {
          if (allowed) watching->grant(question);
          if (allowed && version % 2 == 0) {
            done(GrantedAt{version});
          } else {
            done(allowed ? Access::granted : Access::denied);
          }
        }
      });
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
            OrderSnapshot{found->second.version,
                          found->second.json(found->first, found->second.version, store->epoch)};
      }
      answers->push_back([done, snapshot, store = store] {
        if (store->locked_until) {
          done(Unavailable{});
        } else {
          done(snapshot);
        }
      });
    }
  };

  struct Observer : NullObserver {
    Observer(Chaos* shared, test::Watching* who) : chaos(shared), watching(who) {}
    Chaos* chaos;
    test::Watching* watching;
    void on_error(ErrorCode code) {
      if (code == ErrorCode::rate_limited) ++watching->too_fast;
    }
    void on_delivered(MessageType /*type*/, std::size_t /*count*/) { chaos->maybe(); }
    void on_conflated(std::size_t /*count*/) { chaos->maybe(); }
  };

  Authenticator authenticator;
  Authorizer authorizer;
  OrderSource orders;
  Observer observer;
  test::ManualClock clock;
};

/// A manager that records what other threads publish and announce to it.
class Desk : public ConnectionManager<Network, SimulatedServices> {
 public:
  using Base = ConnectionManager<Network, SimulatedServices>;
  using Base::Base;

  std::size_t publish(const Broadcast<Frame>& broadcast) {
    const auto reached = Base::publish(broadcast);
    auto& version = published[broadcast.order_id];
    version = std::max(version, broadcast.version);
    return reached;
  }
  std::size_t announce(const Announcement<Frame>& announcement) {
    return on_announce(announcement);
  }

  std::map<std::string, std::uint64_t> published;  ///< The greatest version, by order.
  std::function<std::size_t(const Announcement<Frame>&)> on_announce;
};

/// One I/O thread: a manager, its wires, and what was posted to it and has not run yet.
struct Shard {
  using Manager = Desk;

  Shard(const Store& store, const Directory& directory, const test::ManualClock& clock,
        const Limits& limits, ConnectionBudget& budget, std::uint32_t seed)
      : watching(clock),
        manager(network,
                SimulatedServices{{&directory},
                                  {&store, &answers, &watching},
                                  {&store, &answers},
                                  SimulatedServices::Observer(&network.chaos, &watching),
                                  clock},
                limits, &budget, seed) {}

  /// Runs up to `most` posted tasks. What one throws is noted, as an I/O thread does.
  void run_posted(std::size_t most, bool chaos = false) {
    network.chaos.on = chaos;
    for (; most > 0 && !posted.empty(); --most) {
      const auto task = std::move(posted.front());
      posted.pop_front();
      try {
        task();
      } catch (const std::bad_alloc&) {
        continue;
      }
    }
    network.chaos.on = false;
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
  std::map<int, std::string> users;  ///< The users of accepted connections, by handle.
  test::Watching watching;
  SimulatedServices::Answers answers;
  std::deque<std::function<void()>> posted;
  Manager manager;
};

/// One process of the server. A crash is its destruction, with all that was on its way.
struct Server {
  std::size_t in_flight = 0;         ///< Published entries that some shard does not have yet.
  std::size_t batch = 0;             ///< Entries that were published and are not marked yet.
  bool failed = false;               ///< Some shard did not send an entry of the batch.
  std::optional<TimePoint> ends_at;  ///< While draining.
  ConnectionBudget budget;
  std::vector<std::unique_ptr<Shard>> shards;
  Sharded<Shard::Manager> all;
};

}  // namespace ordercast::simulation
