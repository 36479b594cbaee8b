// SPDX-License-Identifier: MIT
#include "config.hpp"

#include "api/allowed_hosts.hpp"
#include "api/cors.hpp"
#include "domain/sodium.hpp"
#include "net/http_client.hpp"
#include <ordercast/net/client_address.hpp>
#include <ordercast/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string_view>

namespace order_server {
namespace {

/// Adds options that say their default, range and unit in --help, and in the message when a value
/// is wrong.
class Options {
 public:
  explicit Options(CLI::App& app) : app_(app) {}

  template <class T>
  void number(const std::string& name, T& target, std::int64_t least, std::int64_t most,
              const std::string& unit, const std::string& what) {
    const std::string range = "a whole number from " + std::to_string(least) + " to " +
                              std::to_string(most) + (unit.empty() ? "" : " (" + unit + ")");
    add(name, target, std::to_string(static_cast<std::int64_t>(target)),
        what + (unit.empty() ? "" : ", in " + unit) + "; " + std::to_string(least) + " to " +
            std::to_string(most))
        ->check(CLI::Validator(
            [range, least, most](const std::string& text) -> std::string {
              std::int64_t value = 0;
              const auto* end = text.data() + text.size();
              const auto [stop, error] = std::from_chars(text.data(), end, value);
              // CLI11 would read 010 as eight.
              const bool is_octal = text.size() > 1 && text.front() == '0';
              const bool good = error == std::errc{} && stop == end && !is_octal &&
                                value >= least && value <= most;
              return good ? "" : "'" + text + "' is not allowed; allowed is " + range;
            },
            ""));
  }

  /// A duration in whole `Unit`s.
  template <class Unit>
  void duration(const std::string& name, Unit& target, std::int64_t least, std::int64_t most,
                const std::string& unit, const std::string& what) {
    auto& value = numbers_.emplace_back(std::make_unique<std::int64_t>(target.count()));
    number(name, *value, least, most, unit, what);
    finishers_.push_back([&target, from = value.get()] { target = Unit(*from); });
  }

  void text(const std::string& name, std::string& target, const std::string& what) {
    add(name, target, target, what)
        ->check(CLI::Validator(
            [](const std::string& given) -> std::string {
              return given.empty() ? "must not be empty" : "";
            },
            ""));
  }

  /// A folder that holds `content`.
  void folder(const std::string& name, std::string& target, const std::string& what,
              const std::string& content) {
    add(name, target, "none", what)
        ->check(CLI::Validator(
            [content](const std::string& given) -> std::string {
              std::error_code error;
              const bool good =
                  std::filesystem::is_regular_file(std::filesystem::path(given) / content, error);
              return good ? "" : "'" + given + "' holds no " + content;
            },
            ""));
  }

  void file(const std::string& name, std::string& target, const std::string& what) {
    add(name, target, "none", what)
        ->check(CLI::Validator(
            [](const std::string& given) -> std::string {
              return std::ifstream(given).is_open() ? "" : "the file '" + given + "' can't be read";
            },
            ""));
  }

  /// Where another service is.
  void service_url(const std::string& name, std::string& target, const std::string& what) {
    add(name, target, target.empty() ? "none" : target, what)
        ->check(CLI::Validator(
            [](const std::string& given) -> std::string {
              return is_service_url(given)
                         ? ""
                         : "'" + given +
                               "' is not allowed; allowed is an https URL with no / at its end, or "
                               "an http one on loopback";
            },
            ""));
  }

  void choice(const std::string& name, std::string& target, const std::vector<std::string>& allowed,
              const std::string& what) {
    std::string names;
    for (const auto& entry : allowed) names.append(names.empty() ? "" : ", ").append(entry);
    add(name, target, target, what + "; one of " + names)
        ->check(CLI::Validator(
            [names, allowed](const std::string& given) -> std::string {
              const bool good = std::find(allowed.begin(), allowed.end(), given) != allowed.end();
              return good ? "" : "'" + given + "' is not allowed; allowed are " + names;
            },
            ""));
  }

  /// A list with commas between its entries; an empty one is no entry at all.
  template <class Check>
  void list(const std::string& name, std::vector<std::string>& target, const std::string& what,
            const std::string& allowed, Check good) {
    auto& text = texts_.emplace_back(std::make_unique<std::string>());
    add(name, *text, "none", what)
        ->check(CLI::Validator(
            [allowed, good](const std::string& given) -> std::string {
              for (const auto& entry : split(given)) {
                if (!good(entry)) return "'" + entry + "' is not allowed; allowed is " + allowed;
              }
              return "";
            },
            ""));
    finishers_.push_back([&target, from = text.get()] { target = split(*from); });
  }

