// SPDX-License-Identifier: MIT
// The soak: thousands of clients on a real order_server, with churn, slow readers, mass reconnects
// (the avalanche) and a crash. Exits with 0 if every client has the final version of every order
// that it watches.
#include "loopback/crowd.hpp"
#include "soak/fleet.hpp"
#include "soak/report.hpp"
#include "soak/shop.hpp"
#include <ordercast/net/descriptor_limit.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace ordercast::bench;  // NOLINT(google-build-using-namespace)
using Json = nlohmann::ordered_json;
using Seconds = std::chrono::duration<double>;

struct Options {
  std::string server = "build/release/order_server";
  std::string transport = "websocketpp";
  std::string threads = "1";
  std::string out = "build/soak";
  double seconds = 60;
  std::size_t clients = 2000;
  double changes_per_second = 60;
};

constexpr const char* usage =
    "soak [--seconds 60] [--clients 2000] [--changes-per-second 60] [--transport websocketpp]\n"
    "     [--threads 1] [--server build/release/order_server] [--out build/soak]\n";

Options parse(int argc, char** argv) {
  Options options;
  const std::map<std::string, std::function<void(const std::string&)>> known = {
      {"--server", [&](const auto& text) { options.server = text; }},
      {"--transport", [&](const auto& text) { options.transport = text; }},
      {"--threads", [&](const auto& text) { options.threads = text; }},
      {"--out", [&](const auto& text) { options.out = text; }},
      {"--seconds", [&](const auto& text) { options.seconds = std::stod(text); }},
      {"--clients", [&](const auto& text) { options.clients = std::stoul(text); }},
      {"--changes-per-second",
       [&](const auto& text) { options.changes_per_second = std::stod(text); }}};
  for (int i = 1; i < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found == known.end() || i + 1 == argc) throw std::invalid_argument(usage);
    found->second(argv[i + 1]);
  }
  return options;
}

std::string user(std::size_t number) {
  return "phone-user-" + std::to_string(number);
}

/// Each user has two devices that watch the user's orders; one client in fifty is slow.
std::vector<Fleet::Member> members(std::size_t clients, std::size_t users, std::size_t orders) {
  std::vector<Fleet::Member> all;
  for (std::size_t i = 0; i < clients; ++i) {
    Fleet::Member member;
    member.token = token_for(user(i % users), "CUSTOMER", soak_secret);
    for (auto order = i % users; order < orders; order += users) member.orders.push_back(order);
    member.slow = i % 50 == 7;
    all.push_back(std::move(member));
  }
  return all;
}

/// Runs the soak and records it.
class Soak {
 public:
  explicit Soak(Options options)
      : options_(std::move(options)),
        server_(options_.server,
                {"--transport", options_.transport, "--threads", options_.threads}) {}

  bool run() {
    const auto users = std::max<std::size_t>(1, options_.clients / 2);
    const auto wanted = options_.seconds * options_.changes_per_second / 4;
    const auto orders = std::max(users, static_cast<std::size_t>(wanted));
    std::cout << "creating " << orders << " orders" << std::endl;
    std::vector<std::string> owners;
    for (std::size_t i = 0; i < orders; ++i) owners.push_back(user(i % users));
    Shop shop(server_, owners);
    Fleet fleet(server_.port(), shop.ids(), members(options_.clients, users, orders), {});
    start_ = last_sample_ = Clock::now();

    note("start", "all clients connect");
    phase(
        fleet, shop, "connect", [&] { return fleet.open() == fleet.size(); }, 60);
    const auto connected = elapsed();
    shop.start(options_.changes_per_second);
    const auto quarter = options_.seconds / 4;

    live(fleet, shop, quarter);
    avalanche(fleet, shop);
    live(fleet, shop, quarter);
    crash(fleet, shop);
    live(fleet, shop, quarter);
    shop.stop();

    note("rest", "changes end; all clients read");
    fleet.stop_slow(false);
    const auto versions = shop.final_versions();
    const auto rest = elapsed();
    phase(
        fleet, shop, "rest",
        [&] { return fleet.up_to_date(versions) == fleet.pairs() && fleet.open() == fleet.size(); },
        120);
    const auto settled = elapsed() - rest;
    const auto arrived = fleet.up_to_date(versions);
    const auto conflated =
        conflated_before_ + server_.metric("ordercast_conflated_total").value_or(0);
    note("drain", "SIGTERM");
    const bool drained = drain(fleet, shop);

    const auto& tally = fleet.tally();
    Json closes = Json::object();
    for (const auto& [code, count] : tally.closes) closes[std::to_string(code)] = count;
    Json summary = {
        {"clients", fleet.size()},
        {"orders", orders},
        {"transport", options_.transport + ", " + options_.threads + " I/O thread(s)"},
        {"changes committed", shop.changes()},
        {"final versions that arrived", std::to_string(arrived) + " of " +
                                            std::to_string(fleet.pairs()) + " (" +
                                            percent(arrived, fleet.pairs()) + ")"},
        {"updates delivered", tally.updates},
        {"of these recovered by `since`", tally.recovered},
        {"hints delivered", tally.hints},
        {"conflated", conflated},
        {"versions that went back", tally.went_back},
        {"connects", tally.connects},
        {"attempts that failed", tally.failures},
        {"closes by the server, by code", closes},
        {"p50 from the change to the client, ms", fleet.latency().at(0.50)},
        {"p99 from the change to the client, ms", fleet.latency().at(0.99)},
        {"the first connect of all, s", rounded(connected)},
        {"after the avalanche all were back within, s", rounded(back_)},
        {"look-ups of orders in the avalanche", avalanche_lookups_},
        {"database reads in the avalanche", avalanche_reads_},
        {"after the crash all were back within, s", rounded(back_from_crash_)},
        {"all had the final versions after the last change within, s", rounded(settled)},
        {"RSS at its most, MiB", rounded(most_rss_)},
        {"drained with exit code 0", drained}};
    write_report({{"command", command()},
                  {"summary", summary},
                  {"events", events_},
                  {"timeline", timeline_}},
                 options_.out);
    for (const auto& [name, value] : summary.items()) {
      std::cout << name << ": " << (value.is_string() ? value.get<std::string>() : value.dump())
                << "\n";
    }
    return arrived == fleet.pairs() && tally.went_back == 0 && drained;
  }

