// SPDX-License-Identifier: MIT
#pragma once

#include "api/api.hpp"
#include "auth/tokens.hpp"
#include "config.hpp"
#include "payments/refund_worker.hpp"
#include "push/push_sender.hpp"
#include "push/push_worker.hpp"
#include "serving/server.hpp"
#include "store/open_database.hpp"
#include "workers/worker_pool.hpp"
#include <ordercast/net/options.hpp>
#include <ordercast/net/tls.hpp>

#include <memory>

/// Translates the configuration into the options of each component. Used at the start, on one
/// thread.
namespace order_server {

/// Several, because each may wait for the payment provider.
inline constexpr std::size_t payment_threads = 4;

/// How many threads hash passwords. Each hash uses one core and 64 MiB, so half of the cores are
/// left for everything else.
[[nodiscard]] unsigned login_threads();

[[nodiscard]] DatabaseOptions database_options(const Config& config);
/// How many threads change orders for the API.
[[nodiscard]] unsigned writer_threads(const Config& config);
/// Throws if there is no JWT secret; see `signing_secret`.
[[nodiscard]] TokenOptions token_options(const Config& config, Store& store);

[[nodiscard]] Site site_of(const Config& config);
[[nodiscard]] WriteRules write_rules(const Config& config);
[[nodiscard]] AddressRules address_rules(const Config& config);
[[nodiscard]] LoginLimits login_limits(const Config& config);
[[nodiscard]] QueueLimits queue_limits(const Config& config);

/// Returns null if there is no certificate.
[[nodiscard]] std::shared_ptr<ordercast::net::TlsContext> tls_context(const Config& config);
[[nodiscard]] ordercast::net::ServerOptions server_options(
    const Config& config, std::shared_ptr<ordercast::net::TlsContext> tls);
[[nodiscard]] ordercast::net::ServerOptions ops_server_options(const Config& config);
[[nodiscard]] RealtimeTransport transport_of(const Config& config);

/// A made-up payment secret works on demo data only.
[[nodiscard]] PaymentMode payment_mode(const Config& config, bool is_demo);
[[nodiscard]] std::unique_ptr<RefundProvider> make_refund_provider(const Config& config);
[[nodiscard]] PaymentSetup payment_setup(const Config& config, PaymentMode mode);

[[nodiscard]] std::unique_ptr<PushSender> push_sender(const Config& config);
[[nodiscard]] PushOptions push_options(const Config& config, Heartbeat& beat);

[[nodiscard]] StaticFiles pages_of(const Config& config);
[[nodiscard]] Routes main_routes(const Config& config);

}  // namespace order_server
