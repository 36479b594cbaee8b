// SPDX-License-Identifier: MIT
#pragma once

#include "realtime/resync.hpp"
#include "simulation/cluster/stream.hpp"
#include "simulation/world.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

/// One node of a simulated cluster: managers and `Resync` are the real ones; dispatcher and reader
/// of the stream do what `Dispatcher`, `Cluster` and `nats::Reader` do, in steps that the seed
/// chooses, because these have threads of their own.
namespace ordercast::simulation {

/// Faults that are made on purpose, to see that the simulation finds them.
enum class Mistake : std::uint8_t {
  none,
  no_resync,            ///< Nothing is ever compared with the store.
  mark_unacknowledged,  ///< An entry is marked although the stream did not acknowledge it.
  forget_gaps,          ///< A reader goes on behind a gap without a word.
};

/// What happened in a run; a run in which nothing happens proves nothing.
struct ClusterTally {
  std::size_t delivered = 0;    ///< Orders that clients got.
  std::size_t kills = 0;        ///< Nodes that were killed.
  std::size_t pauses = 0;       ///< Nodes that stood still,
  std::size_t partitions = 0;   ///< or were cut off from stream or store.
  std::size_t taken_over = 0;   ///< Entries whose lease another node had let go.
  std::size_t repeated = 0;     ///< Messages that came out of their sequence, or again.
  std::size_t lost = 0;         ///< Messages that a node never got.
  std::size_t lost_acks = 0;    ///< Publishes that were stored and not acknowledged.
  std::size_t comparisons = 0;  ///< Of all orders of a node with the store.
  std::size_t newer = 0;        ///< Orders that only these brought.
  std::chrono::milliseconds longest{
      0};  ///< From the last fault until each client had each newest version.

  ClusterTally& operator+=(const ClusterTally& other);
};

/// An entry of the outbox, and who may publish it until when.
struct OutboxRow {
  std::string order;
  std::uint64_t version = 0;
  int holder = -1;
  TimePoint leased_until{};
  TimePoint retry_at{};
};

/// What the nodes share: the database, the stream, the time and the random numbers.
struct Shared {
  explicit Shared(std::uint32_t seed, Mistake what) : random(seed), mistake(what) {}

  std::uint32_t pick(std::size_t most) { return static_cast<std::uint32_t>(random() % most); }
  bool chance(std::uint32_t percent) { return pick(100) < percent; }
  [[nodiscard]] OrderEvent event(const std::string& order, std::uint64_t version,
                                 const std::string& json) const {
    const auto& it = store.orders.at(order);
    return {order, OwnerId(it.owner), OrganizationId(it.organization), "NEW", version, json};
  }

  std::mt19937 random;
  const Mistake mistake;
  test::ManualClock clock;
  Store store;
  Directory directory;
  Stream stream;
  std::map<std::uint64_t, OutboxRow> outbox;
  std::uint64_t next_row = 0;
  ClusterTally tally;
};

class Node {
 public:
  Node(Shared& shared, int number) : shared_(shared), number_(number) { start(); }

  void start();
  /// Kills it: nothing is left of it but its leases.
  void kill();
  [[nodiscard]] bool up() const noexcept { return server_ != nullptr; }
  /// It is up and does not stand still.
  [[nodiscard]] bool runs() const { return up() && shared_.clock.now() >= still_until_; }

  void stand_still(std::chrono::milliseconds time) { still_until_ = shared_.clock.now() + time; }
  void cut_stream(std::chrono::milliseconds time);
  void cut_store(std::chrono::milliseconds time) { store_cut_until_ = shared_.clock.now() + time; }
  void heal();
  [[nodiscard]] bool reaches_store() const { return shared_.clock.now() >= store_cut_until_; }

  /// Publishes a batch of the outbox, or marks the one that is published.
  void dispatch();
  /// Takes a message from the stream.
  void hear();
  /// Runs some of what was posted to I/O threads.
  void run_some();
  /// Gives one of the answers that clients wait for. False if there is none.
  bool answer();
  /// What threads do by the clock: heartbeats and comparisons.
  void tick();

  /// What still waits here, or is missing; "" for nothing. A node that is cut off from the stream
  /// may lack something for ever.
  [[nodiscard]] std::string unrest(bool is_cut_off) const;
  [[nodiscard]] Shard& shard_of(int handle) {
    return *server_->shards[static_cast<std::size_t>(handle) % server_->shards.size()];
  }

 private:
  struct Batch;

  [[nodiscard]] bool reaches_stream() const { return shared_.clock.now() >= stream_cut_until_; }
  [[nodiscard]] bool hears() const;
  bool publish_to_stream(const OutboxRow& row);
  void mark();
  void resume();
  void miss(std::string_view why);
  void deliver(const Stream::Message& message);
  void flush();
  void require_store() const;
  [[nodiscard]] order_server::ResyncWorld resync_world();
  void publish_hint(std::string_view user, std::string_view organization);

  Shared& shared_;
  const int number_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<order_server::Resync> resync_;
  std::shared_ptr<Batch> batch_;
  order_server::Resync::Counts counted_;
  TimePoint still_until_{};
  TimePoint store_cut_until_{};
  TimePoint stream_cut_until_{};

  // The reader of the stream.
  bool connected_ = false;
  TimePoint heard_at_{};
  unsigned identity_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t caught_up_at_ = 0;  // The last sequence when it connected.
};

}  // namespace ordercast::simulation
