// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.hpp"
#include "realtime/node_backplane.hpp"
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

/// One node among several: hands its changes to the others and theirs to its own connections.
namespace order_server {

/// What this node does by itself.
struct ClusterLocal {
  using Done = std::function<void(ordercast::PublishOutcome)>;

  /// Sends a change to this node's connections; see `Dispatcher::Publish`.
  std::function<void(const ordercast::OrderEvent&, Done)> publish;
  /// Takes over what sign-ins have ended in the store. Blocks; StoreError.
  std::function<void()> look_at_sessions;
  /// Closes the user's connections here. Blocks for a bounded time.
  std::function<void(const std::string& user_id, const std::string& reason)> disconnect_user;
};

struct ClusterOptions {
  ResyncOptions resync{};
  /// Changes of other nodes that are on their way to the I/O threads at once; the stream waits.
  std::size_t in_flight = 256;
  /// How long it waits for them before a change counts as missed.
  std::chrono::milliseconds slow_shards{5'000};
  /// Sign-ins that ended elsewhere are looked for this often, whatever the stream says.
  std::chrono::milliseconds session_look{5'000};
  /// Orders and notices that wait to be read from the store; more than these, and all is compared.
  std::size_t most_waiting = 1'024;
  std::function<ordercast::TimePoint()> now = [] { return ordercast::SteadyClock{}.now(); };
  /// Called again and again by the thread while it moves; see Watchdog.
  std::function<void()> beat = [] {};
};

/// A change is broadcast here at once and published to the others; what comes back of one's own is
/// dropped. So no node's own clients wait for NATS, and they go on without it.
///
/// One thread of its own, for all that needs the store. `world`'s calls run on it. Any thread may
/// call the members, but that `start` and `stop` are called once each, by one.
class Cluster {
 public:
  using Done = ClusterLocal::Done;

  Cluster(std::unique_ptr<NodeBackplane> backplane, ClusterLocal local, ResyncWorld world,
          Metrics& metrics, ClusterOptions options);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();

  /// Begins to hear. When `publish` and the rest work.
  void start();
  /// Compares no more: the connections have gone. Changes are still published.
  void rest();
  /// Hears no more; publishes are answered as failed.
  void stop();

  /// To this node's connections and to the other nodes. `done` runs once both is done; a stream
  /// that did not acknowledge counts as a shard that failed, so that it is published again.
  void publish(const ordercast::OrderEvent& event, Done done);

  /// Has every other node look at the user's sign-ins, and close what has ended.
  void tell_sessions_ended(const std::string& user_id);
  /// Has every other node close all connections of the user.
  void tell_disconnect(const std::string& user_id, const std::string& reason);

  /// Why this node may lack changes of others; nullopt when it doesn't.
  [[nodiscard]] std::optional<std::string> behind() const { return resync_.behind(); }

 private:
  struct InFlight;

  void run();
  void on_order(const ordercast::OrderEvent& event, const ordercast::BackplaneDelivery& delivery);
  void on_notice(const ordercast::BackplaneNotice& notice,
                 const ordercast::BackplaneDelivery& delivery);
  void fell_behind(std::string_view reason);
  void later(std::function<void()> task);
  bool run_waiting();
  bool is_resting();
  void look_at_sessions();
  void tell(std::string_view kind, const std::string& text);
  void count();

  const std::unique_ptr<NodeBackplane> backplane_;
  const ClusterLocal local_;
  const ResyncWorld world_;
  Metrics& metrics_;
  const ClusterOptions options_;
  Resync resync_;
  const std::shared_ptr<InFlight> in_flight_;  // Also held by callbacks that come after the end.

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
