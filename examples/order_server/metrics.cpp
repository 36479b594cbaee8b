// SPDX-License-Identifier: MIT
#include "metrics.hpp"

#include "process/log_sink.hpp"

#include <dirent.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace order_server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// Collects metric families, one after another.
class Families {
 public:
  void start(std::string name, std::string help, MetricType type) {
    families_.push_back({std::move(name), std::move(help), type, {}});
  }

  void sample(double value, std::vector<ClientMetric::Label> labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    auto& family = families_.back();
    if (family.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family.metric.push_back(std::move(metric));
  }

  void counter(std::string name, std::string help, double value) {
    start(std::move(name), std::move(help), MetricType::Counter);
    sample(value);
  }
  void gauge(std::string name, std::string help, double value) {
    start(std::move(name), std::move(help), MetricType::Gauge);
    sample(value);
  }

  void histogram(std::string name, std::string help, const DurationHistogram& source) {
    start(std::move(name), std::move(help), MetricType::Histogram);
    ClientMetric metric;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < duration_bounds.size(); ++i) {
      cumulative += static_cast<std::uint64_t>(source.count(i));
      metric.histogram.bucket.push_back({cumulative, duration_bounds[i]});
    }
    cumulative += static_cast<std::uint64_t>(source.count(duration_bounds.size()));
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = source.sum_seconds();
    families_.back().metric.push_back(std::move(metric));
  }

  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<MetricFamily> families_;
};

double as_double(const Tally& tally) {
  return static_cast<double>(tally.value());
}

/// Returns the fields of /proc/self/stat from the third on: the second, in brackets, may contain
/// spaces.
std::vector<std::string> process_stat() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return {};
  std::istringstream fields(text.substr(end_of_name + 1));
  return {std::istream_iterator<std::string>(fields), {}};
}

/// Returns when the machine started, in seconds since the epoch.
double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("btime ", 0) == 0) return std::stod(line.substr(6));
  }
  return 0;
}

int open_descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int count = -3;  // ".", ".." and the directory's own
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return std::max(count, 0);
}

void add_process(Families& families) {
  // proc(5): utime 14, stime 15, num_threads 20, starttime 22, rss 24; the first two are gone.
  const auto stat = process_stat();
  if (stat.size() > 21) {
    const auto field = [&](std::size_t number) { return std::stod(stat[number - 3]); };
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    families.counter("process_cpu_seconds_total", "User and system CPU time in seconds",
                     (field(14) + field(15)) / ticks);
    families.gauge("process_resident_memory_bytes", "Resident memory in bytes", field(24) * page);
    families.gauge("process_threads", "Threads", field(20));
    families.gauge("process_start_time_seconds", "Start in seconds since the epoch",
                   boot_time() + field(22) / ticks);
  }
  families.gauge("process_open_fds", "Open file descriptors", open_descriptors());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.gauge("process_max_fds", "Limit on open file descriptors",
                   static_cast<double>(limit.rlim_cur));
  }
}

void add_pushes(Families& families, const Metrics& metrics, const std::optional<PushStats>& stats) {
  families.start("ordercast_pushes_total", "Pushes by result", MetricType::Counter);
  families.sample(as_double(metrics.pushes_sent), {{"result", "sent"}});
  families.sample(as_double(metrics.pushes_skipped), {{"result", "skipped"}});
  families.sample(as_double(metrics.pushes_given_up), {{"result", "given_up"}});
  families.sample(as_double(metrics.push_devices_removed), {{"result", "no_device"}});
  families.counter("ordercast_push_devices_taken_over_total",
                   "Devices registered by a different user than before",
                   as_double(metrics.push_devices_taken_over));
  families.counter("ordercast_push_retries_total", "Failed push attempts that will be repeated",
                   as_double(metrics.push_retries));
  families.counter("ordercast_push_database_failures_total",
                   "Times the push worker retried the database",
                   as_double(metrics.push_database_failures));
  families.counter("ordercast_payment_events_total", "Payment webhooks that changed an order",
                   as_double(metrics.payment_events));
  families.counter("ordercast_payment_events_refused_total",
                   "Payment webhooks that do not match the order's sum, currency or state",
                   as_double(metrics.payment_events_refused));
  if (!stats) return;
  families.gauge("ordercast_push_depth", "Pushes not yet sent",
                 static_cast<double>(stats->waiting));
  families.gauge("ordercast_push_age_seconds", "Age of the oldest change not yet pushed",
                 static_cast<double>(stats->oldest_age_ms) / 1000.0);
  families.gauge("ordercast_push_dead", "Pushes that the server gave up on",
                 static_cast<double>(stats->dead));
}

