// SPDX-License-Identifier: MIT
#include "metrics.hpp"

#include <catch2/catch.hpp>

using namespace order_server;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the observer's counts come out under the contract's names", "[metrics]") {
  Metrics metrics;
  MetricsObserver one(metrics);
  MetricsObserver two(metrics);
  one.on_connected();
  two.on_connected();
  two.on_connected();
  two.on_disconnected();
  one.on_subscribed();
  two.on_subscribed();
  two.on_subscribed();
  two.on_unsubscribed(2);
  one.on_delivered(ordercast::MessageType::order_updated, 5);
  two.on_delivered(ordercast::MessageType::orders_changed, 7);
  one.on_conflated(3);
  one.on_dropped(4);
  one.on_error(ordercast::ErrorCode::rate_limited);
  const auto text =
      render_metrics(metrics, {OutboxStats{6, 1500}, PushStats{5, 2500, 1}, {{"writer", 8}}, 4096});
  for (const auto* line :
       {"ordercast_connections 2", "ordercast_subscriptions 1",
        "ordercast_deliveries_total{type=\"order:updated\"} 5",
        "ordercast_deliveries_total{type=\"orders:changed\"} 7", "ordercast_conflated_total 3",
        "ordercast_dropped_total 4", "ordercast_errors_total{code=\"rate_limited\"} 1",
        "ordercast_errors_total{code=\"bad_message\"} 0", "ordercast_outbox_depth 6",
        "ordercast_outbox_age_seconds 1.5", "ordercast_push_depth 5",
        "ordercast_push_age_seconds 2.5", "ordercast_push_dead 1",
        "ordercast_pushes_total{result=\"sent\"} 0",
        "ordercast_worker_queue_depth{pool=\"writer\"} 8", "ordercast_wal_bytes 4096",
        "# TYPE ordercast_connections gauge", "# TYPE ordercast_deliveries_total counter",
        "# TYPE ordercast_commit_to_send_seconds histogram"}) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
}

TEST_CASE("the histogram's buckets are cumulative and end with all", "[metrics]") {
  Metrics metrics;
  for (const int ms : {0, 1, 2, 3, 1000, 60'000, -5}) {
    metrics.commit_to_send.observe(std::chrono::milliseconds(ms));
  }
  const auto text = render_metrics(metrics, {});
  CHECK(has_line(text, "ordercast_commit_to_send_seconds_bucket{le=\"0.001\"} 3"));
  CHECK(has_line(text, "ordercast_commit_to_send_seconds_bucket{le=\"0.0025\"} 4"));
  CHECK(has_line(text, "ordercast_commit_to_send_seconds_bucket{le=\"0.005\"} 5"));
  CHECK(has_line(text, "ordercast_commit_to_send_seconds_bucket{le=\"1\"} 6"));
  CHECK(has_line(text, "ordercast_commit_to_send_seconds_bucket{le=\"+Inf\"} 7"));
  CHECK(has_line(text, "ordercast_commit_to_send_seconds_count 7"));
  CHECK(has_line(text, "ordercast_commit_to_send_seconds_sum 61.006"));
}

TEST_CASE("a metric that is declared is rendered, with no further line", "[metrics]") {
  Metrics metrics;
  Tally later{metrics.families, MetricKind::gauge, "ordercast_later", "Declared here"};
  later.set(3);
  const auto text = render_metrics(metrics, {});
  CHECK(has_line(text, "# HELP ordercast_later Declared here"));
  CHECK(has_line(text, "ordercast_later 3"));
}

TEST_CASE("an outbox that could not be read is left out, not reported empty", "[metrics]") {
  CHECK(render_metrics(Metrics{}, {}).find("ordercast_outbox_") == std::string::npos);
}

TEST_CASE("the process' own figures are there", "[metrics]") {
  const auto text = render_metrics(Metrics{}, {});
  for (const auto* name : {"process_resident_memory_bytes", "process_cpu_seconds_total",
                           "process_open_fds", "process_max_fds", "process_start_time_seconds"}) {
    CAPTURE(name);
    CHECK(text.find(std::string("# TYPE ") + name) != std::string::npos);
  }
}
