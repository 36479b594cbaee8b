// SPDX-License-Identifier: MIT
// What clients that read nothing cost: the stale updates that they still get when they read again,
// the kernel's memory for them, and what a delivery to the others costs meanwhile. See
// bench/README.md.
#include "../tests/support/ws_client.hpp"
#include "loopback/admin.hpp"
#include "loopback/crowd.hpp"
#include "loopback/kernel_memory.hpp"
#include "loopback/server.hpp"

#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ordercast::bench {
namespace {

using Json = nlohmann::ordered_json;
using test::WsClient;

struct Options {
  std::string folder = ".";
  std::vector<std::string> servers{"asio-send", "websocketpp"};
  std::vector<std::string> kernel_unsent;  ///< Values to compare; empty: the server's default.
  std::vector<std::string> high_water;
  std::size_t clients = 200;
  std::size_t readers = 50;
  std::size_t changes = 4'000;
  int receive_buffer = 4'096;  ///< Of the clients that stall; 0: the system's default.
  std::size_t rounds = 1;
  std::string json;
};

constexpr std::string_view order = "order-000000";

/// A client that reads nothing until it is told to.
class Stalled {
 public:
  Stalled(std::uint16_t port, std::size_t number, int receive_buffer) {
    const auto token = token_for("stalled-" + std::to_string(number), "CUSTOMER", Server::secret);
    if (!client_.connect("127.0.0.1", port, "/ws?token=" + token, {}, test::default_timeout,
                         receive_buffer)) {
      throw std::runtime_error("a client that is to stall can't connect");
    }
    client_.send_text(R"({"type":"subscribe","orderId":")" + std::string(order) + R"("})");
    read_to_pong([](const std::string&) {});
  }

  [[nodiscard]] std::size_t in_own_buffer() {
    int bytes = 0;
    return ::ioctl(client_.socket().fd(), FIONREAD, &bytes) == 0 ? static_cast<std::size_t>(bytes)
                                                                 : 0;
  }

  /// Reads everything. Returns the bytes of the updates before the last; throws if that is not the
  /// newest.
  std::size_t read_all(std::uint64_t newest) {
    std::size_t stale = 0;
    std::string last;
    read_to_pong([&](const std::string& text) {
      stale += last.size();
      last = text;
    });
    if (last.find("\"version\":" + std::to_string(newest)) == std::string::npos) {
      throw std::runtime_error("a client did not get the newest version, but " +
                               last.substr(last.find("\"version\""), 100));
    }
    return stale;
  }

 private:
  template <class F>
  void read_to_pong(F&& on_update) {
    client_.send_text(R"({"type":"ping"})");
    for (auto text = client_.next_text(); text; text = client_.next_text()) {
      if (*text == R"({"type":"pong"})") return;
      on_update(*text);
    }
    throw std::runtime_error("a client lost its connection");
  }

