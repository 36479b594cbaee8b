// SPDX-License-Identifier: MIT
#include "metrics.hpp"

#include "process/log_sink.hpp"

#include <dirent.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <iterator>
#include <sstream>

namespace order_server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

/// What is rendered, family after family.
class Page {
 public:
  void start(const std::string& name, const std::string& help, MetricType type) {
    families_.push_back({name, help, type, {}});
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

  void counter(const std::string& name, const std::string& help, double value) {
    start(name, help, MetricType::Counter);
    sample(value);
  }
  void gauge(const std::string& name, const std::string& help, double value) {
    start(name, help, MetricType::Gauge);
    sample(value);
  }

  void add(const MetricFamily& family) {
    start(family.name, family.help, type_of(family.kind));
    for (const auto& [label, tally] : family.tallies) {
      std::vector<ClientMetric::Label> labels;
      if (!label.name.empty()) labels.push_back({label.name, label.value});
      sample(static_cast<double>(tally->value()), std::move(labels));
    }
    for (const auto& [labels, histogram] : family.histograms) buckets(labels, *histogram);
  }

  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  static MetricType type_of(MetricKind kind) {
    if (kind == MetricKind::histogram) return MetricType::Histogram;
    return kind == MetricKind::counter ? MetricType::Counter : MetricType::Gauge;
  }

  void buckets(const std::vector<MetricLabel>& labels, const DurationHistogram& source) {
    ClientMetric metric;
    for (const auto& label : labels) metric.label.push_back({label.name, label.value});
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

  std::vector<prometheus::MetricFamily> families_;
};

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

void add_process(Page& page) {
  // proc(5): utime 14, stime 15, num_threads 20, starttime 22, rss 24; the first two are gone.
  const auto stat = process_stat();
  if (stat.size() > 21) {
    const auto field = [&](std::size_t number) { return std::stod(stat[number - 3]); };
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
    page.counter("process_cpu_seconds_total", "User and system CPU time in seconds",
                 (field(14) + field(15)) / ticks);
    page.gauge("process_resident_memory_bytes", "Resident memory in bytes", field(24) * page_bytes);
    page.gauge("process_threads", "Threads", field(20));
    page.gauge("process_start_time_seconds", "Start in seconds since the epoch",
               boot_time() + field(22) / ticks);
  }
  page.gauge("process_open_fds", "Open file descriptors", open_descriptors());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    page.gauge("process_max_fds", "Limit on open file descriptors",
               static_cast<double>(limit.rlim_cur));
  }
}

/// Work that waits in the database, and what /metrics says of each number.
struct Queue {
  std::string name;
  std::int64_t depth;
  std::string depth_help;
  std::int64_t oldest_age_ms;
  std::string age_help;
  std::int64_t dead;
  std::string dead_help;
};

void add_queue(Page& page, const Queue& queue) {
  page.gauge(queue.name + "_depth", queue.depth_help, static_cast<double>(queue.depth));
  page.gauge(queue.name + "_age_seconds", queue.age_help,
             static_cast<double>(queue.oldest_age_ms) / 1000.0);
  page.gauge(queue.name + "_dead", queue.dead_help, static_cast<double>(queue.dead));
}

void add_queues(Page& page, const MetricsExtras& extras) {
  if (const auto& outbox = extras.outbox) {
    add_queue(page, {"ordercast_outbox", outbox->depth, "Committed changes not yet broadcast",
                     outbox->oldest_age_ms, "Age of the oldest change not yet broadcast",
                     outbox->dead, "Changes whose broadcast the server gave up on"});
  }
  if (const auto& pushes = extras.pushes) {
    add_queue(page, {"ordercast_push", pushes->waiting, "Pushes not yet sent",
                     pushes->oldest_age_ms, "Age of the oldest change not yet pushed", pushes->dead,
                     "Pushes that the server gave up on"});
  }
  if (const auto& refunds = extras.refunds) {
    add_queue(page, {"ordercast_refund", refunds->waiting, "Refunds due or requested",
                     refunds->oldest_age_ms, "Age of the oldest refund due or requested",
                     refunds->dead, "Refunds that failed"});
  }
}

void add_parts(Page& page, const std::vector<Watchdog::PartState>& parts) {
  if (parts.empty()) return;
  page.start("ordercast_part_still_seconds", "How long a part of the server has made no progress",
             MetricType::Gauge);
  for (const auto& part : parts) {
    page.sample(static_cast<double>(part.still_for.count()) / 1000.0, {{"part", part.name}});
  }
  page.start("ordercast_part_stalled", "1 while a part of the server is stalled",
             MetricType::Gauge);
  for (const auto& part : parts) page.sample(part.stalled ? 1 : 0, {{"part", part.name}});
  page.start("ordercast_part_stalls_total", "Times that a part of the server has stalled",
             MetricType::Counter);
  for (const auto& part : parts) {
    page.sample(static_cast<double>(part.stalls), {{"part", part.name}});
  }
}

}  // namespace

