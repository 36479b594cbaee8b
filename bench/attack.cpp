// SPDX-License-Identifier: MIT
// Attacks on a real order_server, one after another, each with a bystander who is served meanwhile.
// Ends with 0 when all that must hold has held; latency is reported, and judged by readers.
#include "attack/field.hpp"
#include "attack/report.hpp"
#include "attack/siege.hpp"
#include <ordercast/net/descriptor_limit.hpp>

#include <algorithm>
#include <exception>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace ordercast::bench;  // NOLINT(google-build-using-namespace)

constexpr const char* usage =
    "attack [--seconds 10] [--transport asio|websocketpp] [--threads 1] [--list]\n"
    "       [--apart off|on] [--server build/release/order_server] [--out build/attack] "
    "[NAME...]\n";

/// A source address of `addresses` attacks.
constexpr std::uint32_t foreign = 0x0A4D0001;  // 10.77.0.1

struct Options {
  SiegeOptions siege;
  std::vector<std::string> transports{"asio", "websocketpp"};
  std::vector<std::string> names;
  std::string out = "build/attack";
  bool list = false;
  std::string attacker;  // Runs as the attacker's process.
  Field field;
  std::chrono::milliseconds time{0};
};

Options parse(int argc, char** argv) {
  Options options;
  options.siege.self = "/proc/self/exe";
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--list") {
      options.list = true;
      continue;
    }
    if (name.rfind("--", 0) != 0) {
      options.names.push_back(name);
      continue;
    }
    if (++i == argc) throw std::invalid_argument(usage);
    const std::string value = argv[i];
    if (name == "--seconds") {
      options.siege.phase = std::chrono::milliseconds(static_cast<int>(std::stod(value) * 1000));
    } else if (name == "--transport") {
      options.transports = {value};
    } else if (name == "--threads") {
      options.siege.threads = value;
    } else if (name == "--apart") {
      if (value != "on" && value != "off") throw std::invalid_argument("--apart is on or off");
      options.siege.apart = value == "on";
    } else if (name == "--server") {
      options.siege.server = value;
    } else if (name == "--out") {
      options.out = value;
    } else if (name == "--attacker") {
      options.attacker = value;
    } else if (name == "--port") {
      options.field.port = static_cast<std::uint16_t>(std::stoul(value));
    } else if (name == "--pid") {
      options.field.server = std::stoi(value);
    } else if (name == "--db") {
      options.field.database = value;
    } else if (name == "--milliseconds") {
      options.time = std::chrono::milliseconds(std::stoi(value));
    } else {
      throw std::invalid_argument(usage);
    }
  }
  return options;
}

/// Returns true in a network namespace of our own, in which non-loopback addresses are local.
bool has_addresses() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(foreign);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

std::vector<Attack> all_attacks() {
  std::vector<Attack> all;
  for (auto&& some : {attacks_on_connections(), attacks_on_requests(), attacks_on_frames(),
                      attacks_on_queues(), attacks_on_accounts(), attacks_on_the_process()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

int run(const Options& options) {
  const auto all = all_attacks();
  const auto named = [&](const std::string& name) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Attack& attack) { return attack.name == name; });
    if (found == all.end()) throw std::invalid_argument("no such attack: " + name);
    return *found;
  };
  if (options.list) {
    for (const auto& attack : all) std::cout << attack.name << ": " << attack.what << "\n";
    return 0;
  }
  if (!options.attacker.empty()) {
    auto field = options.field;
    field.until = Field::Clock::now() + options.time;
    return be_attacker(named(options.attacker), std::move(field), options.siege.apart);
  }
  std::vector<Attack> chosen;
  for (const auto& name : options.names) chosen.push_back(named(name));
  if (chosen.empty()) chosen = all;
  auto results = nlohmann::ordered_json::array();
  bool holds = true;
  for (const auto& attack : chosen) {
    if (attack.setting == Attack::Setting::addresses && !has_addresses()) {
      std::cout << attack.name
                << ": skipped, it needs its own network namespace (see bench/README.md)"
                << std::endl;
      continue;
    }
    for (const auto& transport : options.transports) {
      auto siege = options.siege;
      siege.transport = transport;
      results.push_back(lay_siege(attack, siege));
      holds = holds && results.back().at("holds").get<bool>();
      std::cout << line_of(results.back()) << std::endl;
      write_attack_report(results, options.out);
    }
  }
  return holds ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    ordercast::net::raise_descriptor_limit((std::numeric_limits<std::size_t>::max)());
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
