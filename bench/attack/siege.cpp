// SPDX-License-Identifier: MIT
#include "siege.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace ordercast::bench {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Setting = Attack::Setting;

/// Memory that may stay resident after an attack: caches, and heaps that malloc keeps below their
/// last block in use.
constexpr double rss_slack_mib = 48;
/// The probe's own connections, and one that is just closing.
constexpr std::size_t descriptor_slack = 3;
/// How long the server has to release everything. The attackers have disconnected, so no deadline
/// of a connection counts.
constexpr seconds recovery{20};
/// An attack is calm if p99 stays below this multiple of the undisturbed p99.
constexpr double calm_ratio = 2;

/// Keeps this process, and those that it starts, on the last processor or off it.
void stay(bool on_last) {
  const auto count = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  if (count < 2) throw std::runtime_error("--apart needs two processors, and there is one");
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int i = 0; i < count; ++i) {
    if ((i == count - 1) == on_last) CPU_SET(i, &set);
  }
  if (::sched_setaffinity(0, sizeof set, &set) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_setaffinity");
  }
}

double rounded(double value) {
  return std::round(value * 100) / 100;
}

double ms(std::uint64_t nanoseconds) {
  return rounded(static_cast<double>(nanoseconds) / 1e6);
}

/// Busy and total time of the machine's processors, in ticks.
struct Ticks {
  double busy = 0;
  double all = 0;

  static Ticks now() {
    std::ifstream stat("/proc/stat");
    std::string cpu;
    stat >> cpu;
    Ticks ticks;
    for (int field = 0; field < 8; ++field) {  // user nice system idle iowait irq softirq steal
      double value = 0;
      stat >> value;
      ticks.all += value;
      if (field != 3 && field != 4) ticks.busy += value;
    }
    return ticks;
  }
};

Json figures(const Window& window) {
  Json out;
  for (std::size_t i = 0; i < probe_names.size(); ++i) {
    const auto& probe = window.probes[i];
    out[probe_names[i]] = {{"count", probe.latency.total()},
                           {"p50_ms", ms(probe.latency.at(0.50))},
                           {"p99_ms", ms(probe.latency.at(0.99))},
                           {"max_ms", ms(probe.most)},
                           {"failed", probe.failed}};
  }
  return out;
}

Json figures(const Holdings& holdings) {
  return {{"rss_mib", rounded(holdings.rss_mib)},
          {"sockets", holdings.descriptors},
          {"connections", holdings.connections},
          {"subscriptions", holdings.subscriptions},
          {"queued", holdings.queued}};
}

/// Runs one attack and judges it.
class Siege {
 public:
  Siege(const Attack& attack, const SiegeOptions& options)
      : attack_(attack),
        options_(options),
        target_(options.server, server_options(), attack.setting == Setting::full_stderr) {}

  Json run() {
    result_ = {{"name", attack_.name},
               {"what", attack_.what},
               {"transport", options_.transport},
               {"apart", options_.apart}};
    {
      Bystander warm_up(
          target_.port());  // Makes the server open what it opens once, including caches.
      std::this_thread::sleep_for(seconds(1));
    }
    settle([&](const Holdings& now) { return now.connections == 0; });
    const auto before = target_.holdings();
    Bystander bystander(target_.port());
    std::this_thread::sleep_for(milliseconds(500));
    bystander.take_window();

    phase("before", bystander, [&] { std::this_thread::sleep_for(options_.phase); });
    phase("attacked", bystander, [&] { attack(); });
    if (attack_.setting == Setting::drains) {
      target_.terminate();
      check(target_.ends_well(seconds(15)), "SIGTERM did not end the server with code 0 in time");
      attacker_.reset();
      bystander.stop();
    } else {
      attacker_.reset();
      check(target_.running(), "the server has ended");
      if (target_.running()) look_after(bystander, before);
    }
    for (const auto& line : target_.bad_log_lines()) check(false, "log: " + line);
    check(bystander.faults() == 0, "a version went back, or a message was invalid");
    result_["orders"] = bystander.orders();
    result_["changes"] = bystander.changes();
    judge();
    return result_;
  }

 private:
  [[nodiscard]] std::vector<std::string> server_options() const {
    std::vector<std::string> all{"--transport", options_.transport, "--threads", options_.threads};
    all.insert(all.end(), attack_.server_options.begin(), attack_.server_options.end());
    if (attack_.setting == Setting::addresses) {
      all.insert(all.end(), {"--host", "0.0.0.0", "--demo-data", "on"});
    }
    return all;
  }

  void check(bool good, const std::string& broken) {
    if (!good) broken_.push_back(broken);
  }

  template <class Do>
  void phase(const char* name, Bystander& bystander, Do&& act) {
    bystander.take_window();
    const auto ticks = Ticks::now();
    const auto cpu = target_.cpu_time();
    const auto start = Clock::now();
    act();
    const auto after = Ticks::now();
    if (target_.running()) bystander.finish_turns(seconds(15));
    auto window = bystander.take_window();
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    auto& out = result_[name] = figures(window);
    out["server_cpu"] =
        rounded(std::chrono::duration<double>(target_.cpu_time() - cpu).count() / elapsed);
    out["machine_busy"] = rounded((after.busy - ticks.busy) / std::max(1.0, after.all - ticks.all));
    windows_.push_back(std::move(window));
  }

