// SPDX-License-Identifier: MIT
// Fan-out over real sockets: starts a server, fills it with connections, changes orders, counts
// what arrives, and asks the kernel what the server's processor time was. See bench/README.md.
#include "loopback/admin.hpp"
#include "loopback/crowd.hpp"
#include "loopback/histogram.hpp"
#include "loopback/server.hpp"

#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ordercast::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Case {
  std::string name;
  std::size_t orders;
  std::size_t watchers;   ///< Connections subscribed to each order.
  std::size_t admins;     ///< Connections that get the hint of every change.
  std::size_t in_flight;  ///< Changes sent before waiting for the first answer.
  std::size_t changes;    ///< Measured changes, a multiple of `in_flight`.
  bool memory;            ///< Whether to sample memory while connections open.
};

const std::vector<Case>& all_cases() {
  static const std::vector<Case> cases{
      {"one-100", 1, 100, 0, 1, 300, false},      {"one-1000", 1, 1'000, 0, 1, 60, false},
      {"one-10000", 1, 10'000, 0, 1, 12, true},   {"burst-1000", 1, 1'000, 0, 200, 200, false},
      {"mixed", 5'000, 2, 20, 256, 4'096, false},
  };
  return cases;
}

/// The same case with a hundredth of the connections, to test that it works.
Case small(Case which) {
  which.orders = std::max<std::size_t>(1, which.orders / 100);
  if (which.orders == 1) which.watchers = std::max<std::size_t>(10, which.watchers / 100);
  which.in_flight = std::min<std::size_t>(which.in_flight, 32);
  which.changes = which.in_flight * 4;
  return which;
}

struct Options {
  std::string folder = ".";
  std::string peers;
  std::vector<std::string> servers;
  std::vector<std::string> cases;
  std::size_t rounds = 3;
  bool quick = false;
  std::string json;
};

/// All ids have one length, so that all frames of a case do.
std::string order_id(std::size_t number) {
  const auto digits = std::to_string(number);
  return "order-" + std::string(6 - digits.size(), '0') + digits;
}
std::size_t order_number(std::string_view id) {
  std::size_t number = 0;
  std::from_chars(id.data() + 6, id.data() + id.size(), number);
  return number;
}

double nanoseconds(Clock::duration duration) {
  return static_cast<double>(std::chrono::nanoseconds(duration).count());
}

/// Runs one case on one server, from the server's start to its end.
class Run {
 public:
  Run(const ServerSpec& spec, Case which)
      : case_(std::move(which)),
        server_(spec),
        crowd_(loop_, server_.port(), Server::secret),
        admin_(loop_, server_.port(), token_for("admin", "SUPER_ADMIN", Server::secret),
               spec.pipelines) {
    result_ = {{"case", case_.name}, {"server", spec.name}};
  }

  Json run() {
    measure_change();
    fill();
    measure_deliveries();
    return std::move(result_);
  }

 private:
  /// Measures a change that nobody watches (HTTP, JSON, versions), which is not part of a delivery.
  void measure_change() {
    const auto count = std::max<std::size_t>(case_.in_flight * 4, 400);
    const auto quiet = [](std::size_t) { return order_id(999'999); };
    change_all(std::max<std::size_t>(case_.in_flight, 100), quiet, [] { return true; });
    const auto before = server_.cpu_time();
    change_all(count, quiet, [] { return true; });
    change_cpu_ns_ = nanoseconds(server_.cpu_time() - before) / static_cast<double>(count);
    result_["change_cpu_ns"] = std::lround(change_cpu_ns_);
  }

  void fill() {
    const auto watchers = case_.orders * case_.watchers;
    // The first connection pays for what a server allocates once.
    crowd_.open(1, "CUSTOMER");
    crowd_.settle();
    const auto resident = server_.resident_bytes();
    const auto cpu = server_.cpu_time();
    for (const std::size_t step : {1'000UL, 2'000UL, 5'000UL, 10'000UL}) {
      if (!case_.memory || step > watchers) break;
      crowd_.open(step - crowd_.size(), "CUSTOMER");
      crowd_.settle_last();
      const auto grown = static_cast<double>(server_.resident_bytes() - resident);
      result_["memory"].push_back(
          {{"connections", step},
           {"bytes_each", std::lround(grown / static_cast<double>(step - 1))}});
    }
    crowd_.open(watchers - crowd_.size(), "CUSTOMER");
    crowd_.settle_last();
    result_["connect_cpu_ns"] =
        std::lround(nanoseconds(server_.cpu_time() - cpu) / static_cast<double>(watchers - 1));
    for (std::size_t i = 0; i < watchers; ++i) crowd_.subscribe(i, order_id(i / case_.watchers));
    crowd_.settle();
    if (case_.admins != 0) crowd_.open(case_.admins, "SUPER_ADMIN");
    crowd_.settle();
  }

  void measure_deliveries() {
    std::vector<Clock::time_point> sent(case_.orders);
    Histogram latency;
    crowd_.set_on_delivery([&](std::string_view id) {
      latency.add(static_cast<std::uint64_t>((Clock::now() - sent[order_number(id)]).count()));
    });
    const auto each = case_.watchers + case_.admins;
    std::size_t next = 0;
    std::uint64_t expected = 0;
    const auto change = [&](std::size_t count) {
      const auto start = delivered();
      expected = count * each;
      change_all(
          count,
          [&](std::size_t) {
            const auto order = next++ % case_.orders;
            sent[order] = Clock::now();
            return order_id(order);
          },
          // One at a time: the next change also waits for the last delivery.
          [&] {
            return case_.in_flight > 1 ||
                   delivered() - start == each * (admin_.answered() - answered_before_);
          });
      loop_.run_until([&] { return delivered() - start >= expected; }, "deliveries");
    };
    change(std::min(case_.changes, std::max<std::size_t>(case_.in_flight, 3)));  // Warms up.
    latency = Histogram();
    const auto before = crowd_.tally();
    const auto cpu_before = server_.cpu_time();
    const auto start = Clock::now();
    change(case_.changes);
    const auto cpu = nanoseconds(server_.cpu_time() - cpu_before);
    const auto wall = nanoseconds(Clock::now() - start);
    // Nothing may arrive twice or late.
    crowd_.settle();
    const auto updates = crowd_.tally().updates - before.updates;
    const auto hints = crowd_.tally().hints - before.hints;
    if (updates != case_.changes * case_.watchers || hints != case_.changes * case_.admins) {
      throw std::runtime_error("delivered " + std::to_string(updates) + " updates and " +
                               std::to_string(hints) + " hints of " + std::to_string(expected));
    }
    const auto changes_cpu = change_cpu_ns_ * static_cast<double>(case_.changes);
    result_["deliveries"] = expected;
    result_["update_bytes"] = (crowd_.tally().update_bytes - before.update_bytes) / updates;
    result_["cpu_ns"] = std::lround((cpu - changes_cpu) / static_cast<double>(expected));
    result_["cpu_with_changes_ns"] = std::lround(cpu / static_cast<double>(expected));
    result_["deliveries_per_second"] = std::lround(static_cast<double>(expected) / wall * 1e9);
    for (const double share :
         {0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0}) {
      result_["latency_us"].push_back(
          {share, std::round(static_cast<double>(latency.at(share)) / 10.0) / 100.0});
    }
  }

  [[nodiscard]] std::uint64_t delivered() const noexcept {
    return crowd_.tally().updates + crowd_.tally().hints;
  }

  /// Changes `count` orders with up to `in_flight` of them unanswered. Sends a burst of less than
  /// 256 at once, and keeps a longer one full. Waits until `may_go_on()` before each.
  template <class NextId, class MayGoOn>
  void change_all(std::size_t count, NextId&& next_id, MayGoOn&& may_go_on) {
    answered_before_ = admin_.answered();
    std::size_t sent = 0;
    const auto answered = [&] { return admin_.answered() - answered_before_; };
    loop_.run_until(
        [&] {
          if (answered() == count) return true;
          if (sent < count && may_go_on()) {
            const auto room = std::min(count - sent, case_.in_flight - (sent - answered()));
            for (std::size_t i = 0; i < room; ++i) admin_.change(next_id(sent + i));
            if (room != 0) admin_.flush();
            sent += room;
          }
          return false;
        },
        "answers");
  }

  Case case_;
  Server server_;
  Loop loop_;
  Crowd crowd_;
  Admin admin_;
  Json result_;
  double change_cpu_ns_ = 0;
  std::uint64_t answered_before_ = 0;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

Options parse(int argc, char** argv) {
  Options options;
  const std::string self = argv[0];
  options.folder = self.substr(0, self.find_last_of('/') + 1) + ".";
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--quick") {
      options.quick = true;
      options.rounds = 1;
      continue;
    }
    if (++i == argc) throw std::invalid_argument(name + " needs a value");
    const std::string value = argv[i];
    if (name == "--servers") {
      options.servers = split(value);
    } else if (name == "--cases") {
      options.cases = split(value);
    } else if (name == "--rounds") {
      options.rounds = std::stoul(value);
    } else if (name == "--folder") {
      options.folder = value;
    } else if (name == "--peers") {
      options.peers = value;
    } else if (name == "--json") {
      options.json = value;
    } else {
      throw std::invalid_argument("no such option: " + name);
    }
  }
  return options;
}

template <class Named>
std::vector<Named> chosen(const std::vector<Named>& all, const std::vector<std::string>& names) {
  if (names.empty()) return all;
  std::vector<Named> some;
  for (const auto& name : names) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.name == name; });
    if (found == all.end()) throw std::invalid_argument("there is no " + name);
    some.push_back(*found);
  }
  return some;
}

