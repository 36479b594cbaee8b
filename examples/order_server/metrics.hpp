// SPDX-License-Identifier: MIT
#pragma once

#include "store/push_store.hpp"
#include "store/refund_store.hpp"
#include "store/store.hpp"
#include "workers/watchdog.hpp"
#include <ordercast/error.hpp>
#include <ordercast/services.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The server's metrics, and their text for Prometheus.
namespace order_server {

/// A number that any thread may change: one relaxed atomic. Numbers are not ordered among each
/// other.
class Tally {
 public:
  void add(std::int64_t amount = 1) noexcept {
    value_.fetch_add(amount, std::memory_order_relaxed);
  }
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Upper bounds of a histogram's buckets in seconds; the last bucket, above them, is implied.
inline constexpr std::array<double, 13> duration_bounds{
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

/// A histogram of durations; an observation changes two relaxed atomics.
class DurationHistogram {
 public:
  void observe(std::chrono::milliseconds duration) noexcept;

  /// Observations in this bucket only; `duration_bounds.size()` is the last bucket.
  [[nodiscard]] std::int64_t count(std::size_t bucket) const noexcept {
    return counts_[bucket].value();
  }
  [[nodiscard]] double sum_seconds() const noexcept {
    return static_cast<double>(sum_ms_.value()) / 1000.0;
  }

 private:
  std::array<Tally, duration_bounds.size() + 1> counts_;
  Tally sum_ms_;
};

/// All counters and gauges. Any thread.
struct Metrics {
  Tally connections;    ///< Gauge: authenticated WebSockets.
  Tally subscriptions;  ///< Gauge.
  std::array<Tally, ordercast::message_type_count> deliveries;  ///< By MessageType.
  Tally conflated;  ///< Replaced by a newer one before it was sent.
  Tally dropped;    ///< Never sent.
  std::array<Tally, ordercast::error_code_count> errors;  ///< By ErrorCode.
  Tally refused;  ///< Closed before they counted as connected.
  Tally closed_by_server;
  DurationHistogram commit_to_send;
  Tally broadcasts;                     ///< Outbox entries published.
  Tally dispatcher_failures;            ///< Times the dispatcher had to try the database again.
  Tally dispatcher_stalls;              ///< Batches that the I/O threads did not handle in time.
  Tally lookups;                        ///< Orders looked up for subscriptions,
  Tally lookup_reads;                   ///< and how often the database was read for them.
  Tally lookup_failures;                ///< Authorizations or snapshots that the database failed.
  std::array<Tally, 6> http_responses;  ///< By first digit of the status.
  Tally pushes_sent;
  Tally pushes_skipped;   ///< The owner was looking.
  Tally pushes_given_up;  ///< Dead letters.
  Tally push_retries;     ///< Failed attempts that will be repeated.
  Tally push_devices_removed;
  Tally push_devices_taken_over;  ///< Registered by a different user than before.
  Tally push_database_failures;
  Tally payment_events;          ///< Webhooks that changed an order.
  Tally payment_events_refused;  ///< Webhooks that are signed but can't be right.
  Tally backplane_changes;       ///< Changes that other nodes published.
  Tally backplane_failures;      ///< Publishes that the stream did not acknowledge.
  Tally behind;                  ///< Gauge: 1 while changes of other nodes may be missing.
  Tally fell_behind;             ///< Times that changes may have been missed.
  Tally resyncs;                 ///< Comparisons with the store after such a time,
  Tally resync_compared;         ///< orders compared, by these and by the timer,
  Tally resync_newer;            ///< orders that had to be sent,
  Tally resync_failures;         ///< and steps that failed and were repeated.
  Tally refunds_requested;
  Tally refunds_done;
  Tally refunds_failed;  ///< Dead letters.
  Tally refund_retries;  ///< Attempts that failed and will be made again.
};

/// Figures that are read when /metrics is rendered.
struct MetricsExtras {
  std::optional<OutboxStats> outbox;  ///< nullopt if the database did not answer.
  std::optional<PushStats> pushes;    ///< The same.
  std::vector<std::pair<std::string, std::size_t>> queues;  ///< Waiting tasks of each worker pool.
  std::optional<std::int64_t> log_bytes{};                  ///< Of the write-ahead log.
  std::vector<Watchdog::PartState> parts{};
  std::optional<RefundStats> refunds{};  ///< Empty when the database did not answer.
};

/// Prometheus' text format 0.0.4, process figures included. Reads /proc: not on an I/O thread.
[[nodiscard]] std::string render_metrics(const Metrics& metrics, const MetricsExtras& extras);

/// The observer of every connection manager. All of them add to one `Metrics`, which must outlive
/// them.
class MetricsObserver : public ordercast::NullObserver {
 public:
  MetricsObserver() = default;
  explicit MetricsObserver(Metrics& metrics) noexcept : metrics_(&metrics) {}

  void on_connected() noexcept { metrics_->connections.add(); }
  void on_disconnected() noexcept { metrics_->connections.add(-1); }
  void on_refused(ordercast::CloseCode /*code*/, std::string_view /*detail*/) noexcept {
    metrics_->refused.add();
  }
  void on_subscribed() noexcept { metrics_->subscriptions.add(); }
  void on_unsubscribed(std::size_t count) noexcept {
    metrics_->subscriptions.add(-static_cast<std::int64_t>(count));
  }
  void on_delivered(ordercast::MessageType type, std::size_t count) noexcept {
    metrics_->deliveries[static_cast<std::size_t>(type)].add(static_cast<std::int64_t>(count));
  }
  void on_conflated(std::size_t count) noexcept {
    metrics_->conflated.add(static_cast<std::int64_t>(count));
  }
  void on_dropped(std::size_t count) noexcept {
    metrics_->dropped.add(static_cast<std::int64_t>(count));
  }
  void on_error(ordercast::ErrorCode code) noexcept {
    metrics_->errors[static_cast<std::size_t>(code)].add();
  }
  void on_closed_by_server(ordercast::CloseCode /*code*/) noexcept {
    metrics_->closed_by_server.add();
  }

 private:
  Metrics* metrics_ = nullptr;
};

}  // namespace order_server