  /// Moves what was read to where it belongs.
  void finish() const {
    for (const auto& finisher : finishers_) finisher();
  }

 private:
  template <class T>
  CLI::Option* add(const std::string& name, T& target, const std::string& fallback,
                   const std::string& what) {
    return app_.add_option(name, target, what + " [default: " + fallback + "]")
        ->option_text(" ")
        ->take_last();
  }

  static std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> entries;
    while (!text.empty()) {
      const auto comma = text.find(',');
      const auto entry = ordercast::detail::trim(text.substr(0, comma));
      if (!entry.empty()) entries.emplace_back(entry);
      text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return entries;
  }

  CLI::App& app_;
  // What CLI11 writes to must stay where it is.
  std::vector<std::unique_ptr<std::int64_t>> numbers_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<std::function<void()>> finishers_;
};

std::string random_secret() {
  require_sodium();
  std::string secret(min_jwt_secret_bytes, '\0');
  randombytes_buf(secret.data(), secret.size());
  return secret;
}

/// Reads the secrets; an error message when one can't be used.
std::string read_secrets(Config& config, const Environment& environment) {
  auto jwt = read_secret(environment, "JWT_SECRET");
  if (!jwt.wrong.empty()) return jwt.wrong;
  if (jwt.value && jwt.value->size() < min_jwt_secret_bytes) {
    return jwt.from + " has " + std::to_string(jwt.value->size()) +
           " bytes; it needs at least 32, or none at all for a random one of the demo's";
  }
  config.jwt_secret = std::move(jwt.value).value_or("");
  // Before the database is filled or opened; for the rest only the database knows.
  if (config.jwt_secret.empty() && config.demo_data != DemoMode::automatic &&
      !listens_on_loopback(config.host)) {
    return missing_jwt_secret();
  }
  auto key = read_secret(environment, "RAZORPAY_KEY_SECRET");
  if (!key.wrong.empty()) return key.wrong;
  if (key.value) {
    config.razorpay_key_secret = std::move(*key.value);
  } else {
    config.has_test_payments = true;
    config.razorpay_key_secret = random_secret();
    config.notices.emplace_back(
        "RAZORPAY_KEY_SECRET is not set: ONLINE orders are refused, but for test payments on demo "
        "data");
  }
  config.razorpay_key_id = environment("RAZORPAY_KEY_ID").value_or("");
  if (!config.razorpay_key_id.empty() && config.has_test_payments) {
    return "RAZORPAY_KEY_ID is set and RAZORPAY_KEY_SECRET is not; give both, or none for a demo";
  }
  auto webhook = read_secret(environment, "RAZORPAY_WEBHOOK_SECRET");
  if (!webhook.wrong.empty()) return webhook.wrong;
  config.razorpay_webhook_secret = std::move(webhook.value).value_or("");
  config.fcm_service_account = environment("FCM_SERVICE_ACCOUNT").value_or("");
  if (config.fcm_service_account.empty()) {
    config.notices.emplace_back("FCM_SERVICE_ACCOUNT is not set: pushes are logged, and not sent");
    return {};
  }
  if (!std::ifstream(config.fcm_service_account).is_open()) {
    return "FCM_SERVICE_ACCOUNT: the file '" + config.fcm_service_account + "' can't be read";
  }
  return {};
}

constexpr auto environment_help =
    "Environment:\n"
    "  JWT_SECRET           HS256 secret of the tokens, at least 32 bytes; without it\n"
    "                       the demo on loopback makes a random one and keeps it in\n"
    "                       DB.jwt-secret, and all else does not start\n"
    "  RAZORPAY_KEY_ID      key id at the payment provider [default: orders there are made up]\n"
    "  RAZORPAY_KEY_SECRET  key secret that payments are signed under [default: ONLINE is\n"
    "                       refused, but for test payments on demo data]\n"
    "  RAZORPAY_WEBHOOK_SECRET  secret that webhooks are signed under [default: no webhook]\n"
    "  FCM_SERVICE_ACCOUNT  file with the service account for push [default: pushes are logged]\n"
    "  JWT_SECRET_FILE, RAZORPAY_KEY_SECRET_FILE, RAZORPAY_WEBHOOK_SECRET_FILE\n"
    "                       file with that secret, instead of the variable itself\n"
    "  One newline at the end of a secret is dropped, other white space there is an error.\n"
    "\n"
    "Operators:\n"
    "  order_server outbox list|retry --help   what could not be delivered\n";

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