 private:
  [[nodiscard]] double elapsed() const { return Seconds(Clock::now() - start_).count(); }
  static double rounded(double value) { return std::round(value * 10) / 10; }
  static std::string percent(std::size_t part, std::size_t whole) {
    char out[32];
    std::snprintf(out, sizeof out, "%.3f%%",
                  100.0 * static_cast<double>(part) / static_cast<double>(whole));
    return out;
  }
  [[nodiscard]] std::string command() const {
    return "./dev soak " + std::to_string(static_cast<int>(options_.seconds)) + " --clients " +
           std::to_string(options_.clients) + " --transport " + options_.transport;
  }

  void note(const std::string& what, const std::string& detail) {
    std::cout << "  " << rounded(elapsed()) << " s: " << detail << std::endl;
    events_.push_back({{"t", rounded(elapsed())}, {"what", what}, {"detail", detail}});
  }

  /// Serves the clients until `done` or the timeout, and takes samples.
  bool phase(Fleet& fleet, const Shop& shop, const char* name, const std::function<bool()>& done,
             double most) {
    const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(most));
    while (Clock::now() < until) {
      if (fleet.run_until(done, Milliseconds(250))) return true;
      if (Clock::now() - last_sample_ >= Milliseconds(500)) sample(fleet, shop, name);
    }
    return false;
  }

  void sample(Fleet& fleet, const Shop& shop, const char* name) {
    const auto now = Clock::now();
    const auto window = fleet.take_window();
    const auto updates = fleet.tally().updates;
    const auto rss = static_cast<double>(server_.resident_bytes()) / (1024 * 1024);
    most_rss_ = std::max(most_rss_, rss);
    timeline_.push_back(
        {{"t", rounded(elapsed())},
         {"phase", name},
         {"open", fleet.open()},
         {"changes", shop.changes()},
         {"updates_per_second", std::round(static_cast<double>(updates - last_updates_) /
                                           Seconds(now - last_sample_).count())},
         {"p50_ms", window.at(0.50)},
         {"p99_ms", window.at(0.99)},
         {"rss_mib", rounded(rss)}});
    last_sample_ = now;
    last_updates_ = updates;
  }

  /// Changes continue, 1% of the clients reconnects each second, and the slow ones stop reading
  /// half of the time.
  void live(Fleet& fleet, const Shop& shop, double seconds) {
    const auto end = elapsed() + seconds;
    const auto middle = elapsed() + seconds / 2;
    note("slow", "one client in fifty stops reading");
    fleet.stop_slow(true);
    for (bool slow = true; elapsed() < end;) {
      phase(
          fleet, shop, "live", [] { return false; }, std::min(1.0, end - elapsed()));
      fleet.drop_some(0.01);
      if (slow && elapsed() >= middle) fleet.stop_slow(slow = false);
    }
  }

  /// All clients lose their connections at once, and the network is down for two seconds.
  void avalanche(Fleet& fleet, const Shop& shop) {
    const auto lookups = server_.metric("ordercast_lookups_total").value_or(0);
    const auto reads = server_.metric("ordercast_lookup_reads_total").value_or(0);
    note("avalanche", "all connections are cut for two seconds");
    const auto cut = elapsed();
    fleet.drop_all(Milliseconds(2000));
    phase(
        fleet, shop, "avalanche", [&] { return fleet.open() == fleet.size(); }, 60);
    back_ = elapsed() - cut;
    avalanche_lookups_ = server_.metric("ordercast_lookups_total").value_or(0) - lookups;
    avalanche_reads_ = server_.metric("ordercast_lookup_reads_total").value_or(0) - reads;
    note("back", "all clients are back");
  }

  void crash(Fleet& fleet, const Shop& shop) {
    conflated_before_ += server_.metric("ordercast_conflated_total").value_or(0);
    note("kill -9", "the server is killed and restarts a second later");
    const auto killed = elapsed();
    server_.kill();
    phase(
        fleet, shop, "crash", [] { return false; }, 1);
    server_.start();
    phase(
        fleet, shop, "crash", [&] { return fleet.open() == fleet.size(); }, 60);
    back_from_crash_ = elapsed() - killed;
    note("back", "all clients are back");
  }

  /// The server drains while its clients keep reading.
  bool drain(Fleet& fleet, const Shop& shop) {
    bool ended = false;
    std::thread waiter([&] { ended = server_.drain(); });
    phase(
        fleet, shop, "drain", [] { return false; }, 2);
    waiter.join();
    return ended;
  }

  Options options_;
  SoakServer server_;
  Clock::time_point start_;
  Clock::time_point last_sample_;
  std::uint64_t last_updates_ = 0;
  double most_rss_ = 0;
  double back_ = 0;
  double back_from_crash_ = 0;
  double avalanche_lookups_ = 0;
  double avalanche_reads_ = 0;
  double conflated_before_ = 0;
  Json events_ = Json::array();
  Json timeline_ = Json::array();
};

}  // namespace

int main(int argc, char** argv) try {
  ordercast::net::raise_descriptor_limit((std::numeric_limits<std::size_t>::max)());
  return Soak(parse(argc, argv)).run() ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
