// SPDX-License-Identifier: MIT
#pragma once

#include "simulation/cluster/node.hpp"
#include "simulation/received_versions.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Three nodes on one store and one stream, and clients that come to any of them, from one seed. A
/// broken promise throws `Broken`.
namespace ordercast::simulation {

/// A client that follows the contract: it subscribes with what it has and comes back anywhere.
struct ClusterClient {
  std::string user;
  std::size_t node = 0;
  std::optional<int> handle;
  std::map<std::string, std::uint64_t> seen;  ///< What it shows: the orders that it watches.
  ReceivedVersions received;                  ///< On this connection.
  std::set<std::string> lists;                ///< Orders that it may see.
  std::set<std::string> again;                ///< Orders to ask for again.
  std::uint64_t opened_at = 0;                ///< The step at which it connected,
  std::uint64_t hinted_at = 0;                ///< and at which its list was last told.
  bool reads = true;
};

class ClusterSimulation {
 public:
  /// Within this time after the last fault each client has each newest version: a lease that ends,
  /// the longest pause after a failure, and the minute in which a server asks an unavailable store
  /// again.
  static constexpr std::chrono::seconds whole_within{90};

  explicit ClusterSimulation(std::uint32_t seed, Mistake mistake = Mistake::none);

  void run();

  [[nodiscard]] const ClusterTally& tally() const noexcept { return shared_.tally; }
  /// A hash over everything that clients were sent and when.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }

 private:
  void step();
  void fault();
  void settle();
  void commit();
  void pass(std::chrono::milliseconds time);
  void work();

  void connect(ClusterClient& client);
  void subscribe(const ClusterClient& client, const std::string& order);
  void close(ClusterClient& client);
  void read(ClusterClient& client, std::size_t most);
  void receive(ClusterClient& client, const std::string& text);

  [[nodiscard]] std::string unrest() const;
  void check_networks();
  [[nodiscard]] std::string lacks(const ClusterClient& client) const;
  [[nodiscard]] bool lacks_hint(const ClusterClient& client) const;
  void check_final(const ClusterClient& client) const;

  Shared shared_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<ClusterClient> clients_;
  std::map<std::string, std::uint64_t> committed_at_;  // The step of each order's newest change.
  std::uint64_t now_ = 0;                              // Counts steps.
  std::uint64_t fingerprint_ = 0;
  int next_handle_ = 0;
  std::optional<std::size_t> cut_off_;  // The node that does not hear the stream to the end.
};

}  // namespace ordercast::simulation
