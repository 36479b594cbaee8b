// SPDX-License-Identifier: MIT
#pragma once

#include "api/api.hpp"
#include "api/shared_page.hpp"
#include "app.hpp"
#include "auth/account_watch.hpp"
#include "auth/session_watch.hpp"
#include "payments/refund_worker.hpp"
#include "process/service_manager.hpp"
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

/// The components of the server. Only app.cpp and app_components.cpp include this.
namespace order_server {

/// The shortest time between two renderings of /metrics.
constexpr std::chrono::milliseconds metrics_interval{50};
constexpr std::size_t most_metrics_waiting = 1024;
/// Members stand in the order of construction. Destruction runs in reverse, so nothing outlives
/// what it uses.
struct App::Components {
  explicit Components(const Config& config);

  /// Waits for all I/O threads, so never call it on one.
  std::optional<std::size_t> disconnect(std::string user_id, std::string session_id,
                                        std::string reason) const;

  using PresenceAnswer = std::function<void(std::optional<ordercast::TimePoint>)>;
  /// Whether the user looks, here or at another node; see PushWorker::Presence.
  void ask_presence(const std::string& user_id, bool ping, const PresenceAnswer& done) const;
  DispatcherOptions dispatcher_options();
  /// Null where this node is alone.
  std::unique_ptr<Cluster> make_cluster(const Config& config);
  RefundOptions refund_options();
  Api::Submit submitter();
  WorkerPool& pool(Lane lane);
  std::vector<std::pair<std::string, std::size_t>> queue_depths() const;
  void make_ops_server(const Config& config);

  /// Returns unused memory to the system. Checks regularly, on a thread that may block.
  void watch_memory();

  /// Called once for each I/O thread while the server is constructed.
  void watch_io_thread(const Post& post);
  /// Watches all other parts, and connects readiness and metrics to the watchdog.
  void watch_parts();
  /// Probes every I/O thread and logs the ones that don't respond. Never waits.
  void look_at_parts();
  void check_store();
  /// Checks whether an operator's command, another process, has changed a user.
  void watch_accounts();

  static ordercast::TimePoint steady_now() { return ordercast::SteadyClock{}.now(); }

  /// True if a restart would not help: nothing stands still, or the database is at fault.
  [[nodiscard]] bool is_alive();

  const ServiceManager service_manager;
  MemoryWatch memory_watch;  // Used by the memory thread.
  // Null: no TLS. First, so that a certificate that can't be used leaves no new database.
  std::shared_ptr<ordercast::net::TlsContext> tls;
  const std::unique_ptr<Database> database;
  Database& store;
  Metrics metrics;
  PasswordHasher hasher;
  LoginLimiter login_limiter;
  const bool is_demo;
  Tokens tokens;  // Needs `is_demo`.
  AccountWatch accounts;
  SessionWatch ended_sessions;  // The cluster's thread's.
  const PaymentMode mode;
  ApiContext context;
  Api api;
  Api ops_api;
  StoreHealth store_health;
  Heartbeat dispatcher_beat;
  Heartbeat push_beat;
  Heartbeat cluster_beat;
  Heartbeat refund_beat;
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
  std::unique_ptr<RefundProvider> refund_provider;
  RefundWorker refunds;
  // The pools are destroyed first, while everything that their tasks use still exists.
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
