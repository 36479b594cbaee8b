// SPDX-License-Identifier: MIT
#include "app_options.hpp"

#include "api/envelope.hpp"
#include "domain/ids.hpp"
#include "push/fcm_sender.hpp"
#include "push/log_sender.hpp"
#include "secrets.hpp"
#include "workers/wall_clock.hpp"
#include <ordercast/net/address_list.hpp>
#include <ordercast/net/client_address.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace order_server {
namespace {

using ordercast::net::AcceptLimits;
using ordercast::net::ServerOptions;
using ordercast::net::TlsContext;

/// Stands for no deadline; small enough to be added to a time point.
constexpr std::chrono::hours no_deadline{24 * 365};
/// The longest wait for a worker: as long as a change waits for a locked database, and less than
/// clients wait.
constexpr std::chrono::seconds longest_wait{5};

ordercast::net::AddressList trusted_proxies(const Config& config) {
  ordercast::net::AddressList list;
  for (const auto& proxy : config.trusted_proxies) list.add(proxy);
  return list;
}

AcceptLimits accept_limits(const Config& config) {
  AcceptLimits limits;
  limits.max_connections = config.max_connections;
  limits.max_handshakes = config.max_handshakes;
  limits.max_per_address = config.max_connections_per_address;
  limits.exempt = [trusted = trusted_proxies(config)](const asio::ip::address& address) {
    const ordercast::net::ClientAddress client(address);
    return client.is_loopback() || trusted.contains(client);
  };
  return limits;
}

HttpClientOptions outbound_options(const Config& config) {
  HttpClientOptions options;
  options.ca_file = config.ca_file;
  return options;
}

void log_escaped(const std::exception_ptr& escaped) {
  try {
    std::rethrow_exception(escaped);
  } catch (const std::exception& error) {
    spdlog::error("I/O thread: {}", error.what());
  } catch (...) {
    spdlog::error("I/O thread: unknown exception");
  }
}

RazorpayOptions razorpay_options(const Config& config) {
  RazorpayOptions options;
  options.base_url = config.razorpay_base_url;
  options.key_id = config.razorpay_key_id;
  options.key_secret = config.razorpay_key_secret;
  options.http = outbound_options(config);
  return options;
}

}  // namespace

unsigned login_threads() {
  return std::clamp(std::thread::hardware_concurrency() / 2, 1U, 8U);
}

unsigned writer_threads(const Config& config) {
  // Threads that wait for one commit of SQLite cost next to nothing, and an owner has half of them.
  constexpr unsigned share_a_commit = 32;
  return is_shared_database(config.db) ? config.db_writers : share_a_commit;
}

DatabaseOptions database_options(const Config& config) {
  DatabaseOptions options;
  options.db = config.db;
  options.password = config.db_password;
  options.serves = true;
  // Threads for API calls, lists, subscriptions, logins, payments, metrics, webhooks, health, the
  // dispatcher, push and refunds.
  options.threads = 3 * config.db_readers + 6 + login_threads();
  if (is_shared_database(config.db)) {
    constexpr std::size_t resynchronization = 1;
    options.threads += config.db_writers + payment_threads + resynchronization;
  }
  return options;
}

TokenOptions token_options(const Config& config, Store& store) {
  TokenOptions options;
  options.secret = signing_secret(config.jwt_secret, config.db,
                                  store.is_demo() && listens_on_loopback(config.host));
  options.access_lifetime = config.access_token;
  options.refresh_lifetime = config.refresh_token;
  return options;
}

Site site_of(const Config& config) {
  return {config.tls_certificate.empty() ? "http" : "https", is_loopback_host(config.host),
          trusted_proxies(config)};
}

WriteRules write_rules(const Config& config) {
  WriteRules rules;
  rules.customers = {config.writes_per_second, config.writes_per_second * 10};
  rules.staff = {config.staff_writes_per_second, config.staff_writes_per_second * 4};
  return rules;
}

std::shared_ptr<TlsContext> tls_context(const Config& config) {
  if (config.tls_certificate.empty()) return nullptr;
  try {
    return std::make_shared<TlsContext>(config.tls_certificate, config.tls_key);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error("--tls-cert, --tls-key: " + std::string(error.what()));
  }
}

