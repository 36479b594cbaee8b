// SPDX-License-Identifier: MIT
#pragma once

#include "metric_families.hpp"
#include "process/log_quota.hpp"
#include "store/push_store.hpp"
#include "store/refund_store.hpp"
#include "store/store.hpp"
#include "workers/watchdog.hpp"
#include <ordercast/error.hpp>
#include <ordercast/services.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The server's metrics, and their text for Prometheus.
namespace order_server {

/// The codes with which the server closes WebSockets.
inline constexpr std::array close_codes{ordercast::CloseCode::normal,
                                        ordercast::CloseCode::going_away,
                                        ordercast::CloseCode::protocol_error,
                                        ordercast::CloseCode::unsupported_data,
                                        ordercast::CloseCode::invalid_payload,
                                        ordercast::CloseCode::policy_violation,
                                        ordercast::CloseCode::message_too_big,
                                        ordercast::CloseCode::internal_error,
                                        ordercast::CloseCode::service_restart,
                                        ordercast::CloseCode::unauthorized,
                                        ordercast::CloseCode::too_many_connections,
                                        ordercast::CloseCode::too_slow};

/// Where a code stands in `close_codes`; behind all of them if it is none of these.
[[nodiscard]] constexpr std::size_t index_of_close(ordercast::CloseCode code) noexcept {
  std::size_t index = 0;
  while (index < close_codes.size() && close_codes[index] != code) ++index;
  return index;
}

/// For the end of a log line of which `LogQuota` has held others back; "" if it has not.
[[nodiscard]] std::string more_like_it(std::int64_t held_back);

/// All counters and gauges. Any thread. A new one is a member here; /metrics shows it.
struct Metrics {
  using Kind = MetricKind;

  MetricFamilies families;  // First: the others are declared in it.

  Tally connections{families, Kind::gauge, "ordercast_connections",
                    "Authenticated WebSocket connections"};
  Tally subscriptions{families, Kind::gauge, "ordercast_subscriptions", "Order subscriptions"};
  TallyArray<ordercast::message_type_count> deliveries{
      families.add(Kind::counter, "ordercast_deliveries_total", "Messages handed to connections"),
      "type", &name_of_message};
  Tally conflated{families, Kind::counter, "ordercast_conflated_total",
                  "Waiting messages replaced by a newer one"};
  Tally dropped{families, Kind::counter, "ordercast_dropped_total",
                "Messages that were never sent"};
  TallyArray<ordercast::error_code_count> errors{
      families.add(Kind::counter, "ordercast_errors_total", "Error messages to clients"), "code",
      &name_of_error};
  Tally refused{families, Kind::counter, "ordercast_refused_total",
                "WebSockets closed before they were connected"};
  TallyArray<close_codes.size() + 1> closed_by_server{
      families.add(Kind::counter, "ordercast_closed_by_server_total",
                   "WebSockets that the server closed"),
      "code", &name_of_close};
  std::array<LogQuota, close_codes.size() + 1> close_lines{};  ///< By the same index.
  DurationHistogram commit_to_send{families, "ordercast_commit_to_send_seconds",
                                   "From a change's time stamp, taken before its commit, to its "
                                   "delivery to the last connection"};
  Tally broadcasts{families, Kind::counter, "ordercast_broadcasts_total",
                   "Committed changes broadcast"};
  Tally dispatcher_failures{families, Kind::counter, "ordercast_dispatcher_failures_total",
                            "Times the dispatcher retried the database"};
  Tally dispatcher_stalls{families, Kind::counter, "ordercast_dispatcher_stalls_total",
                          "Batches of changes that the I/O threads did not handle in time"};
  Tally lookups{families, Kind::counter, "ordercast_lookups_total",
                "Orders looked up for subscriptions"};
  Tally lookup_reads{families, Kind::counter, "ordercast_lookup_reads_total",
                     "Times the database was read for such look-ups"};
  Tally lookup_failures{families, Kind::counter, "ordercast_lookup_failures_total",
                        "Look-ups for a subscription that the database failed"};

