// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/envelope.hpp"
#include "api/json_body.hpp"
#include "domain/printable.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace order_server {
namespace {

using ordercast::HttpResponse;

constexpr std::size_t max_close_reason_bytes = 123;  // RFC 6455 section 5.5

/// The process answers; says nothing about what it needs.
HttpResponse healthz(const ApiRequest& /*request*/, ApiContext& /*context*/) {
  return success({{"status", "ok"}});
}

/// May new work be sent here: not while draining, and not without a database.
HttpResponse readyz(const ApiRequest& /*request*/, ApiContext& context) {
  if (context.draining) {
    return retry_later(503, "The server is restarting", std::chrono::seconds(1));
  }
  context.store.check();  // a StoreError answers 503
  return success({{"status", "ready"}});
}

HttpResponse metrics(const ApiRequest& /*request*/, ApiContext& context) {
  MetricsExtras extras;
  extras.queues = context.queue_depths();
  extras.log_bytes = context.store.log_bytes();
  try {
    extras.outbox = context.store.outbox_stats(context.now_ms());
    extras.pushes = context.push_stats();
  } catch (const StoreError& error) {
    // The other figures are wanted most when the database is in trouble.
    spdlog::error("metrics: {}", printable(error.what()));
  }
  return {200,
          {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          render_metrics(context.metrics, extras)};
}

/// For a user whose access was taken away: open WebSockets would live on with their old token.
HttpResponse disconnect_user(const ApiRequest& request, ApiContext& context) {
  std::string reason;
  if (!request.http.body.empty()) {
    JsonBody body(request.http);
    reason = body.optional_text("reason", max_close_reason_bytes);
    if (auto refusal = body.refusal()) return std::move(*refusal);
  }
  if (reason.empty()) reason = "Disconnected by an administrator";
  const auto& user_id = request.parameters.at(0);
  const auto closed = context.disconnect_user(user_id, std::move(reason));
  if (!closed) return retry_later(503, "The server is restarting", std::chrono::seconds(1));
  return success({{"userId", user_id}, {"disconnected", *closed}});
}

}  // namespace

Routes admin_routes() {
  return {{"POST", "/api/v1/admin/users/:id/disconnect", Access::super_admin, Lane::reader,
           &disconnect_user}};
}

Routes ops_routes() {
  return {{"GET", "/healthz", Access::open, Lane::io, &healthz, true},
          {"GET", "/readyz", Access::open, Lane::ops, &readyz, true},
          {"GET", "/metrics", Access::open, Lane::ops, &metrics, true}};
}

}  // namespace order_server