ServerOptions server_options(const Config& config, std::shared_ptr<TlsContext> tls) {
  ServerOptions options;
  options.host = config.host;
  options.port = config.port;
  options.listening_socket = config.listening_socket;
  options.threads = config.threads;
  options.accept = accept_limits(config);
  options.transport.handshake_timeout = config.handshake_timeout;
  options.transport.keep_alive_timeout = config.keep_alive_timeout;
  options.transport.max_head_bytes = config.max_head_bytes;
  options.transport.max_message_bytes = config.max_message_bytes;
  options.transport.permessage_deflate = config.permessage_deflate;
  options.transport.max_body_bytes = config.max_body_bytes;
  options.transport.max_pipelined_requests = config.max_pipelined_requests;
  options.transport.max_unsent_bytes = config.max_unsent_bytes;
  options.transport.max_unsent_total_bytes = config.max_unsent_total_bytes;
  options.transport.write_timeout =
      config.write_stall_timeout.count() > 0 ? config.write_stall_timeout : no_deadline;
  options.transport.io = config.io;
  options.transport.error_format = transport_problem;
  options.transport.on_error = log_escaped;
  options.transport.tls = std::move(tls);
  options.limits.max_connections_per_user = config.max_connections_per_user;
  options.limits.max_subscriptions = config.max_subscriptions;
  options.limits.messages_per_second = config.messages_per_second;
  options.limits.message_burst = config.message_burst;
  options.limits.ping_interval = config.ping_interval;
  options.limits.ping_jitter = std::min(options.limits.ping_jitter, options.limits.ping_interval);
  options.limits.pong_timeout = config.pong_timeout;
  options.limits.write_stall_timeout = config.write_stall_timeout;
  options.limits.max_outbox_messages = config.max_outbox_messages;
  options.limits.max_outbox_bytes = config.max_outbox_bytes;
  options.limits.abuse_threshold = config.abuse_threshold;
  return options;
}

PaymentMode payment_mode(const Config& config, bool is_demo) {
  if (!config.has_test_payments) return PaymentMode::live;
  return is_demo ? PaymentMode::test : PaymentMode::off;
}

std::unique_ptr<RefundProvider> make_refund_provider(const Config& config) {
  // Without an account at the provider its orders are made up, and no money has come.
  if (config.razorpay_key_id.empty()) return std::make_unique<InstantRefunds>();
  return std::make_unique<RazorpayRefunds>(razorpay_options(config));
}

PaymentSetup payment_setup(const Config& config, PaymentMode mode) {
  return {config.razorpay_key_id, config.razorpay_webhook_secret, mode,
          [razorpay = std::make_shared<Razorpay>(razorpay_options(config))](const Order& order) {
            // Without an account at the provider, an old order gets a made-up id.
            return razorpay->has_account() ? razorpay->create_order(order)
                                           : ProviderOrder{random_razorpay_order_id(), {}};
          }};
}

std::unique_ptr<PushSender> push_sender(const Config& config) {
  if (config.fcm_service_account.empty()) return std::make_unique<LogSender>();
  FcmOptions options;
  options.base_url = config.fcm_base_url;
  options.token_url = config.fcm_token_url;
  options.concurrency = config.push_concurrency;
  options.http = outbound_options(config);
  return std::make_unique<FcmSender>(load_service_account(config.fcm_service_account),
                                     std::move(options));
}

PushOptions push_options(const Config& config, Heartbeat& beat) {
  PushOptions options;
  options.policy = config.push;
  options.now_ms = &unix_ms;
  options.now = [] { return ordercast::SteadyClock{}.now(); };
  options.beat = [&beat] { beat.beat(ordercast::SteadyClock{}.now()); };
  return options;
}

RealtimeTransport transport_of(const Config& config) {
  return config.transport == Transport::asio ? asio_transport() : websocketpp_transport();
}

AddressRules address_rules(const Config& config) {
  AddressRules rules;
  rules.handshakes = {config.handshakes_per_second, config.handshakes_per_second * 10};
  rules.logins = {config.logins_per_second, config.logins_per_second * 10};
  rules.trusted_proxies = trusted_proxies(config);
  return rules;
}

ServerOptions ops_server_options(const Config& config) {
  ServerOptions options;
  options.host = config.host;
  options.port = config.ops_port;
  // Room for a few probes and scrapers, independent of the main port.
  options.accept.max_connections = 64;
  options.transport.error_format = transport_problem;
  options.transport.on_error = log_escaped;
  return options;
}

LoginLimits login_limits(const Config& config) {
  LoginLimits limits;
  limits.failures = config.login_failures;
  return limits;
}

QueueLimits queue_limits(const Config& config) {
  return {config.queue_limit, config.queue_bytes, longest_wait};
}

StaticFiles pages_of(const Config& config) {
  return config.web_root.empty() ? StaticFiles() : StaticFiles(config.web_root);
}

Routes main_routes(const Config& config) {
  Routes routes = all_api_routes();
  if (config.ops_port == 0) {
    const Routes ops = ops_routes();
    routes.insert(routes.end(), ops.begin(), ops.end());
  }
  return routes;
}

}  // namespace order_server
