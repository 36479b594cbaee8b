// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "terminal.hpp"
#include <ordercast/types.hpp>
#include <ordercast/version.hpp>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <string_view>
#include <utility>

namespace order_watch {
namespace {

constexpr const char* footer = R"(
Secrets are never options. Who you are is said by one of
  --email EMAIL           with the password in ORDER_WATCH_PASSWORD, else asked for, else read
                          from stdin (one line)
  --token-file FILE       an access token; the file is read again when the server refuses it
  ORDER_WATCH_TOKEN       an access token in the environment

On a terminal orders are shown as a table, elsewhere as lines; NO_COLOR turns colours off.
--json writes one object a line:
  {"event":"state","state":"open"}          idle, connecting, open, waiting, refused
  {"event":"state","state":"waiting","retryInMs":1000,"why":"Connection refused"}
  {"event":"order","order":{...}}           a watched order, at first and whenever it changes
  {"event":"changed","orderId":"...","status":"..."}     some order that you may see has changed
  {"event":"removed","orderId":"...","why":"..."}        an order is not watched any more
  {"event":"error","code":"...","message":"...","orderId":"..."}

An outage ends nothing: order_watch comes back and shows what has changed meanwhile. Exit codes:
  0   ended by Ctrl-C, SIGTERM, or a reader that went away
  1   something failed for good
  2   a mistake in the options
  3   the server refused the password or the token
  4   none of the orders exists, or none is yours

Try it with the demo server:
  ./dev demo
  ORDER_WATCH_PASSWORD=admin123 order_watch --email admin@martly.dev
)";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(blank) - first + 1));
}

/// Sets both URLs. Returns an error message if the URL is wrong.
std::optional<std::string> set_server(Options& options, std::string url) {
  constexpr std::pair<const char*, bool> schemes[] = {
      {"http://", false}, {"ws://", false}, {"https://", true}, {"wss://", true}};
  bool is_secure = false;
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  const auto scheme = std::find_if(std::begin(schemes), std::end(schemes),
                                   [&](const auto& s) { return url.rfind(s.first, 0) == 0; });
  if (scheme == std::end(schemes)) return "--server takes http:// and https:// URLs";
  is_secure = scheme->second;
  auto host = url.substr(std::string_view(scheme->first).size());
  while (!host.empty() && host.back() == '/') host.pop_back();
  if (host.size() > 3 && host.compare(host.size() - 3, 3, "/ws") == 0) host.resize(host.size() - 3);
  if (host.empty() || host.find_first_of("/?#@ ") != std::string::npos) {
    return "--server takes a URL such as http://127.0.0.1:7001, without a path and a user";
  }
  options.http_url = (is_secure ? "https://" : "http://") + host;
  options.ws_url = (is_secure ? "wss://" : "ws://") + host + "/ws";
  return std::nullopt;
}

/// Finds the user's credentials. Returns an error message if something is missing.
std::optional<std::string> set_credentials(Options& options) {
  if (!options.token_file.empty()) {
    options.token = read_token_file(options.token_file);
    if (options.token.empty()) return "can't read a token from " + options.token_file;
    return std::nullopt;
  }
  if (options.email.empty()) {
    options.token = trimmed(environment("ORDER_WATCH_TOKEN"));
    if (options.token.empty()) return "no user: set --email, --token-file or ORDER_WATCH_TOKEN";
    return std::nullopt;
  }
  options.password = environment("ORDER_WATCH_PASSWORD");
  if (options.password.empty()) {
    options.password = isatty(STDIN_FILENO) == 1
                           ? read_password("Password of " + options.email + ": ")
                           : read_line_of_stdin();
  }
  if (options.password.empty()) return "no password: set ORDER_WATCH_PASSWORD, or pass it on stdin";
  return std::nullopt;
}

}  // namespace

std::string read_token_file(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return trimmed(line);
}

std::variant<Options, OptionsExit> parse_options(std::vector<std::string> arguments) {
  Options options;
  std::string server = "http://127.0.0.1:7001";
  bool all = false;
  CLI::App app("Shows orders live: every change as it happens.", "order_watch");
  app.footer(footer);
  app.set_version_flag("--version", ORDERCAST_VERSION_STRING);
  app.add_option("--server", server, "URL of the order server; https for TLS")
      ->capture_default_str();
  auto* email = app.add_option("--email", options.email, "log in as this user");
  app.add_option("--token-file", options.token_file, "file with an access token")
      ->type_name("FILE")
      ->excludes(email);
  auto* orders = app.add_option("--order", options.orders, "an order to watch; may be repeated")
                     ->type_name("ID");
  app.add_flag("--all", all, "the newest orders that you may see, and new ones (the default)")
      ->excludes(orders);
  app.add_option("--limit", options.limit, "how many orders --all watches")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_flag("--json", options.json, "one JSON object a line, for pipes");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 reads them from the back.
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return OptionsExit{exit_ok, app.help(), {}};
  } catch (const CLI::CallForVersion&) {
    return OptionsExit{exit_ok, "order_watch " ORDERCAST_VERSION_STRING "\n", {}};
  } catch (const CLI::ParseError& error) {
    return OptionsExit{exit_usage, {}, error.what()};
  }
  if (options.orders.size() > 100) return OptionsExit{exit_usage, {}, "at most 100 orders"};
  for (const auto& id : options.orders) {
    if (id.empty() || id.size() > ordercast::max_order_id_bytes) {
      return OptionsExit{exit_usage, {}, "an order id is 1 to 128 bytes"};
    }
  }
  if (const auto wrong = set_server(options, std::move(server))) {
    return OptionsExit{exit_usage, {}, *wrong};
  }
  if (const auto missing = set_credentials(options)) return OptionsExit{exit_usage, {}, *missing};
  options.table = !options.json && is_capable_terminal();
  options.color = options.table && environment("NO_COLOR").empty();
  return options;
}

}  // namespace order_watch
