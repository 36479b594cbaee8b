// SPDX-License-Identifier: MIT
#include "app.hpp"

#include "app_components.hpp"
#include "start_checks.hpp"
#include <ordercast/net/descriptor_limit.hpp>

#include <spdlog/spdlog.h>

#include <exception>
#include <thread>

namespace order_server {
namespace {

/// The usual hard limit of a process; this system's may be lower.
constexpr std::size_t wanted_descriptors = 1'048'576;

}  // namespace

App::App(const Config& config) {
  // Every connection needs a descriptor, and the usual soft limit is 1,024.
  ordercast::net::raise_descriptor_limit(wanted_descriptors);
  check_start(config);
  components_ = std::make_unique<Components>(config);
  require_descriptors(open_descriptors());
}

App::~App() = default;

std::uint16_t App::listen() {
  if (components_->ops_server) components_->ops_server->listen();
  return components_->server->listen();
}

void App::run() {
  auto& parts = *components_;
  std::thread ops_thread;
  if (parts.ops_server) ops_thread = std::thread([&parts] { parts.ops_server->run(); });
  if (parts.cluster) parts.cluster->start();
  parts.dispatcher.start();
  parts.push.start();
  parts.refunds.start();
  static_cast<void>(parts.memory.submit([&parts] { parts.watch_memory(); }));
  static_cast<void>(parts.health.submit([&parts] { parts.check_store(); }));
  static_cast<void>(parts.health.submit([&parts] { parts.watch_accounts(); }));
  static_cast<void>(parts.watch.submit([&parts] { parts.look_at_parts(); }));
  parts.service_manager.ready();
  parts.server->run();
  parts.watch.stop();  // the I/O threads have ended, so they must not count as stalled
  if (parts.cluster) parts.cluster->rest();

  // Every connection has closed. Finish the requests that were accepted. The next start publishes
  // changes that are committed but not yet marked as broadcast.
  for (auto* pool : {&parts.readers, &parts.writer, &parts.logins, &parts.payments, &parts.webhooks,
                     &parts.lookups}) {
    pool->stop();
  }
  parts.refunds.stop();
  parts.dispatcher.stop();
  parts.push.stop();
  if (parts.cluster) parts.cluster->stop();
  if (parts.ops_server) {
    parts.ops_server->stop();
    ops_thread.join();
  }
  parts.ops.stop();
  parts.memory.stop();
  parts.health.stop();
}

void App::reload_certificate() {
  if (!components_->tls) {
    spdlog::info("SIGHUP: no certificate to reload");
    return;
  }
  // The files may be on a disk that hangs, and the caller's thread must be free to drain.
  const bool queued = components_->memory.submit([tls = components_->tls] {
    try {
      tls->reload();
      spdlog::info("certificate reloaded");
    } catch (const std::exception& error) {
      spdlog::error("certificate not reloaded, the old one stays in use: {}", error.what());
    }
  });
  if (!queued) spdlog::error("certificate not reloaded: an earlier reload is still running");
}

void App::drain(std::chrono::milliseconds window) {
  components_->service_manager.stopping();
  components_->context.draining = true;
  components_->server->drain(window);
}

}  // namespace order_server