  WsClient client_;
};

Json run(const ServerSpec& spec, const Options& options) {
  Server server(spec);
  Loop loop;
  Crowd readers(loop, server.port(), Server::secret);
  Admin admin(loop, server.port(), token_for("admin", "SUPER_ADMIN", Server::secret),
              spec.pipelines);
  std::deque<Stalled> stalled;
  for (std::size_t i = 0; i < options.clients; ++i) {
    stalled.emplace_back(server.port(), i, options.receive_buffer);
  }
  readers.open(options.readers, "CUSTOMER");
  for (std::size_t i = 0; i < options.readers; ++i) readers.subscribe(i, order);
  readers.settle();

  const auto resident = server.resident_bytes();
  const auto cpu = server.cpu_time();
  for (std::size_t sent = 0; sent < options.changes; ++sent) {
    admin.change(order);
    admin.flush();
    const auto expected = (sent + 1) * options.readers;
    loop.run_until(
        [&] { return admin.answered() == sent + 1 && readers.tally().updates == expected; },
        "deliveries");
  }
  const auto spent = std::chrono::nanoseconds(server.cpu_time() - cpu).count();
  const auto kernel = send_memory_of(server.port());
  const auto clients = static_cast<double>(std::max<std::size_t>(options.clients, 1));
  const auto deliveries = static_cast<double>(options.changes * options.readers);

  std::size_t in_clients = 0;
  std::size_t stale = 0;
  std::size_t most_stale = 0;
  const auto grown = static_cast<double>(server.resident_bytes()) - static_cast<double>(resident);
  for (auto& client : stalled) in_clients += client.in_own_buffer();
  for (auto& client : stalled) {
    const auto bytes = client.read_all(options.changes + 1);  // The first change made version 2.
    stale += bytes;
    most_stale = std::max(most_stale, bytes);
  }
  return {{"server", spec.name},
          {"clients", options.clients},
          {"stale_bytes", std::lround(static_cast<double>(stale) / clients)},
          {"most_stale_bytes", most_stale},
          {"in_client_bytes", std::lround(static_cast<double>(in_clients) / clients)},
          {"kernel_bytes", std::lround(static_cast<double>(kernel) / clients)},
          {"resident_bytes", std::lround(grown / clients)},
          {"cpu_ns_a_delivery", std::lround(static_cast<double>(spent) / deliveries)}};
}

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
    if (++i == argc) throw std::invalid_argument(name + " needs a value");
    const std::string value = argv[i];
    if (name == "--servers") {
      options.servers = split(value);
    } else if (name == "--kernel-unsent") {
      options.kernel_unsent = split(value);
    } else if (name == "--high-water") {
      options.high_water = split(value);
    } else if (name == "--clients") {
      options.clients = std::stoul(value);
    } else if (name == "--readers") {
      options.readers = std::stoul(value);
    } else if (name == "--changes") {
      options.changes = std::stoul(value);
    } else if (name == "--receive-buffer") {
      options.receive_buffer = std::stoi(value);
    } else if (name == "--rounds") {
      options.rounds = std::stoul(value);
    } else if (name == "--folder") {
      options.folder = value;
    } else if (name == "--json") {
      options.json = value;
    } else {
      throw std::invalid_argument("no such option: " + name);
    }
  }
  if (options.changes == 0) throw std::invalid_argument("--changes must be 1 or more");
  return options;
}

/// The server with each combination of the values that are to be compared.
std::vector<ServerSpec> variants(const ServerSpec& spec, const Options& options) {
  std::vector<ServerSpec> all{spec};
  const auto vary = [&](const char* variable, const std::vector<std::string>& values) {
    if (values.empty()) return;
    std::vector<ServerSpec> next;
    for (const auto& one : all) {
      for (const auto& value : values) {
        auto& varied = next.emplace_back(one);
        varied.environment.emplace_back(variable, value);
        varied.name += " " + std::string(variable) + "=" + value;
      }
    }
    all = std::move(next);
  };
  vary("KERNEL_UNSENT_BYTES", options.kernel_unsent);
  vary("HIGH_WATER_BYTES", options.high_water);
  if (options.high_water.empty()) {  // As the library has it, not as the other cases do.
    for (auto& one : all) one.environment.emplace_back("HIGH_WATER_BYTES", "default");
  }
  return all;
}

int run(int argc, char** argv) {
  const auto options = parse(argc, argv);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  pin_to_core(1);
  Json results = Json::array();
  const auto all = all_servers(options.folder, {});
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (const auto& name : options.servers) {
      const auto found =
          std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
      if (found == all.end()) throw std::invalid_argument("there is no server " + name);
      for (const auto& spec : variants(*found, options)) {
        auto result = run(spec, options);
        result["round"] = round;
        std::cout << result.dump() << std::endl;
        results.push_back(std::move(result));
      }
    }
  }
  if (!options.json.empty()) std::ofstream(options.json) << results.dump(1) << '\n';
  return 0;
}

}  // namespace
}  // namespace ordercast::bench

int main(int argc, char** argv) {
  try {
    return ordercast::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "stalled: " << error.what() << '\n';
    return 2;
  }
}