void add_cluster(Families& families, const Metrics& metrics) {
  families.gauge("ordercast_node_behind", "1 while changes of other nodes may be missing",
                 as_double(metrics.behind));
  families.counter("ordercast_node_fell_behind_total",
                   "Times that changes of other nodes may have been missed",
                   as_double(metrics.fell_behind));
  families.counter("ordercast_backplane_changes_total", "Changes that other nodes published",
                   as_double(metrics.backplane_changes));
  families.counter("ordercast_backplane_failures_total",
                   "Publishes to other nodes that were not acknowledged",
                   as_double(metrics.backplane_failures));
  families.counter("ordercast_resyncs_total",
                   "Comparisons with the database after changes may have been missed",
                   as_double(metrics.resyncs));
  families.counter("ordercast_resync_orders_total", "Orders compared with the database",
                   as_double(metrics.resync_compared));
  families.counter("ordercast_resync_newer_total", "Orders that the database had newer",
                   as_double(metrics.resync_newer));
  families.counter("ordercast_resync_failures_total", "Steps of a comparison that failed",
                   as_double(metrics.resync_failures));
}

void add_refunds(Families& families, const Metrics& metrics,
                 const std::optional<RefundStats>& stats) {
  families.start("ordercast_refunds_total", "Refunds by what became of them", MetricType::Counter);
  families.sample(as_double(metrics.refunds_requested), {{"result", "requested"}});
  families.sample(as_double(metrics.refunds_done), {{"result", "done"}});
  families.sample(as_double(metrics.refunds_failed), {{"result", "failed"}});
  families.counter("ordercast_refund_retries_total", "Attempts to refund that will be made again",
                   as_double(metrics.refund_retries));
  if (!stats) return;
  families.gauge("ordercast_refund_depth", "Refunds due or requested",
                 static_cast<double>(stats->waiting));
  families.gauge("ordercast_refund_age_seconds", "Age of the oldest refund due or requested",
                 static_cast<double>(stats->oldest_age_ms) / 1000.0);
  families.gauge("ordercast_refund_dead", "Refunds that failed", static_cast<double>(stats->dead));
}

void add_parts(Families& families, const std::vector<Watchdog::PartState>& parts) {
  if (parts.empty()) return;
  families.start("ordercast_part_still_seconds",
                 "How long a part of the server has made no progress", MetricType::Gauge);
  for (const auto& part : parts) {
    families.sample(static_cast<double>(part.still_for.count()) / 1000.0, {{"part", part.name}});
  }
  families.start("ordercast_part_stalled", "1 while a part of the server is stalled",
                 MetricType::Gauge);
  for (const auto& part : parts) families.sample(part.stalled ? 1 : 0, {{"part", part.name}});
  families.start("ordercast_part_stalls_total", "Times that a part of the server has stalled",
                 MetricType::Counter);
  for (const auto& part : parts) {
    families.sample(static_cast<double>(part.stalls), {{"part", part.name}});
  }
}

}  // namespace

void DurationHistogram::observe(std::chrono::milliseconds duration) noexcept {
  const auto ms = std::max<std::chrono::milliseconds::rep>(duration.count(), 0);
  const double seconds = static_cast<double>(ms) / 1000.0;
  std::size_t bucket = 0;
  while (bucket < duration_bounds.size() && seconds > duration_bounds[bucket]) ++bucket;
  counts_[bucket].add();
  sum_ms_.add(ms);
}

