// SPDX-License-Identifier: MIT
#pragma once

#include "api/login_limiter.hpp"
#include "api/router.hpp"
#include "auth/tokens.hpp"
#include "domain/passwords.hpp"
#include "metrics.hpp"
#include "payments/razorpay.hpp"
#include "store/push_store.hpp"
#include "store/session_store.hpp"
#include "store/store.hpp"
#include "workers/watchdog.hpp"
#include <ordercast/clock.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace order_server {

/// How orders are paid online.
enum class PaymentMode : std::uint8_t {
  off,   ///< There is no secret to verify payments with: ONLINE is refused.
  test,  ///< On demo data without a secret: payments that are signed here stand in.
  live,  ///< Payments are signed under the secret that was configured.
};

/// What payments need beside the key secret.
struct PaymentSetup {
  std::string key_id;          ///< "": the provider's orders are made up here, for a demo.
  std::string webhook_secret;  ///< "": no webhook.
  PaymentMode mode = PaymentMode::off;
  /// Asks the provider for an order. Blocks.
  std::function<ProviderOrder(const Order&)> create_order;
};

/// What the handlers work with. One for the process; shared by all threads, so that every member is
/// thread-safe or never changed after start. It must outlive the last answer.
struct ApiContext {
  Store& store;
  SessionStore& sessions;
  const Tokens& tokens;
  const PasswordHasher& hasher;
  LoginLimiter& login_limiter;
  Metrics& metrics;

  std::string razorpay_key_secret;  ///< Empty with `PaymentMode::off`: verifies nothing.

  /// A hash that no password fits: verified against when a user does not exist, so that an unknown
  /// email takes as long as a wrong password.
  std::string decoy_hash;

  std::function<std::int64_t()> now_ms;       ///< Unix time in milliseconds.
  std::function<ordercast::TimePoint()> now;  ///< Monotonic.

  /// Called after every commit that has something to broadcast.
  std::function<void()> committed;

  /// Closes every WebSocket of that user with 4001 and the reason, and says how many; nothing when
  /// the server is ending. Blocks: not for `Lane::io`.
  std::function<std::optional<std::size_t>(std::string user_id, std::string reason)>
      disconnect_user;

  /// The same for the WebSockets of one sign-in.
  std::function<std::optional<std::size_t>(std::string user_id, std::string session_id,
                                           std::string reason)>
      disconnect_session;

  /// Waiting tasks by worker pool, for /metrics.
  std::function<std::vector<std::pair<std::string, std::size_t>>()> queue_depths;

  /// The push side of the outbox, for /metrics. Blocks; StoreError.
  std::function<PushStats()> push_stats;

  PaymentSetup payments;

  std::atomic<bool> draining{false};

  /// Why no work should be sent here; nullopt when ready. Empty: asks the store. Never blocks.
  std::function<std::optional<std::string>()> not_ready{};

  /// Why clients of this node may lack changes of other nodes; nullopt when they don't. Empty: this
  /// node is alone. Never blocks.
  std::function<std::optional<std::string>()> behind{};

  /// The name of this node; "": it has none.
  std::string node{};

  /// Whether the I/O threads turn. Empty: they do. Never blocks.
  std::function<bool()> io_turns{};

  /// What the watchdog sees, for /metrics. Empty: nothing.
  std::function<std::vector<Watchdog::PartState>()> parts{};

  /// Renders /metrics for many at once, with `metrics_page`. Empty: for each by itself.
  std::function<void(std::function<void(ordercast::HttpResponse)> answer)> shared_metrics{};
};

/// What /metrics answers now. Blocks on the database.
[[nodiscard]] ordercast::HttpResponse metrics_page(ApiContext& context);

/// The routes, by area; `all_api_routes` joins those of the API.
[[nodiscard]] Routes auth_routes();
[[nodiscard]] Routes catalog_routes();
[[nodiscard]] Routes order_routes();
[[nodiscard]] Routes order_change_routes();
[[nodiscard]] Routes payment_routes();
[[nodiscard]] Routes device_routes();
[[nodiscard]] Routes admin_routes();
[[nodiscard]] Routes ops_routes();
[[nodiscard]] Routes all_api_routes();

}  // namespace order_server
