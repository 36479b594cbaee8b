// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/envelope.hpp"
#include "api/json_body.hpp"
#include "domain/printable.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace order_server {
namespace {

using ordercast::HttpResponse;

constexpr std::size_t max_close_reason_bytes = 123;  // RFC 6455 section 5.5

/// Says whether the I/O threads respond. Doesn't check what the process depends on.
HttpResponse healthz(const ApiRequest& /*request*/, ApiContext& context) {
  if (context.io_turns && !context.io_turns()) {
    return retry_later(503, "An I/O thread is stalled", std::chrono::seconds(1));
  }
  nlohmann::ordered_json data{{"status", "ok"}};
  // A page may offer the demo's accounts.
  if (context.payments.mode == PaymentMode::test) data["demo"] = true;
  auto response = success(std::move(data));
  if (!context.node.empty()) response.headers.push_back({"X-Node", context.node});
  return response;
}

/// Says whether new work may be sent here: not while the server drains, the database does not
/// answer, or a part of the server is stalled. Needs no queue, so it answers under any load.
HttpResponse readyz(const ApiRequest& /*request*/, ApiContext& context) {
  if (context.draining) {
    return retry_later(503, "The server is restarting", std::chrono::seconds(1));
  }
  if (context.not_ready) {
    if (const auto reason = context.not_ready()) {
      return retry_later(503, *reason, std::chrono::seconds(1));
    }
  } else {
    context.store.check();  // a StoreError answers 503
  }
  // No reason to send work elsewhere: the node compares with the database and catches up, and when
  // NATS is away all nodes are behind.
  if (context.behind) {
    if (const auto reason = context.behind()) {
      return success({{"status", "ready"}, {"behind", *reason}});
    }
  }
  return success({{"status", "ready"}});
}

void metrics(ApiContext& context, std::function<void(HttpResponse)> answer) {
  if (context.shared_metrics) return context.shared_metrics(std::move(answer));
  answer(metrics_page(context));
}

/// Closes the WebSockets of a user whose access was revoked: an open one would live on with its old
/// token.
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

HttpResponse metrics_page(ApiContext& context) {
  MetricsExtras extras;
  extras.queues = context.queue_depths();
  extras.log_bytes = context.store.log_bytes();
  if (context.parts) extras.parts = context.parts();
  try {
    extras.outbox = context.store.outbox_stats(context.now_ms());
    extras.pushes = context.push_stats();
    extras.refunds = context.refunds.refund_stats(context.now_ms());
  } catch (const StoreError& error) {
    // The other metrics matter most when the database is in trouble.
    spdlog::error("metrics: {}", printable(error.what()));
  }
  return {200,
          {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          render_metrics(context.metrics, extras)};
}

Routes ops_routes() {
  return {{"GET", "/healthz", Access::open, Lane::io, &healthz, true},
          {"GET", "/health", Access::open, Lane::io, &healthz, true},
          {"GET", "/readyz", Access::open, Lane::io, &readyz, true},
          {"GET", "/metrics", Access::open, Lane::ops, nullptr, true, &metrics}};
}

}  // namespace order_server
