// SPDX-License-Identifier: MIT
#pragma once

#include "simulation/received_versions.hpp"
#include "simulation/world.hpp"
#include "support/models/mailbox.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

/// A whole system in one thread, driven by one seed: a store with an outbox, servers of one to
/// three shards that come and go over it, a network that delays, stalls, reorders callbacks and
/// drops, clients that follow the contract, and attackers that don't. Any broken promise throws
/// `Broken`; the same seed replays the same run.
namespace ordercast::simulation {

/// An application's message, and how far it has got.
struct Message : test::Addressed {
  std::size_t shards = 0;  ///< To how many it was sent.
  std::size_t ran = 0;     ///< Of these, how many have handled it.
  std::size_t ended = 0;   ///< How often its sender was told that it is done.
};

/// A client that follows the contract: it resubscribes with `since`, drops versions that it has
/// seen, gets a new token on 4001, and comes back after any other close.
struct Client {
  std::string user;
  std::string token;
  std::map<std::string, std::uint64_t> seen;    ///< What it shows: its watched orders.
  std::map<std::string, unsigned> seen_epoch;   ///< In which epoch of the store it read them.
  ReceivedVersions received;                    ///< On this connection.
  std::map<std::string, std::uint64_t> hinted;  ///< On this connection, by `orders:changed`.
  std::set<std::string> may_not;                ///< Orders that it must never get a byte of.
  std::optional<int> handle;
  std::uint64_t opened_at = 0;  ///< The step at which it connected.
  bool reads = true;
  std::string epoch;  ///< Of the store that its versions are from; empty: it does not know epochs.
  std::size_t rate = 0;  ///< Bytes that it reads every `slice`, always; 0: as chance will.
  std::set<std::string>
      again;                 ///< Orders that the server could tell nothing of: to be asked again.
  bool was_refused = false;  ///< It was told that it talks too much: it begins anew.
  test::Mailbox mail;        ///< Of this connection.
};

/// A peer with a good token and no good intentions: nothing that it sends must get it an order.
struct Attacker {
  std::optional<int> handle;
};

constexpr std::chrono::milliseconds drain_window{5'000};

/// How often a client of a bounded rate reads.
constexpr std::chrono::milliseconds slice{100};

/// What happened in a run; a run in which nothing happens proves nothing.
struct Tally {
  std::size_t delivered = 0;  ///< `order:updated` messages that clients got.
  std::size_t connects = 0;
  std::size_t restarts = 0;
  std::size_t drains = 0;
  std::size_t too_slow = 0;     ///< Connections that were closed because they did not read.
  std::size_t abusive = 0;      ///< Attackers that were closed with 1008.
  std::size_t too_many = 0;     ///< Attackers that were refused with 4008.
  std::size_t twice = 0;        ///< Answers that were given a second time.
  std::size_t unavailable = 0;  ///< Clients that were told so.
  std::size_t thrown = 0;       ///< Calls of the transport, the observer or a post that threw.
  std::size_t bytes = 0;        ///< That clients of a bounded rate have read.
  std::size_t restores = 0;     ///< Times that the store was put back.
  std::size_t lost = 0;         ///< Questions that were never answered.
  std::size_t messages = 0;     ///< Of the application's own that clients got.
  std::size_t replaced = 0;     ///< Of these, how many a newer one was received for.
  std::size_t crowded = 0;      ///< Readers that were closed for too many of them.

  Tally& operator+=(const Tally& other);
};

class Simulation {
 public:
  explicit Simulation(std::uint32_t seed);

  /// Promises are checked all along, and once more when everything has come to rest.
  void run();

  /// What this run is made to suffer, in words.
  [[nodiscard]] std::string weather() const;
  [[nodiscard]] const Tally& tally() const noexcept { return tally_; }
  /// A hash over everything that clients were sent and when, and the random choices made.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }

 private:
  std::uint32_t pick(std::size_t most) { return static_cast<std::uint32_t>(random_() % most); }
  bool chance(std::uint32_t percent) { return pick(100) < percent; }

  void step();
  void settle();

  // The server and its store.
  void start_server();
  void commit();
  void dispatch();
  void mark_dispatched();
  void run_some();
  bool answer();
  void lock();
  void pass_slice(std::chrono::milliseconds time);
  void step_wall_clock();
  void look_for(const Client& client);
  void restart();
  void restore();
  void drain();
  void pass(std::chrono::milliseconds time);
  [[nodiscard]] Limits limits() const;
  [[nodiscard]] Shard& shard_of(int handle) {
    return *server_->shards[static_cast<std::size_t>(handle) % server_->shards.size()];
  }
  [[nodiscard]] Network::Wire& wire_of(int handle) {
    return shard_of(handle).network.wires[handle];
  }
  [[nodiscard]] bool is_busy() const;

  // Clients.
  int open(const std::string& token, bool hello = false);
  void say(int handle, const std::string& text);
  void close(int handle);
  void connect(Client& client);
  void subscribe(Client& client, const std::string& order, std::uint64_t since);
  void subscribe_at_once(Client& client);
  void unsubscribe(Client& client, const std::string& order);
  void ask_again(Client& client);
  void leave_many(Client& client);
  void lose(Client& client);
  void read(Client& client, std::size_t most_frames, std::size_t most_bytes = SIZE_MAX);
  void take(Client& client, std::size_t most_frames, std::size_t most_bytes);
  void receive(Client& client, const std::string& text);
  void revoke(Client& client);
  void attack(Attacker& attacker);

  // Messages of the application's own.
  void pick_messages(std::uint32_t seed);
  void announce();
  void announce_one();
  [[nodiscard]] std::size_t shards_for(const Message& message) const;
  std::size_t address(Shard& shard, const Announcement<Network::Frame>& announcement);
  bool note(Client& client, Shard& shard, std::size_t number);
  void receive_message(Client& client, std::size_t number);
  void check_ended() const;
  std::uint32_t pick_own(std::size_t most) {
    return static_cast<std::uint32_t>(own_random_() % most);
  }
  [[nodiscard]] std::string describe(std::size_t number) const;

  // Promises.
  void check_bounds();
  void check_networks() const;
  void check_drained();
  void check_close(const Network::Wire& wire) const;
  void check_hints(const Client& client);
  void check_final(const Client& client);
  void check_nothing_left();
  [[nodiscard]] bool has_final(const Client& client) const;
  bool settle_round();

  std::mt19937 random_;
  // For messages only, so that a seed without them replays the same run as before.
  std::mt19937 own_random_;
  Weather weather_;
  struct {
    std::string bob = "bob";              ///< A name that may need escapes,
    std::string first_order = "order-0";  ///< and an id.
    std::uint32_t percent = 0;            ///< Of the steps, those after which some are sent.
    std::uint32_t unkeyed = 0;            ///< Percent of them that have no key.
    std::uint32_t keys = 1;               ///< How many keys there are.
    std::size_t largest = 0;              ///< Bytes of the largest beside its type.
  } own_;
  std::vector<Message> messages_;
  std::string broken_;  ///< What can't be thrown from where it is found.
  Tally tally_;
  test::ManualClock clock_;
  Store store_;
  Directory directory_;
  std::vector<Client> clients_;
  std::vector<Attacker> attackers_;
  std::size_t frames_before_ = Network::Text::alive();
  std::size_t bytes_before_ = Network::Text::alive_bytes();
  std::unique_ptr<Server> server_;
  std::size_t kernel_room_ = 0;
  std::uint64_t fingerprint_ = 0;
  std::uint64_t now_ = 0;  // Counts events, to tell which of two was first.
  int next_handle_ = 0;
  int next_token_ = 0;
};

}  // namespace ordercast::simulation
