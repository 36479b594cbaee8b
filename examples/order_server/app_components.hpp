// SPDX-License-Identifier: MIT
#pragma once

#include "api/api.hpp"
#include "api/shared_page.hpp"
#include "app.hpp"
#include "auth/account_watch.hpp"
#include "auth/session_watch.hpp"
#include "push/push_sender.hpp"
#include "push/push_worker.hpp"
#include "realtime/cluster.hpp"
#include "realtime/dispatcher.hpp"
#include "realtime/order_lookup.hpp"
#include "realtime/services.hpp"
#include "serving/server.hpp"
#include "store/database.hpp"
#include "workers/memory_watch.hpp"
#include "workers/store_health.hpp"
#include "workers/watchdog.hpp"
#include "workers/worker_pool.hpp"
#include <ordercast/net/tls.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What the server is put together from. Seen by app.cpp and app_components.cpp alone.
namespace order_server {

/// /metrics is rendered at most so often, for all who ask meanwhile.
constexpr std::chrono::milliseconds metrics_interval{50};
constexpr std::size_t most_metrics_waiting = 1024;
/// Everything in the order in which it can be made; it is taken apart in reverse, so nothing
/// outlives what it works with.
struct App::Components {
  explicit Components(const Config& config);

  /// Not for an I/O thread: it waits for all of them.
  std::optional<std::size_t> disconnect(std::string user_id, std::string session_id,
                                        std::string reason) const;

  DispatcherOptions dispatcher_options();
  /// Null where this node is alone.
  std::unique_ptr<Cluster> make_cluster(const Config& config);
  Api::Submit submitter();
  WorkerPool& pool(Lane lane);
  std::vector<std::pair<std::string, std::size_t>> queue_depths() const;
  void make_ops_server(const Config& config);

  /// Gives memory back to the system that nobody uses any more. Looks every so often, on a thread
  /// that may block.
  void watch_memory();

  /// While the server is made, once for each of its I/O threads.
  void watch_io_thread(const Post& post);
  /// The other parts, and who is told of them.
  void watch_parts();
  /// Asks every I/O thread for a sign of life and logs who has none. Waits for nobody.
  void look_at_parts();
  void check_store();
  /// Looks whether an operator has disabled somebody, as another process.
  void watch_accounts();

  static ordercast::TimePoint steady_now() { return ordercast::SteadyClock{}.now(); }

  MemoryWatch memory_watch;  // The memory thread's.
  const std::unique_ptr<Database> database;
  Database& store;
  Metrics metrics;
  PasswordHasher hasher;
  LoginLimiter login_limiter;
  const bool is_demo;
  Tokens tokens;  // May need to know that.
  AccountWatch accounts;
  SessionWatch ended_sessions;  // The cluster's thread's.
  const PaymentMode mode;
  ApiContext context;
  Api api;
  Api ops_api;
  std::shared_ptr<ordercast::net::TlsContext> tls;  // Null: plain.
  StoreHealth store_health;
  Heartbeat dispatcher_beat;
  Heartbeat push_beat;
  Heartbeat cluster_beat;
  std::vector<std::shared_ptr<Probe>> io_probes;
  Watchdog watchdog;
  SharedPage metrics_for_all{[this] { return metrics_page(context); },
                             [this](std::chrono::milliseconds delay, std::function<void()> task) {
                               return ops.submit_after(delay, std::move(task));
                             },
                             &steady_now, metrics_interval, most_metrics_waiting};
  std::unique_ptr<RealtimeServer> server;
  std::unique_ptr<RealtimeServer> ops_server;
  std::unique_ptr<Cluster> cluster;  // Null: this node is alone.
  Dispatcher dispatcher;
  std::unique_ptr<PushSender> sender;
  PushWorker push;
  // The pools are the first to end, while all that their tasks refer to is still there.
  WorkerPool lookups;
  OrderLookup lookup;
  WorkerPool readers;
  WorkerPool lists;
  WorkerPool writer;
  WorkerPool logins;
  WorkerPool payments;
  WorkerPool webhooks;
  WorkerPool ops;
  WorkerPool memory;
  WorkerPool health;
  WorkerPool watch;
};

}  // namespace order_server