  Tally behind{families, Kind::gauge, "ordercast_node_behind",
               "1 while changes of other nodes may be missing"};
  Tally fell_behind{families, Kind::counter, "ordercast_node_fell_behind_total",
                    "Times that changes of other nodes may have been missed"};
  Tally backplane_changes{families, Kind::counter, "ordercast_backplane_changes_total",
                          "Changes that other nodes published"};
  Tally backplane_failures{families, Kind::counter, "ordercast_backplane_failures_total",
                           "Publishes to other nodes that were not acknowledged"};
  Tally resyncs{families, Kind::counter, "ordercast_resyncs_total",
                "Comparisons with the database after changes may have been missed"};
  Tally resync_compared{families, Kind::counter, "ordercast_resync_orders_total",
                        "Orders compared with the database"};  ///< By these and by the timer.
  Tally resync_newer{families, Kind::counter, "ordercast_resync_newer_total",
                     "Orders that the database had newer"};
  Tally resync_failures{families, Kind::counter, "ordercast_resync_failures_total",
                        "Steps of a comparison that failed"};

  MetricFamily& pushes = families.add(Kind::counter, "ordercast_pushes_total", "Pushes by result");
  Tally pushes_sent{pushes, {"result", "sent"}};
  Tally pushes_skipped{pushes, {"result", "skipped"}};    ///< The owner was looking.
  Tally pushes_given_up{pushes, {"result", "given_up"}};  ///< Dead letters.
  Tally push_devices_removed{pushes, {"result", "no_device"}};
  Tally push_devices_taken_over{families, Kind::counter, "ordercast_push_devices_taken_over_total",
                                "Devices registered by a different user than before"};
  Tally push_retries{families, Kind::counter, "ordercast_push_retries_total",
                     "Failed push attempts that will be repeated"};
  Tally push_database_failures{families, Kind::counter, "ordercast_push_database_failures_total",
                               "Times the push worker retried the database"};

  Tally payment_events{families, Kind::counter, "ordercast_payment_events_total",
                       "Payment webhooks that changed an order"};
  Tally payment_events_refused{
      families, Kind::counter, "ordercast_payment_events_refused_total",
      "Payment webhooks that do not match the order's sum, currency or state"};

  MetricFamily& refunds =
      families.add(Kind::counter, "ordercast_refunds_total", "Refunds by what became of them");
  Tally refunds_requested{refunds, {"result", "requested"}};
  Tally refunds_done{refunds, {"result", "done"}};
  Tally refunds_failed{refunds, {"result", "failed"}};  ///< Dead letters.
  Tally refund_retries{families, Kind::counter, "ordercast_refund_retries_total",
                       "Attempts to refund that will be made again"};

  /// By first digit of the status.
  TallyArray<6> http_responses{
      families.add(Kind::counter, "ordercast_http_responses_total", "HTTP answers of the API"),
      "code", &name_of_status_class};

  MetricFamily& logins =
      families.add(Kind::counter, "ordercast_logins_total", "Logins by what became of them");
  Tally logins_good{logins, {"result", "good"}};
  Tally logins_failed{logins, {"result", "failed"}};
  Tally logins_locked{logins, {"result", "locked"}};  ///< Refused while the account was locked.
  LogQuota failed_login_lines;
  LogQuota lock_lines;

  /// The time from a request's arrival to its answer, one histogram for each route; the same for
  /// the same names. Only before the first request.
  [[nodiscard]] DurationHistogram& request_seconds(const std::string& method,
                                                   const std::string& route);

 private:
  MetricFamily& request_family_ =
      families.add(Kind::histogram, "ordercast_http_request_seconds",
                   "From the arrival of a request to its answer, by route");
  std::map<std::pair<std::string, std::string>, DurationHistogram> request_times_;

  static std::string name_of_close(std::size_t index);
  static std::string name_of_message(std::size_t type);
  static std::string name_of_error(std::size_t code);
  static std::string name_of_status_class(std::size_t first_digit);
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
  /// Logs the first closes of misbehaving and of slow clients in each minute.
  void on_closed_by_server(ordercast::CloseCode code) noexcept;

 private:
  Metrics* metrics_ = nullptr;
};

}  // namespace order_server
