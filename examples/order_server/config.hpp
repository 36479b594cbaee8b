// SPDX-License-Identifier: MIT
#pragma once

#include "process/log_sink.hpp"
#include "push/push_policy.hpp"
#include "secrets.hpp"
#include "store/demo_start.hpp"
#include <ordercast/net/options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The configuration: flags, environment and a file, checked completely before anything is opened.
/// Not thread-safe; used once, before there are threads.
namespace order_server {

/// The library that serves the sockets.
enum class Transport : std::uint8_t { websocketpp, asio };

/// Every option with its default; `--help` says what each means.
struct Config {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7001;
  int listening_socket = -1;   ///< From a service manager, instead of `host` and `port`.
  std::uint16_t ops_port = 0;  ///< 0: the main port serves health, readiness and metrics.
  unsigned threads = 1;
  Transport transport = Transport::asio;
  ordercast::net::IoMode io = ordercast::net::IoMode::automatic;

  std::string web_root;  ///< "" serves no files.

  std::string db = "order_server.db";  ///< A file, or a server's URL without a password.
  unsigned db_readers = 2;
  unsigned db_writers = 4;  ///< On PostgreSQL. SQLite has one connection, whatever this says.
  DemoMode demo_data = DemoMode::automatic;

  std::string node;               ///< Of this process among several; "" names none.
  std::vector<std::string> nats;  ///< Servers; none: this node is alone.
  std::string nats_stream = "ordercast";
  unsigned nats_replicas = 0;    ///< 0: 3 where three servers are given, else 1.
  std::string nats_credentials;  ///< Files; "": none.
  std::string nats_ca;
  std::string nats_certificate;
  std::string nats_key;

  std::vector<std::string> allowed_origins;
  std::vector<std::string> trusted_proxies;  ///< Addresses and networks.
  std::vector<std::string> allowed_hosts;

  std::size_t max_connections = 0;
  std::size_t max_connections_per_user = 20;
  std::size_t max_subscriptions = 100;
  std::size_t max_message_bytes = 4096;
  bool permessage_deflate = true;
  std::size_t max_body_bytes = 65536;
  std::uint32_t messages_per_second = 50;
  std::uint32_t message_burst = 200;
  std::size_t max_outbox_messages = 2048;
  std::size_t max_outbox_bytes = 1 << 20;
  std::size_t max_pipelined_requests = 32;
  std::size_t max_unsent_bytes = std::size_t{16} << 20;
  std::size_t max_unsent_total_bytes = std::size_t{256} << 20;
  std::size_t queue_limit = 1024;
  std::size_t queue_bytes = std::size_t{16} << 20;
  std::size_t login_failures = 10;
  std::uint32_t handshakes_per_second = 100;
  std::uint32_t logins_per_second = 5;
  std::uint32_t writes_per_second = 5;
  std::uint32_t staff_writes_per_second = 50;

  std::chrono::seconds ping_interval{25};
  std::chrono::seconds pong_timeout{10};
  std::chrono::seconds drain{10};
  std::chrono::minutes access_token{15};
  std::chrono::hours refresh_token{24 * 30};

  std::string tls_certificate;  ///< PEM files; both or none.
  std::string tls_key;
  std::chrono::seconds hsts{31'536'000};

  std::chrono::seconds handshake_timeout{10};
  std::chrono::seconds keep_alive_timeout{75};
  std::chrono::seconds write_stall_timeout{30};
  std::uint32_t abuse_threshold = 100;
  std::size_t max_head_bytes = 16384;
  std::size_t max_handshakes = 8192;
  std::size_t max_connections_per_address = 4096;

  PushPolicy push = PushPolicy::always;
  std::size_t push_concurrency = 64;
  std::string fcm_base_url = "https://fcm.googleapis.com";
  std::string fcm_token_url;  ///< "": the one that the service account names.
  std::string razorpay_base_url = "https://api.razorpay.com";
  std::string ca_file;  ///< "": the system's.

  std::string log_level = "info";
  LogFormat log_format = LogFormat::text;

  // From the environment or files: a flag would show in the process list.
  std::string db_password;      ///< "": as libpq finds it.
  std::string nats_token;       ///< "": none.
  std::string jwt_secret;       ///< "": `signing_secret` makes one for the demo.
  std::string razorpay_key_id;  ///< "": orders of the provider are made up, for a demo.
  std::string razorpay_key_secret;
  bool has_test_payments = false;       ///< The key secret is made up: it works on demo data only.
  std::string razorpay_webhook_secret;  ///< "": no webhook.
  std::string fcm_service_account;      ///< A file name; "" if push is not set up.

  /// For the log: which settings are missing, and what happens instead.
  std::vector<std::string> notices;
};

/// The process should end: after --help or --version with code 0, or with an error.
struct ConfigExit {
  int code = 0;
  std::string out;    ///< For stdout.
  std::string error;  ///< For stderr: one line that says what is wrong and what is allowed.
  std::vector<std::string> problems{};  ///< All that is wrong; `error` is the first of them.
};

/// The process' own environment.
[[nodiscard]] std::optional<std::string> process_environment(const char* name);

/// Reads the command line (without the program's name). A flag overrides `--config FILE`; if a flag
/// is repeated, the last one counts.
[[nodiscard]] std::variant<Config, ConfigExit> parse_config(
    const std::vector<std::string>& arguments,
    const Environment& environment = &process_environment);

}  // namespace order_server
