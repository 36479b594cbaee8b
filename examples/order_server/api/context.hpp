// SPDX-License-Identifier: MIT
#pragma once

#include "api/login_limiter.hpp"
#include "api/router.hpp"
#include "auth/tokens.hpp"
#include "domain/passwords.hpp"
#include "metrics.hpp"
#include "payments/razorpay.hpp"
#include "store/push_store.hpp"
#include "store/refund_store.hpp"
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
  off,   ///< No secret to verify payments with: ONLINE orders are refused.
  test,  ///< Demo data and no secret: this server signs test payments itself.
  live,  ///< Payments must be signed with the configured secret.
};

/// What payments need besides the key secret.
struct PaymentSetup {
  std::string key_id;          ///< Empty: a demo, which makes up the provider's order ids.
  std::string webhook_secret;  ///< Empty: no webhook.
  PaymentMode mode = PaymentMode::off;
  /// Asks the provider for an order. Blocks.
  std::function<ProviderOrder(const Order&)> create_order;
};

/// What the handlers work with. All threads share one, so every member is thread-safe or never
/// changes after the start. It must outlive the last answer.
struct ApiContext {
  Store& store;
  SessionStore& sessions;
  RefundStore& refunds;
  const Tokens& tokens;
  const PasswordHasher& hasher;
  LoginLimiter& login_limiter;
  Metrics& metrics;

  std::string razorpay_key_secret;  ///< Empty with `PaymentMode::off`: no payment verifies.

  /// A hash that no password matches. A login with an unknown email is verified against it, so that
  /// it takes as long as one with a wrong password.
  std::string decoy_hash;

  std::function<std::int64_t()> now_ms;       ///< Unix time in milliseconds.
  std::function<ordercast::TimePoint()> now;  ///< Monotonic.

  /// Called after every commit that has something to broadcast.
  std::function<void()> committed;

  /// Closes every WebSocket of that user with 4001 and the reason. Returns how many, or nullopt if
  /// the server is stopping. Blocks: not for `Lane::io`.
  std::function<std::optional<std::size_t>(std::string user_id, std::string reason)>
      disconnect_user;

  /// The same for the WebSockets of one sign-in.
  std::function<std::optional<std::size_t>(std::string user_id, std::string session_id,
                                           std::string reason)>
      disconnect_session;

  /// Waiting tasks by worker pool, for /metrics.
  std::function<std::vector<std::pair<std::string, std::size_t>>()> queue_depths;

  /// The state of the push queue, for /metrics. Blocks; throws StoreError.
  std::function<PushStats()> push_stats;

  PaymentSetup payments;

  std::atomic<bool> draining{false};

  /// Whether another process will serve the listening socket. A drain then answers whoever has
  /// connected already; nobody else comes.
  bool hands_over = false;

  /// Why the server is not ready; nullopt if it is. Never blocks. If empty, readiness asks the
  /// store.
  std::function<std::optional<std::string>()> not_ready{};

  /// Why clients of this node may lack changes of other nodes; nullopt if they don't. If empty,
  /// this node is alone. Never blocks.
  std::function<std::optional<std::string>()> behind{};

  /// The name of this node; "" if it has none.
  std::string node{};

  /// True if every I/O thread responds. Never blocks. If empty, they count as responding.
  std::function<bool()> io_turns{};

  /// The watchdog's findings, for /metrics. If empty, there are none.
  std::function<std::vector<Watchdog::PartState>()> parts{};

  /// Refuses the tokens of users whom an operator has changed. Called before each change that a
  /// token allows. Blocks; throws StoreError. If empty, there are no operators.
  std::function<void()> refuse_changed_accounts{};

  /// Renders /metrics once for many requests, with `metrics_page`. If empty, each request renders
  /// it.
  std::function<void(std::function<void(ordercast::HttpResponse)> answer)> shared_metrics{};
};

/// Renders /metrics. Blocks on the database.
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