void say(const std::string& line) {
  std::cout << line << std::endl;
}

std::string line_of(const Json& result) {
  std::array<char, 200> text{};
  const auto latency = [&](std::size_t at) { return result["latency_us"][at][1].get<double>(); };
  std::snprintf(text.data(), text.size(),
                "  %-12s %7.3f us a delivery  %6.1f us a change  p50 %.0f us  p99 %.0f us",
                result["server"].get<std::string>().c_str(), result["cpu_ns"].get<double>() / 1000,
                result["change_cpu_ns"].get<double>() / 1000, latency(6), latency(12));
  std::string line = text.data();
  if (result.contains("memory")) {
    line += "  " + result["memory"].back()["bytes_each"].dump() + " bytes a connection";
  }
  return line;
}

int run(int argc, char** argv) {
  const auto options = parse(argc, argv);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  pin_to_core(1);

  const auto servers = chosen(all_servers(options.folder, options.peers), options.servers);
  Json results = Json::array();
  Json skipped = Json::object();
  bool failed = false;
  for (const auto& which : chosen(all_cases(), options.cases)) {
    // Measure round by round, so that a disturbance affects all servers.
    for (std::size_t round = 0; round < options.rounds; ++round) {
      say(which.name + ", round " + std::to_string(round + 1) + " of " +
          std::to_string(options.rounds));
      for (const auto& spec : servers) {
        if (skipped.contains(spec.name)) continue;
        std::optional<Run> one;
        try {
          one.emplace(spec, options.quick ? small(which) : which);
        } catch (const std::exception& error) {
          skipped[spec.name] = error.what();
          say("  skipped: " + std::string(error.what()));
          continue;
        }
        try {
          auto result = one->run();
          result["round"] = round;
          say(line_of(result));
          results.push_back(std::move(result));
        } catch (const std::exception& error) {
          failed = true;
          say("  " + spec.name + " FAILED: " + error.what());
        }
      }
    }
  }
  if (!options.json.empty()) {
    std::ofstream(options.json) << Json{{"runs", results}, {"skipped", skipped}}.dump(1) << '\n';
  }
  return failed || results.empty() ? 1 : 0;
}

}  // namespace
}  // namespace ordercast::bench

int main(int argc, char** argv) {
  try {
    return ordercast::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "loopback: " << error.what() << '\n';
    return 2;
  }
}
