// SPDX-License-Identifier: MIT
#pragma once

#include "support/manual_clock.hpp"
#include <ordercast/connection_manager.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A whole system in one thread, driven by one seed: a store with an outbox, servers that come and
/// go over it, a network that delays, stalls, reorders callbacks and drops, and clients that follow
/// the contract. Any broken promise throws `Broken`; the same seed replays the same run.
namespace ordercast::simulation {

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What is on disk: it outlives every server.
struct Store {
  struct Order {
    std::string owner;
    std::string organization;
    std::uint64_t version = 1;
  };
  std::map<std::string, Order, std::less<>> orders;
  std::deque<std::pair<std::string, std::uint64_t>> outbox;  ///< Committed, not yet broadcast.

  static std::string json(const std::string& id, std::uint64_t version) {
    return R"({"id":")" + id + R"(","version":)" + std::to_string(version) + "}";
  }
};

/// Users and the tokens that are good at the moment.
struct Directory {
  std::map<std::string, Identity> users;
  std::map<std::string, std::string, std::less<>> tokens;  ///< Token to user.
};

struct Message {
  std::string type;
  std::string order_id;
  std::uint64_t version = 0;  ///< Of `order:updated`.
};

/// The wire between the server and its clients. Frames are kept as text, as they would be sent.
class Network {
 public:
  using Handle = int;
  using Frame = std::shared_ptr<const std::string>;

  static constexpr std::size_t high_water = 512;

  struct Wire {
    std::deque<Frame> buffered;
    std::size_t bytes = 0;
    bool wants_writable = false;
    bool closed_by_server = false;
    bool gone = false;  ///< Terminated, or dropped by the network.
    CloseCode code = CloseCode::normal;
    bool wants_pong = false;
  };

  static Frame prepare(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
  }
  SendResult send(Handle handle, const Frame& frame) {
    Wire& wire = wires[handle];
    if (wire.closed_by_server) throw Broken("a message was written after the close");
    if (wire.gone) return SendResult::closed;
    if (wire.bytes >= high_water) {
      wire.wants_writable = true;
      return SendResult::backpressure;
    }
    wire.buffered.push_back(frame);
    wire.bytes += frame->size();
    return SendResult::accepted;
  }
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const { return wires.at(handle).bytes; }
  void ping(Handle handle) { wires[handle].wants_pong = true; }
  void close(Handle handle, CloseCode code, std::string_view /*reason*/) {
    wires[handle].closed_by_server = true;
    wires[handle].code = code;
  }
  void terminate(Handle handle) {
    wires[handle].closed_by_server = true;
    wires[handle].gone = true;
  }

  std::map<Handle, Wire> wires;
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

/// One process of the server.
struct Server {
  Server(Store& store, const Directory& directory, const test::ManualClock& clock, Limits limits)
      : manager(network,
                SimulatedServices{{&directory}, {&store, &answers}, {&store, &answers}, {}, clock},
                limits) {}

  Network network;
  SimulatedServices::Answers answers;
  ConnectionManager<Network, SimulatedServices> manager;
};

/// A client that follows the contract: it resubscribes with `since`, drops versions that it has
/// seen, gets a new token on 4001, and comes back after any other close.
struct Client {
  std::string user;
  std::string token;
  std::map<std::string, std::uint64_t> seen;      ///< What it shows: its watched orders.
  std::map<std::string, std::uint64_t> received;  ///< On this connection.
  std::set<std::string> may_not;                  ///< Orders that it must never get a byte of.
  std::optional<int> handle;
  bool reads = true;
};

/// One run. `promises` are checked all along, and once more when everything has come to rest.
class Simulation {
 public:
  explicit Simulation(std::uint32_t seed);
  void run();

  std::size_t delivered = 0;  ///< `order:updated` messages that clients got.
  std::size_t reconnects = 0;
  std::size_t restarts = 0;
  std::size_t too_slow = 0;  ///< Connections that were closed because they did not read.

 private:
  std::uint32_t pick(std::size_t most) { return static_cast<std::uint32_t>(random_() % most); }
  bool chance(std::uint32_t percent) { return pick(100) < percent; }

  void step();
  void settle();
  void commit();
  void dispatch();
  void answer();
  void restart();
  void connect(Client& client);
  void subscribe(Client& client, const std::string& order, std::uint64_t since);
  void ask_again(Client& client);
  void lose(Client& client);
  void read(Client& client, std::size_t most);
  void receive(Client& client, const std::string& text);
  void revoke(Client& client);
  void pass(std::chrono::milliseconds time);
  void check_bounds();
  [[nodiscard]] Limits limits() const;

  std::mt19937 random_;
  test::ManualClock clock_;
  Store store_;
  Directory directory_;
  std::vector<Client> clients_;
  std::unique_ptr<Server> server_;
  int next_handle_ = 0;
  int next_token_ = 0;
};

}  // namespace ordercast::simulation
