// SPDX-License-Identifier: MIT
#include "app.hpp"
#include "config.hpp"
#include "config_check.hpp"
#include "domain/printable.hpp"
#include "operators/commands.hpp"
#include "process/crash_report.hpp"
#include "process/log_sink.hpp"
#include "process/service_manager.hpp"
#include "process/signals.hpp"
#include "store/open_database.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

namespace {

using order_server::App;
using order_server::Config;

/// How long the process waits at its end for its last lines to be read.
constexpr std::chrono::milliseconds last_lines{200};

/// Makes signals drain the app while this lives.
class Watched {
 public:
  Watched(order_server::Signals& signals, App& app, std::chrono::milliseconds drain)
      : signals_(signals) {
    signals_.act({[&app, drain](int signal) {
                    spdlog::info("{}: draining for at most {} ms", strsignal(signal),
                                 drain.count());
                    // Leave some time to finish writes and close the database after the sockets.
                    app.drain(drain - std::min(drain / 4, std::chrono::milliseconds(500)));
                  },
                  [&app] { app.reload_certificate(); }});
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() { signals_.act({}); }

 private:
  order_server::Signals& signals_;
};

std::string address_text(const std::string& host, std::uint16_t port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

void serve(const Config& config) {
  order_server::Signals signals(config.drain);
  App app(config);
  const auto address = address_text(config.host, app.listen());
  const Watched watched(signals, app, config.drain);
  const std::string s = config.tls_certificate.empty() ? "" : "s";
  // A stdout that nobody reads must not block the server.
  order_server::AsyncWriter out(STDOUT_FILENO);
  out.write("listening on http" + s + "://" + address + " ws" + s + "://" + address + "/ws\n");
  app.run();
  spdlog::info("drained");
}

std::string cause_of(const std::exception& error) {
  const auto* failed = dynamic_cast<const std::system_error*>(&error);
  if (failed != nullptr && failed->code() == std::errc::resource_unavailable_try_again) {
    return "cannot start a thread; see the limits on processes and memory (" +
           order_server::one_line(error.what()) + ")";
  }
  return order_server::one_line(error.what());
}

/// Writes why the process ends to stderr, even if nobody reads it.
void report(const std::exception& error) noexcept {
  try {
    const auto line = "order_server: " + cause_of(error) + "\n";
    try {
      order_server::AsyncWriter err(STDERR_FILENO);
      err.write(line);
      order_server::flush_log(last_lines);
      err.flush_for(last_lines);
    } catch (const std::system_error&) {  // The system refuses this thread as well.
      pollfd room{STDERR_FILENO, POLLOUT, 0};
      if (::poll(&room, 1, static_cast<int>(last_lines.count())) != 1) return;
      static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
    }
  } catch (...) {
    return;  // Out of memory: the exit code has to do.
  }
}

}  // namespace

int main(int argc, char** argv) {
  order_server::open_standard_descriptors();
  order_server::report_crashes();
  order_server::ignore_harmless_signals();
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (order_server::is_check_command(arguments)) {
      return order_server::run_check_command(arguments, &order_server::process_environment, stdout,
                                             stderr);
    }
    if (const auto code = order_server::run_command(arguments)) return *code;
    auto parsed = order_server::parse_config(arguments);
    if (const auto* end = std::get_if<order_server::ConfigExit>(&parsed)) {
      std::fputs(end->out.c_str(), stdout);
      if (!end->error.empty()) {
        std::fprintf(stderr, "order_server: %s (--help lists all options)\n",
                     order_server::one_line(end->error).c_str());
      }
      return end->code;
    }
    auto& config = std::get<Config>(parsed);
    if (const auto socket = order_server::inherited_socket(&order_server::process_environment)) {
      config.listening_socket = socket->descriptor;
      config.host = socket->host;
    }
    order_server::start_logging(config.log_level, STDERR_FILENO, config.log_format);
    for (const auto& notice : config.notices) spdlog::warn(notice);
    spdlog::info("database {}", order_server::shown_database(config.db));
    serve(config);
    order_server::flush_log(last_lines);
    return 0;
  } catch (const std::exception& error) {
    report(error);
    return 1;
  }
}