  CLI::App app("The reference order server: REST and live order updates on one port.",
               "order_server");
  app.set_version_flag("--version", "order_server " ORDERCAST_VERSION_STRING,
                       "Print the version and exit");
  app.set_config("--config", "", "File with these options as lines of name=value [default: none]")
      ->option_text(" ");
  app.allow_config_extras(false);
  app.footer(environment_help);
  app.get_formatter()->column_width(34);

  Options options(app);
  options.text("--host", config.host, "Address or name to listen on");
  options.number("--port", config.port, 0, 65535, "", "TCP port; 0 takes a free one");
  options.number("--ops-port", config.ops_port, 0, 65535, "",
                 "TCP port for /healthz, /readyz and /metrics alone; 0 leaves them on --port");
  options.number("--threads", config.threads, 1, 256, "", "I/O threads");
  options.choice("--transport", transport, {"websocketpp", "asio"}, "What serves the sockets");
  options.choice("--io", io, {"auto", "uring", "send"},
                 "How the asio transport sends: auto takes io_uring where the system allows it");
  options.text("--db", config.db, "SQLite database file, made if there is none");
  options.number("--db-readers", config.db_readers, 1, 64, "",
                 "Threads that read the database for the API, and again for subscriptions");
  options.choice(
      "--demo-data", demo_data, {"auto", "on", "off"},
      "Fill an empty database with users, products and orders to try, and serve a page at /demo "
      "and test payments on such a database. auto does so where --host is loopback and refuses to "
      "start elsewhere; on does so on any address, where everybody knows the passwords");
  options.folder("--web-root", config.web_root,
                 "Folder of web pages to serve at /, read once at the start", "index.html");
  options.list("--allowed-origins", config.allowed_origins,
               "Origins of web pages that may use API and /ws besides the server's own, with "
               "commas between",
               "an origin like https://shop.example, http://localhost:5173 or "
               "capacitor://localhost",
               is_origin);
  options.list("--allowed-hosts", config.allowed_hosts,
               "Host names that the server answers to, with commas between, besides loopback names "
               "on loopback; without any it answers to loopback names on loopback and to all "
               "elsewhere",
               "a host name without scheme and port", is_host_name);
  options.list("--trusted-proxies", config.trusted_proxies,
               "Addresses and networks (10.0.0.0/8) of proxies whose Forwarded or X-Forwarded-For, "
               "-Host and -Proto name the client and how it reached them, with commas between",
               "an IP address or a network like 10.0.0.0/8",
               [](const std::string& entry) { return ordercast::net::AddressList().add(entry); });
  options.file("--tls-cert", config.tls_certificate,
               "PEM file with the certificate and those of its issuers: https and wss instead of "
               "http and ws; read again on SIGHUP");
  options.file("--tls-key", config.tls_key, "PEM file with the private key of --tls-cert");
  options.duration("--hsts-seconds", config.hsts, 0, 63'072'000, "seconds",
                   "How long browsers that have used TLS here refuse plain HTTP; 0 does not ask");
  options.duration("--drain-seconds", config.drain, 0, 3600, "seconds",
                   "Most time between SIGTERM and the end");
  options.number("--max-connections", config.max_connections, 0, 10'000'000, "",
                 "Connections at one time; 0 takes what the limit of open files allows");
  options.number("--max-handshakes", config.max_handshakes, 0, 10'000'000, "",
                 "Connections whose first request has not been read yet; 0 is no limit of its own");
  options.number("--max-connections-per-address", config.max_connections_per_address, 0, 10'000'000,
                 "", "Connections of one client address; 0 is no limit");
  options.number("--max-connections-per-user", config.max_connections_per_user, 0, 1'000'000, "",
                 "WebSockets of one user; 0 is no limit");
  options.number("--max-subscriptions", config.max_subscriptions, 0, 1'000'000, "",
                 "Orders that one connection may watch; 0 is no limit");
  options.number("--max-message-bytes", config.max_message_bytes, 128, 1 << 20, "bytes",
                 "Longest WebSocket message from a client");
  options.number("--max-head-bytes", config.max_head_bytes, 1024, 1 << 20, "bytes",
                 "Longest request line and headers of an HTTP request");
  options.number("--max-body-bytes", config.max_body_bytes, 1024, 16 << 20, "bytes",
                 "Longest body of an HTTP request");
  options.number("--messages-per-second", config.messages_per_second, 0, 1'000'000, "",
                 "WebSocket messages that a connection may keep sending; 0 is no limit");
  options.number("--message-burst", config.message_burst, 1, 1'000'000, "",
                 "WebSocket messages that a connection may send at once");
  options.number("--abuse-threshold", config.abuse_threshold, 0, 1'000'000, "",
                 "Refused WebSocket messages within 10 seconds that end a connection; 0 is never");
  options.duration("--handshake-seconds", config.handshake_timeout, 1, 3600, "seconds",
                   "Time for the first request of a connection, TLS handshake included");
  options.duration("--keep-alive-seconds", config.keep_alive_timeout, 1, 86'400, "seconds",
                   "Time that an HTTP connection may be idle between two requests; keep it above "
                   "the idle timeout of a load balancer in front");
  options.duration("--write-stall-seconds", config.write_stall_timeout, 0, 3600, "seconds",
                   "Time that a connection may take nothing of what waits for it; 0 is for ever");
  options.number("--handshakes-per-second", config.handshakes_per_second, 0, 1'000'000, "",
                 "WebSocket handshakes of one address, ten times as many at once; 0 is no limit");
  options.number("--logins-per-second", config.logins_per_second, 0, 1'000'000, "",
                 "Logins of one address, ten times as many at once; 0 is no limit");
  options.number("--writes-per-second", config.writes_per_second, 0, 1'000'000, "",
                 "Changes of one customer, ten times as many at once; 0 is no limit");
  options.number("--staff-writes-per-second", config.staff_writes_per_second, 0, 1'000'000, "",
                 "Changes of one user of the staff, four times as many at once; 0 is no limit");
  options.number("--queue-limit", config.queue_limit, 1, 1'000'000, "",
                 "Requests that may wait for a database worker; more get 503");
  options.duration("--ping-seconds", config.ping_interval, 1, 3600, "seconds",
                   "Time between the server's WebSocket pings");
  options.duration("--pong-seconds", config.pong_timeout, 1, 3600, "seconds",
                   "Time for a pong before the connection is dropped");
  options.duration("--access-token-minutes", config.access_token, 1, 60 * 24, "minutes",
                   "Life of an access token");
  options.duration("--refresh-token-hours", config.refresh_token, 1, 24 * 365, "hours",
                   "Life of a refresh token");
  options.choice("--push", push, {"always", "when-away"},
                 "Push to every device of the customer, or only while no connection of theirs that "
                 "says somebody looks has proved alive since the change");
  options.number("--push-concurrency", config.push_concurrency, 1, 1000, "",
                 "Pushes on their way at once");
  options.service_url("--fcm-base-url", config.fcm_base_url, "Where pushes are sent to");
  options.service_url("--fcm-token-url", config.fcm_token_url,
                      "Where access tokens for pushes come from; by default where the service "
                      "account says");
  options.service_url("--razorpay-base-url", config.razorpay_base_url,
                      "Where orders of the payment provider are made");
  options.file("--ca-file", config.ca_file,
               "PEM file with the certificates to trust for pushes and payments instead of the "
               "system's");
  options.choice("--log-level", config.log_level, {"debug", "info", "warn", "error", "off"},
                 "Least important messages that are logged to stderr");

  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return ConfigExit{0, app.help(), {}};
  } catch (const CLI::CallForVersion&) {
    return ConfigExit{0, app.version() + "\n", {}};
  } catch (const CLI::Error& error) {
    return ConfigExit{2, {}, error.what()};
  }
  options.finish();
  config.demo_data = demo_data == "auto" ? DemoMode::automatic
                     : demo_data == "on" ? DemoMode::on
                                         : DemoMode::off;
  config.push = push == "always" ? PushPolicy::always : PushPolicy::when_away;
  config.transport = transport == "asio" ? Transport::asio : Transport::websocketpp;
  if (io != "auto") {
    using ordercast::net::IoMode;
    config.io = io == "uring" ? IoMode::uring : IoMode::send;
  }
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    return ConfigExit{2, {}, "--tls-cert and --tls-key: give both or none"};
  }
  if (config.ops_port != 0 && config.ops_port == config.port) {
    return ConfigExit{2, {}, "--ops-port: must differ from --port; 0 means the same port"};
  }
  if (auto wrong = read_secrets(config, environment); !wrong.empty()) {
    return ConfigExit{2, {}, std::move(wrong)};
  }
  return config;
}

}  // namespace order_server
