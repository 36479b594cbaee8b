// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.hpp"
#include "realtime/node_backplane.hpp"
#include "realtime/remote_presence.hpp"
#include "realtime/resync.hpp"
#include <ordercast/backplane.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/sharded.hpp>
#include <ordercast/types.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

/// One node among several: sends its changes to the other nodes, and theirs to its own connections.
namespace order_server {

/// What this node can do on its own.
struct ClusterLocal {
  using Done = std::function<void(ordercast::PublishOutcome)>;

  /// Sends a change to this node's connections; see `Dispatcher::Publish`.
  std::function<void(const ordercast::OrderEvent&, Done)> publish;
  /// Reads from the store which sign-ins have ended. Blocks; StoreError.
  std::function<void()> look_at_sessions;
  /// Closes the user's connections here. Blocks for a bounded time.
  std::function<void(const std::string& user_id, const std::string& reason)> disconnect_user;
  /// When the user's visible connections here last answered a ping.
  RemotePresence::LastHeard last_heard;
};

struct ClusterOptions {
  ResyncOptions resync{};
  RemotePresenceOptions presence{};
  /// How many changes of other nodes may be on their way to the I/O threads; then the stream waits.
  std::size_t in_flight = 256;
  /// How long the stream waits for the I/O threads before a change counts as missed.
  std::chrono::milliseconds slow_shards{5'000};
  /// How often to look for sign-ins that ended on other nodes, whatever the stream says.
  std::chrono::milliseconds session_look{5'000};
  /// How many orders and notices may wait to be read from the store. With more, everything is
  /// compared.
  std::size_t most_waiting = 1'024;
  std::function<ordercast::TimePoint()> now = [] { return ordercast::SteadyClock{}.now(); };
  /// The thread calls it regularly while it makes progress; see Watchdog.
  std::function<void()> beat = [] {};
};

/// A change is broadcast here at once and published to the other nodes; a node drops its own
/// changes when they come back. So clients of a node never wait for NATS to see its changes, and
/// see them without NATS.
///
/// It has one thread, for everything that needs the store; `world`'s calls run on it. Any thread
/// may call the members, but only one may call `start` and `stop`, once each.
class Cluster {
 public:
  using Done = ClusterLocal::Done;

  Cluster(std::unique_ptr<NodeBackplane> backplane, ClusterLocal local, ResyncWorld world,
          Metrics& metrics, ClusterOptions options);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();

  /// Starts to hear the stream. Call it when `publish` and the rest work.
  void start();
  /// Stops comparing, because the connections have closed. Changes are still published.
  void rest();
  /// Stops hearing the stream. Publishes are answered as failed.
  void stop();

  /// Publishes to this node's connections and to the other nodes. `done` runs when both are done. A
  /// stream that did not acknowledge counts as a shard that failed, so that the change is published
  /// again.
  void publish(const ordercast::OrderEvent& event, Done done);

  /// Tells every other node to check the user's sign-ins, and to close connections of ended ones.
  void tell_sessions_ended(const std::string& user_id);
  /// Tells every other node to close all connections of the user.
  void tell_disconnect(const std::string& user_id, const std::string& reason);

  /// Asks the other nodes whether the user looks at one of their connections. `looks` runs on any
  /// thread if one of them says so in time. Silence means no.
  void ask_presence(const std::string& user_id, std::function<void()> looks);

  /// Why this node may lack changes of others; nullopt if it doesn't.
  [[nodiscard]] std::optional<std::string> behind() const { return resync_.behind(); }

 private:
  struct InFlight;

  void run();
  void turns();
  void on_order(const ordercast::OrderEvent& event, const ordercast::BackplaneDelivery& delivery);
  void on_notice(const ordercast::BackplaneNotice& notice,
                 const ordercast::BackplaneDelivery& delivery);
  void fell_behind(std::string_view reason);
  void later(std::function<void()> task);
  bool run_waiting();
  bool is_resting();
  void look_at_sessions();
  void tell_presence(std::string_view kind, const std::string& question,
                     const std::string& user_id);
  /// `text()` makes the notice's text; `what` is what the others won't know if it fails.
  template <class Text>
  void tell(std::string_view kind, std::string_view what, Text text);
  void count();

  const std::unique_ptr<NodeBackplane> backplane_;
  const ClusterLocal local_;
  const ResyncWorld world_;
  Metrics& metrics_;
  const ClusterOptions options_;
  Resync resync_;
  const std::shared_ptr<InFlight> in_flight_;  // Also held by callbacks that come after the end.
  RemotePresence presence_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool woken_ = false;
  bool resting_ = false;
  std::deque<std::function<void()>> waiting_;

  // The thread only.
  ordercast::TimePoint sessions_looked_at_{};
  std::thread thread_;
};

}  // namespace order_server