std::string render_metrics(const Metrics& metrics, const MetricsExtras& extras) {
  Families families;
  families.gauge("ordercast_connections", "Authenticated WebSocket connections",
                 as_double(metrics.connections));
  families.gauge("ordercast_subscriptions", "Order subscriptions",
                 as_double(metrics.subscriptions));

  families.start("ordercast_deliveries_total", "Messages handed to connections",
                 MetricType::Counter);
  families.sample(as_double(metrics.deliveries[0]), {{"type", "order:updated"}});
  families.sample(as_double(metrics.deliveries[1]), {{"type", "orders:changed"}});
  families.sample(as_double(metrics.deliveries[2]), {{"type", "application"}});

  families.counter("ordercast_conflated_total", "Waiting messages replaced by a newer one",
                   as_double(metrics.conflated));
  families.counter("ordercast_dropped_total", "Messages that were never sent",
                   as_double(metrics.dropped));

  families.start("ordercast_errors_total", "Error messages to clients", MetricType::Counter);
  for (std::size_t i = 0; i < ordercast::error_code_count; ++i) {
    const auto code = ordercast::to_string(static_cast<ordercast::ErrorCode>(i));
    families.sample(as_double(metrics.errors[i]), {{"code", std::string(code)}});
  }

  families.counter("ordercast_refused_total", "WebSockets closed before they were connected",
                   as_double(metrics.refused));
  families.counter("ordercast_closed_by_server_total", "WebSockets that the server closed",
                   as_double(metrics.closed_by_server));
  families.histogram(
      "ordercast_commit_to_send_seconds",
      "From a change's time stamp, taken before its commit, to its delivery to the last connection",
      metrics.commit_to_send);
  families.counter("ordercast_broadcasts_total", "Committed changes broadcast",
                   as_double(metrics.broadcasts));
  families.counter("ordercast_dispatcher_failures_total",
                   "Times the dispatcher retried the database",
                   as_double(metrics.dispatcher_failures));
  families.counter("ordercast_dispatcher_stalls_total",
                   "Batches of changes that the I/O threads did not handle in time",
                   as_double(metrics.dispatcher_stalls));
  families.counter("ordercast_lookups_total", "Orders looked up for subscriptions",
                   as_double(metrics.lookups));
  families.counter("ordercast_lookup_reads_total", "Times the database was read for such look-ups",
                   as_double(metrics.lookup_reads));
  families.counter("ordercast_lookup_failures_total",
                   "Look-ups for a subscription that the database failed",
                   as_double(metrics.lookup_failures));
  if (extras.outbox) {
    families.gauge("ordercast_outbox_depth", "Committed changes not yet broadcast",
                   static_cast<double>(extras.outbox->depth));
    families.gauge("ordercast_outbox_age_seconds", "Age of the oldest change not yet broadcast",
                   static_cast<double>(extras.outbox->oldest_age_ms) / 1000.0);
    families.gauge("ordercast_outbox_dead", "Changes whose broadcast the server gave up on",
                   static_cast<double>(extras.outbox->dead));
  }
  if (extras.log_bytes) {
    families.gauge("ordercast_wal_bytes", "Bytes of the database's write-ahead log",
                   static_cast<double>(*extras.log_bytes));
  }
  add_cluster(families, metrics);
  add_pushes(families, metrics, extras.pushes);
  add_refunds(families, metrics, extras.refunds);

  families.start("ordercast_http_responses_total", "HTTP answers of the API", MetricType::Counter);
  for (std::size_t i = 2; i < metrics.http_responses.size(); ++i) {
    families.sample(as_double(metrics.http_responses[i]), {{"code", std::to_string(i) + "xx"}});
  }
  families.counter("ordercast_log_dropped_total",
                   "Log lines dropped because stderr was blocked or full",
                   static_cast<double>(dropped_log_lines()));
  if (!extras.queues.empty()) {
    families.start("ordercast_worker_queue_depth", "Tasks waiting for a worker", MetricType::Gauge);
    for (const auto& [name, waiting] : extras.queues) {
      families.sample(static_cast<double>(waiting), {{"pool", name}});
    }
  }
  add_parts(families, extras.parts);
  add_process(families);
  return families.text();
}

}  // namespace order_server
