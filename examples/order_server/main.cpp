// SPDX-License-Identifier: MIT
#include "app.hpp"
#include "config.hpp"
#include "operators/outbox_command.hpp"

#include <pthread.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace {

using order_server::App;
using order_server::Config;

/// What main sends to the signals' thread, and nobody else.
constexpr int end_of_watch = SIGUSR1;

/// Turns signals into calls, on a thread of its own: no code runs in a signal handler.
///
/// The signals are blocked in every thread (make this before any other thread) and waited for here.
/// The first one drains; a second one, or a drain that does not end in time, ends the process at
/// once, which the database survives by design. SIGHUP reloads the certificate.
class Signals {
 public:
  explicit Signals(std::chrono::seconds drain) : drain_(drain) {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, end_of_watch}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    thread_ = std::thread([this] { watch(); });
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  ~Signals() {
    pthread_kill(thread_.native_handle(), end_of_watch);
    thread_.join();
  }

  /// From now on a signal drains `app`; without one it just ends the process.
  void watch_over(App* app) {
    const std::lock_guard lock(mutex_);
    app_ = app;
  }

 private:
  void watch() {
    int signal = 0;
    do {
      sigwait(&set_, &signal);
      if (signal == end_of_watch) return;
      if (signal == SIGHUP) reload();
    } while (signal == SIGHUP);
    drain(signal);

    sigdelset(&set_, SIGHUP);  // stays blocked: a renewal that comes now is nothing to end for
    const timespec limit{static_cast<time_t>(drain_.count()), 0};
    signal = sigtimedwait(&set_, nullptr, &limit);
    if (signal == end_of_watch) return;
    if (signal < 0) {
      spdlog::warn("not drained in time; ending all the same");
      _exit(0);
    }
    _exit(128 + signal);
  }

  void reload() {
    const std::lock_guard lock(mutex_);
    if (app_ != nullptr) app_->reload_certificate();
  }

  void drain(int signal) {
    const std::lock_guard lock(mutex_);
    if (app_ == nullptr) _exit(128 + signal);
    spdlog::info("{}: draining for at most {} s", strsignal(signal), drain_.count());
    const std::chrono::milliseconds whole(drain_);
    // The rest is for what comes after the sockets: finishing writes and closing the database.
    app_->drain(whole - std::min(whole / 4, std::chrono::milliseconds(500)));
  }

  const std::chrono::seconds drain_;
  sigset_t set_{};
  std::mutex mutex_;
  App* app_ = nullptr;  // under mutex_
  std::thread thread_;
};

/// Lets signals drain an app for as long as there is one.
struct Watched {
  Watched(Signals& signals_in, App& app) : signals(signals_in) { signals.watch_over(&app); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() { signals.watch_over(nullptr); }

  Signals& signals;
};

std::string address_text(const std::string& host, std::uint16_t port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

void serve(const Config& config) {
  Signals signals(config.drain);
  App app(config);
  const auto address = address_text(config.host, app.listen());
  const Watched watched{signals, app};
  const char* const s = config.tls_certificate.empty() ? "" : "s";
  std::printf("listening on http%s://%s ws%s://%s/ws\n", s, address.c_str(), s, address.c_str());
  std::fflush(stdout);
  app.run();
  spdlog::info("drained");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (order_server::is_outbox_command(arguments)) {
      return order_server::run_outbox_command(arguments, stdout, stderr);
    }
    auto parsed = order_server::parse_config(arguments);
    if (const auto* end = std::get_if<order_server::ConfigExit>(&parsed)) {
      std::fputs(end->out.c_str(), stdout);
      if (!end->error.empty()) {
        std::fprintf(stderr, "order_server: %s (--help lists all options)\n", end->error.c_str());
      }
      return end->code;
    }
    const auto& config = std::get<Config>(parsed);
    spdlog::set_default_logger(spdlog::stderr_logger_mt("order_server"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    spdlog::set_level(spdlog::level::from_str(config.log_level));
    for (const auto& notice : config.notices) spdlog::warn(notice);
    // A client that hangs up, or a closed stdout, is no reason to die.
    ::signal(SIGPIPE, SIG_IGN);
    serve(config);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "order_server: %s\n", error.what());
    return 1;
  }
}