  /// Runs the attacker for one phase, and watches the server's memory.
  void attack() {
    const auto until = Clock::now() + options_.phase;
    attacker_ = std::make_unique<test::ChildProcess>(test::Command{
        {options_.self, "--attacker", attack_.name, "--port", std::to_string(target_.port()),
         "--pid", std::to_string(target_.pid()), "--db", target_.database().string(),
         "--milliseconds", std::to_string(options_.phase.count())},
        {},
        "/dev/stderr"});
    double most = 0;
    while (Clock::now() < until) {
      std::this_thread::sleep_for(milliseconds(100));
      most = std::max(most, target_.rss_mib());
    }
    result_["most_rss_mib"] = rounded(most);
    if (attack_.setting == Setting::drains) return;  // It goes on until the server has ended.
    const auto line = attacker_->read_line(seconds(20));
    result_["did"] = line.value_or("the attacker was cut off");
  }

  /// Waits until `good`, at most `recovery`; says how long it took.
  double settle(const std::function<bool(const Holdings&)>& good) {
    const auto start = Clock::now();
    while (Clock::now() - start < recovery && !good(target_.holdings())) {
      std::this_thread::sleep_for(milliseconds(200));
    }
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  void look_after(Bystander& bystander, const Holdings& before) {
    const auto is_back = [&](const Holdings& now) {
      return now.connections == 1 && now.queued <= 2 &&  // those of the bystander
             now.descriptors <= before.descriptors + descriptor_slack + 3;
    };
    result_["recovered_after_s"] = rounded(settle(is_back));
    phase("after", bystander, [&] { std::this_thread::sleep_for(options_.phase); });
    bystander.stop_changes();
    check(bystander.verify(seconds(30)), "a final version did not reach the bystander");
    bystander.stop();
    check(bystander.cuts() == 0, "the bystander's socket was cut");
    settle([&](const Holdings& now) {
      return now.connections == 0 && now.subscriptions == 0 && now.queued == 0 &&
             now.rss_mib <= before.rss_mib + rss_slack_mib &&
             now.descriptors <= before.descriptors + descriptor_slack;
    });
    const auto now = target_.holdings();
    result_["held_before"] = figures(before);
    result_["held_after"] = figures(now);
    check(now.connections == 0, "ordercast_connections is not back");
    check(now.subscriptions == 0, "ordercast_subscriptions is not back");
    check(now.queued == 0, "a queue is not empty");
    check(now.descriptors <= before.descriptors + descriptor_slack, "sockets are left");
    check(now.rss_mib <= before.rss_mib + rss_slack_mib, "memory is not back");
    const auto page = target_.metrics();
    result_["metrics"] = {
        {"conflated", Target::metric(page, "ordercast_conflated_total")},
        {"dropped", Target::metric(page, "ordercast_dropped_total")},
        {"closed_by_server", Target::metric(page, "ordercast_closed_by_server_total")},
        {"stalls", Target::metric(page, "ordercast_part_stalls_total")},
        {"log_dropped", Target::metric(page, "ordercast_log_dropped_total")},
        {"lookup_failures", Target::metric(page, "ordercast_lookup_failures_total")}};
    target_.terminate();
    check(target_.ends_well(seconds(15)), "SIGTERM did not end the server with code 0 in time");
  }

  /// Compares the attacked phase with both quiet ones together.
  void judge() {
    Json ratios;
    double worst = 0;
    for (std::size_t i = 0; i < probe_names.size(); ++i) {
      double quiet = 0;
      for (std::size_t w = 0; w < windows_.size(); ++w) {
        const auto at = ms(windows_[w].probes[i].latency.at(0.99));
        if (w != 1) quiet = std::max(quiet, at);
      }
      const auto attacked = ms(windows_[1].probes[i].latency.at(0.99));
      const double ratio = attacked / std::max(quiet, 0.01);
      ratios[probe_names[i]] = rounded(ratio);
      worst = std::max(worst, ratio);
    }
    result_["p99_ratios"] = ratios;
    result_["worst_ratio"] = rounded(worst);
    result_["calm"] = worst < calm_ratio;
    result_["holds"] = broken_.empty();
    result_["broken"] = broken_;
  }

  const Attack& attack_;
  const SiegeOptions& options_;
  Target target_;
  std::unique_ptr<test::ChildProcess> attacker_;
  Json result_;
  std::vector<Window> windows_;
  std::vector<std::string> broken_;
};

}  // namespace

Json lay_siege(const Attack& attack, const SiegeOptions& options) {
  if (options.apart) stay(false);  // The server and the bystander's threads inherit it.
  return Siege(attack, options).run();
}

int be_attacker(const Attack& attack, Field field, bool apart) {
  if (apart) stay(true);
  // What the machine has left, and no more: the harm is to come from the attack, not from a fair
  // share of the processors.
  ::setpriority(PRIO_PROCESS, 0, 19);
  attack.run(field);
  std::string did;
  for (const auto& [what, count] : field.notes) {
    did += (did.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  }
  std::cout << (did.empty() ? "nothing to count" : did) << std::endl;
  return 0;
}

}  // namespace ordercast::bench
