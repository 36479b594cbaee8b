// SPDX-License-Identifier: MIT
#include "config.hpp"

#include "api/allowed_hosts.hpp"
#include "api/cors.hpp"
#include "config_file.hpp"
#include "config_options.hpp"
#include "config_secrets.hpp"
#include "store/open_database.hpp"
#include <ordercast/nats/options.hpp>
#include <ordercast/net/address_list.hpp>
#include <ordercast/net/client_address.hpp>
#include <ordercast/types.hpp>
#include <ordercast/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

namespace order_server {
namespace {

/// Whether a listener can be told this address or name. What it stands for is found out later.
bool is_listen_host(const std::string& host) {
  if (host.find(':') != std::string::npos) {
    return ordercast::net::ClientAddress::parse(host.substr(0, host.find('%'))).has_value();
  }
  return host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

/// The URL of a NATS server, whose port exists if it has one.
bool is_nats_server(const std::string& url) {
  if (!ordercast::nats::is_server_url(url)) return false;
  const auto host = url.substr(url.find("://") + 3);
  const auto bracket = host.rfind(']');
  const auto colon = host.find(':', bracket == std::string::npos ? 0 : bracket);
  return colon == std::string::npos || whole_number(1, 65535)(host.substr(colon + 1)).empty();
}

/// What is wrong with the options of a cluster.
std::string wrong_node(const Config& config) {
  if (!ordercast::nats::is_stream_name(config.nats_stream)) {
    return "--nats-stream: " + shown_value(config.nats_stream) +
           " is not allowed; allowed are 1 to 64 letters, digits, '-' and '_'";
  }
  if (config.nats_certificate.empty() != config.nats_key.empty()) {
    return "--nats-cert and --nats-key: set both or neither";
  }
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (config.node.size() > ordercast::max_epoch_bytes ||
      !std::all_of(config.node.begin(), config.node.end(), is_good)) {
    return "--node: " + shown_value(config.node) +
           " is not allowed; allowed are 1 to 64 letters, digits, '.', '-' and '_'";
  }
  return {};
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

std::variant<Config, ConfigExit> parse_config(const std::vector<std::string>& arguments,
                                              const Environment& environment) {
  Config config;
  std::string transport = "asio";
  std::string io = "auto";
  std::string demo_data = "auto";
  std::string push = "always";
  std::string permessage_deflate = "on";
  std::string log_format = "text";

  CLI::App app("The reference order server: REST and live order updates on one port.",
               "order_server");
  app.set_version_flag("--version", "order_server " ORDERCAST_VERSION_STRING,
                       "Print the version and exit");
  app.set_config("--config", "", "File with these options as lines of name=value [default: none]")
      ->option_text(" ")
      ->check(CLI::Validator(&complaint_of_config_file, ""));
  const auto config_file = std::make_shared<ConfigFile>();
  app.config_formatter(config_file);
  app.allow_config_extras(false);
  app.footer(environment_help);
  app.get_formatter()->column_width(34);

  Options options(app);
  options.text("--host", config.host, "Address or name to listen on");
  options.number("--port", config.port, 0, 65535, "", "TCP port; 0 picks a free one");
  options.number("--ops-port", config.ops_port, 0, 65535, "",
                 "Separate TCP port for /healthz, /readyz and /metrics; 0 serves them on --port");
  options.number("--threads", config.threads, 1, 256, "", "I/O threads");
  options.choice("--transport", transport, {"websocketpp", "asio"},
                 "Library that serves the sockets");
  options.choice("--io", io, {"auto", "uring", "send"},
                 "How the asio transport sends; auto uses io_uring if the system allows it");
  options.text("--db", config.db,
               "SQLite database file, created if it does not exist; or "
               "postgres://USER@HOST:PORT/DATABASE, which several nodes can share, with options of "
               "libpq like ?sslmode=verify-full");
  options.number("--db-readers", config.db_readers, 1, 64, "",
                 "Threads that read the database: this many for API calls, for lists and for "
                 "subscriptions each");
  options.number(
      "--db-writers", config.db_writers, 1, 64, "",
      "Connections that change orders on PostgreSQL; SQLite has one, which 32 threads share");
  options.text(
      "--node", config.node,
      "Name of this process among several nodes; shown in the X-Node header of /healthz, in "
      "hello and in the log; letters, digits, '.', '-' and '_'");
  options.list(
      "--nats", config.nats,
      "NATS servers with JetStream that carry changes between nodes with a common database; "
      "separated by commas; without any, this node is alone",
      "a server like nats://10.0.0.1:4222 or tls://nats.example:4222, without a user or "
      "password",
      is_nats_server);
  options.text("--nats-stream", config.nats_stream,
               "Name of the stream, and first token of its subjects; the same on all nodes of a "
               "cluster");
  options.number("--nats-replicas", config.nats_replicas, 0, 5, "",
                 "Copies of the stream if this node creates it; 0 is 3 if --nats names three "
                 "servers or more, otherwise 1");
  options.pem("--nats-credentials", config.nats_credentials, "NATS USER JWT", "credentials of NATS",
              "File with the credentials for NATS (.creds)");
  options.pem("--nats-ca", config.nats_ca, "CERTIFICATE", "certificate in PEM",
              "PEM file with the certificates to trust for NATS; turns TLS on");
  options.pem("--nats-cert", config.nats_certificate, "CERTIFICATE", "certificate in PEM",
              "PEM file with this node's certificate for NATS; turns TLS on");
  options.pem("--nats-key", config.nats_key, "PRIVATE KEY", "private key in PEM",
              "PEM file with the private key of --nats-cert");
  options.choice("--demo-data", demo_data, {"auto", "on", "off"},
                 "Fill an empty database with demo users, products and orders, and accept test "
                 "payments on it. auto does so if --host is loopback, and otherwise refuses to "
                 "start; on does so on any address, although everybody knows the passwords");
  options.folder("--web-root", config.web_root,
                 "Folder of web pages to serve at /; read once, at the start", "index.html");
  options.list("--allowed-origins", config.allowed_origins,
               "Origins of web pages, besides the server's own, that may use the API and /ws; "
               "separated by commas",
               "an origin like https://shop.example, http://localhost:5173 or "
               "capacitor://localhost",
               is_origin);
  options.list("--allowed-hosts", config.allowed_hosts,
               "Host names that the server answers to, separated by commas. On loopback it also "
               "answers to loopback names; elsewhere an empty list allows all names",
               "a host name without scheme and port", is_host_name);
  options.list(
      "--trusted-proxies", config.trusted_proxies,
      "Addresses and networks (10.0.0.0/8) of proxies, separated by commas. The server takes the "
      "client's address, host and scheme from their Forwarded or X-Forwarded-* headers",
      "an IP address or a network like 10.0.0.0/8",
      [](const std::string& entry) { return ordercast::net::AddressList().add(entry); });
  options.file("--tls-cert", config.tls_certificate,
               "PEM file with the certificate and its issuers' certificates; serves https and wss "
               "instead of http and ws; SIGHUP reloads it");
  options.file("--tls-key", config.tls_key, "PEM file with the private key of --tls-cert");
  options.duration(
      "--hsts-seconds", config.hsts, 0, 63'072'000, "seconds",
      "How long browsers that connected over TLS refuse plain HTTP (HSTS); 0 disables");
  options.duration("--drain-seconds", config.drain, 0, 3600, "seconds",
                   "Longest time from SIGTERM to the end of the process");
  options.number("--max-connections", config.max_connections, 0, 10'000'000, "",
                 "Most open connections; 0: as many as the limit on open files allows");
  options.number("--max-handshakes", config.max_handshakes, 0, 10'000'000, "",
                 "Most connections whose first request has not been read yet; 0: only "
                 "--max-connections limits them");
  options.number("--max-connections-per-address", config.max_connections_per_address, 0, 10'000'000,
                 "", "Most connections of one client address; 0: no limit");
  options.number("--max-connections-per-user", config.max_connections_per_user, 0, 1'000'000, "",
                 "Most WebSockets of one user; 0: no limit");
  options.number("--max-subscriptions", config.max_subscriptions, 0, 1'000'000, "",
                 "Most orders that one connection may watch; 0: no limit");
  options.number("--max-message-bytes", config.max_message_bytes, 128, 1 << 20, "bytes",
                 "Longest WebSocket message from a client, as it is before it is compressed");
  options.choice("--permessage-deflate", permessage_deflate, {"on", "off"},
                 "Compress long WebSocket messages (RFC 7692) for clients that offer it");
  options.number("--max-head-bytes", config.max_head_bytes, 1024, 1 << 20, "bytes",
                 "Longest request line and headers of an HTTP request");
  options.number("--max-body-bytes", config.max_body_bytes, 1024, 16 << 20, "bytes",
                 "Longest body of an HTTP request");
  options.number("--messages-per-second", config.messages_per_second, 0, 1'000'000, "",
                 "Sustained rate of WebSocket messages from one connection; 0: no limit");
  options.number("--message-burst", config.message_burst, 1, 1'000'000, "",
                 "WebSocket messages that a connection may send in a burst");
  options.number(
      "--abuse-threshold", config.abuse_threshold, 0, 1'000'000, "",
      "Closes a connection after this many refused WebSocket messages within 10 seconds; 0: never");
  options.duration("--handshake-seconds", config.handshake_timeout, 1, 3600, "seconds",
                   "Time limit for the first request of a connection, including the TLS handshake");
  options.duration("--keep-alive-seconds", config.keep_alive_timeout, 1, 86'400, "seconds",
                   "How long an HTTP connection may be idle between requests; set it above the "
                   "idle timeout of a load balancer in front");
  options.duration("--write-stall-seconds", config.write_stall_timeout, 0, 3600, "seconds",
                   "Closes a connection, WebSocket or HTTP, that reads nothing for this long while "
                   "data is queued; 0 disables");
  options.number("--max-outbox-messages", config.max_outbox_messages, 1, 1'000'000, "",
                 "Most messages queued for one slow WebSocket; what does not fit is sent later, as "
                 "the newest state");
  options.number("--max-outbox-bytes", config.max_outbox_bytes, 4096, std::int64_t{1} << 30,
                 "bytes", "Most bytes queued for one slow WebSocket; a single message always fits");
  options.number("--max-pipelined-requests", config.max_pipelined_requests, 1, 1024, "",
                 "Most HTTP requests of one connection in progress; further ones are read later");
  options.number("--max-unsent-bytes", config.max_unsent_bytes, 65'536, std::int64_t{1} << 30,
                 "bytes",
                 "Most bytes of HTTP answers queued for one connection; a single answer always "
                 "fits, further ones get 503");
  options.number("--max-unsent-total-bytes", config.max_unsent_total_bytes, 1 << 20,
                 std::int64_t{1} << 40, "bytes",
                 "The same for all connections together; above it, connections that have stopped "
                 "reading are closed");
  options.number(
      "--handshakes-per-second", config.handshakes_per_second, 0, 1'000'000, "",
      "WebSocket handshakes of one address; the burst is ten times as many; 0: no limit");
  options.number("--logins-per-second", config.logins_per_second, 0, 1'000'000, "",
                 "Logins of one address; the burst is ten times as many; 0: no limit");
  options.number("--login-failures", config.login_failures, 1, 10'000, "",
                 "Failed logins of one account within a minute that lock the account for a minute");
  options.number("--writes-per-second", config.writes_per_second, 0, 1'000'000, "",
                 "Changes by one customer; the burst is ten times as many; 0: no limit");
  options.number("--staff-writes-per-second", config.staff_writes_per_second, 0, 1'000'000, "",
                 "Changes by one staff user; the burst is four times as many; 0: no limit");
  options.number("--queue-limit", config.queue_limit, 1, 1'000'000, "",
                 "Most requests that wait for a database worker; further ones get 503");
  options.number(
      "--queue-bytes", config.queue_bytes, 1 << 20, std::int64_t{1} << 30, "bytes",
      "Most memory of the requests that wait for a database worker; further ones get 503");
  options.duration("--ping-seconds", config.ping_interval, 1, 3600, "seconds",
                   "Time between the server's WebSocket pings");
  options.duration("--pong-seconds", config.pong_timeout, 1, 3600, "seconds",
                   "How long the server waits for a pong; then it drops the connection");
  options.duration("--access-token-minutes", config.access_token, 1, 60 * 24, "minutes",
                   "Lifetime of an access token");
  options.duration("--refresh-token-hours", config.refresh_token, 1, 24 * 365, "hours",
                   "Lifetime of a refresh token");
  options.choice("--push", push, {"always", "when-away"},
                 "When to push to a customer's devices; when-away skips a push if the customer has "
                 "a visible connection that has answered a ping since the change");
  options.number("--push-concurrency", config.push_concurrency, 1, 1000, "",
                 "Most pushes in flight");
  options.service_url("--fcm-base-url", config.fcm_base_url, "URL to send pushes to");
  options.service_url(
      "--fcm-token-url", config.fcm_token_url,
      "URL that issues access tokens for pushes; by default the one in the service account");
  options.service_url("--razorpay-base-url", config.razorpay_base_url,
                      "URL of the payment provider");
  options.pem(
      "--ca-file", config.ca_file, "CERTIFICATE", "certificate in PEM",
      "PEM file of the certificates to trust for pushes and payments, instead of the system's");
  options.choice(
      "--log-level", config.log_level, {"debug", "info", "warn", "error", "off"},
      "Least severe messages to log to stderr; debug logs each request with its duration");
  options.choice("--log-format", log_format, {"text", "json"},
                 "A line of the log is text, or a JSON object");

  std::vector<std::string> problems;
  const auto note = [&problems](std::string problem) {
    if (!problem.empty()) problems.push_back(std::move(problem));
  };
  const auto wrong_exit = [&problems] { return ConfigExit{2, {}, problems.front(), problems}; };
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return ConfigExit{0, app.help(), {}, {}};
  } catch (const CLI::CallForVersion&) {
    return ConfigExit{0, app.version() + "\n", {}, {}};
  } catch (const CLI::ConfigError&) {
    note(config_file->complaint_of_lines(app));
    return wrong_exit();
  } catch (const CLI::Error& error) {
    auto wrong = config_file->complaint(app, arguments);
    note(wrong.empty() ? complaint_of(error, app, arguments) : std::move(wrong));
    for (const auto& complaint : options.complaints()) note(complaint);
    return wrong_exit();
  }
  note(config_file->complaint(app, arguments));
  config_file->check_overridden(app, arguments);
  for (const auto& complaint : options.complaints()) note(complaint);
  options.finish();
  config.demo_data = demo_data == "auto" ? DemoMode::automatic
                     : demo_data == "on" ? DemoMode::on
                                         : DemoMode::off;
  config.push = push == "always" ? PushPolicy::always : PushPolicy::when_away;
  config.permessage_deflate = permessage_deflate == "on";
  config.log_format = log_format == "json" ? LogFormat::json_lines : LogFormat::text;
  config.transport = transport == "asio" ? Transport::asio : Transport::websocketpp;
  if (io != "auto") {
    using ordercast::net::IoMode;
    config.io = io == "uring" ? IoMode::uring : IoMode::send;
  }
  if (!is_listen_host(config.host)) {
    note("--host: " + shown_value(config.host) +
         " is not allowed; allowed is an IP address like 0.0.0.0 or ::1, or a host name, without a "
         "port and brackets");
  }
  note(wrong_node(config));
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    note("--tls-cert and --tls-key: set both or neither");
  }
  if (auto wrong = complaint_of_database(config.db); !wrong.empty()) {
    note("--db: " + std::move(wrong));
  }
  if (config.ops_port != 0 && config.ops_port == config.port) {
    note("--ops-port: must differ from --port; 0 means the same port");
  }
  for (auto& wrong : read_secrets(config, environment)) note(std::move(wrong));
  if (!problems.empty()) return wrong_exit();
  return config;
}

}  // namespace order_server