void DurationHistogram::observe(std::chrono::microseconds duration) noexcept {
  const auto us = std::max<std::chrono::microseconds::rep>(duration.count(), 0);
  const double seconds = static_cast<double>(us) / 1e6;
  std::size_t bucket = 0;
  while (bucket < duration_bounds.size() && seconds > duration_bounds[bucket]) ++bucket;
  counts_[bucket].add();
  sum_us_.add(us);
}

std::string Metrics::name_of_message(std::size_t type) {
  switch (static_cast<ordercast::MessageType>(type)) {
    case ordercast::MessageType::order_updated:
      return "order:updated";
    case ordercast::MessageType::orders_changed:
      return "orders:changed";
    case ordercast::MessageType::application:
      return "application";
  }
  return {};
}

std::string Metrics::name_of_error(std::size_t code) {
  return std::string(ordercast::to_string(static_cast<ordercast::ErrorCode>(code)));
}

std::string Metrics::name_of_close(std::size_t index) {
  return index < close_codes.size() ? std::to_string(static_cast<int>(close_codes[index]))
                                    : "other";
}

DurationHistogram& Metrics::request_seconds(const std::string& method, const std::string& route) {
  const auto known = request_times_.find({method, route});
  if (known != request_times_.end()) return known->second;
  std::vector<MetricLabel> labels{{"method", method}, {"route", route}};
  return request_times_.try_emplace({method, route}, request_family_, std::move(labels))
      .first->second;
}

void MetricsObserver::on_closed_by_server(ordercast::CloseCode code) noexcept {
  using ordercast::CloseCode;
  const auto index = index_of_close(code);
  metrics_->closed_by_server[index].add();
  if (code != CloseCode::policy_violation && code != CloseCode::too_slow) return;
  try {
    const auto held_back = metrics_->close_lines.at(index).admit(std::chrono::steady_clock::now());
    if (!held_back) return;
    spdlog::info(
        "closed a WebSocket with {}: {}{}", static_cast<int>(code),
        code == CloseCode::too_slow ? "the client does not read" : "too many refused messages",
        more_like_it(*held_back));
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the line is lost, no more.
  }
}

std::string more_like_it(std::int64_t held_back) {
  return held_back == 0 ? "" : "; " + std::to_string(held_back) + " more since the last such line";
}

std::string Metrics::name_of_status_class(std::size_t first_digit) {
  return first_digit < 2 ? "" : std::to_string(first_digit) + "xx";
}

std::string render_metrics(const Metrics& metrics, const MetricsExtras& extras) {
  Page page;
  for (const auto& family : metrics.families.all()) page.add(family);
  add_queues(page, extras);
  if (extras.log_bytes) {
    page.gauge("ordercast_wal_bytes", "Bytes of the database's write-ahead log",
               static_cast<double>(*extras.log_bytes));
  }
  page.counter("ordercast_log_dropped_total",
               "Log lines dropped because stderr was blocked or full",
               static_cast<double>(dropped_log_lines()));
  if (!extras.queues.empty()) {
    page.start("ordercast_worker_queue_depth", "Tasks waiting for a worker", MetricType::Gauge);
    for (const auto& [name, waiting] : extras.queues) {
      page.sample(static_cast<double>(waiting), {{"pool", name}});
    }
  }
  add_parts(page, extras.parts);
  add_process(page);
  return page.text();
}

}  // namespace order_server
