// SPDX-License-Identifier: MIT
#include "server.hpp"

#include <sched.h>
#include <time.h>

#include <stdexcept>

namespace ordercast::bench {

namespace {

test::Command command(const ServerSpec& spec, const std::filesystem::path& directory) {
  // Use taskset, because the core must be set before the program starts its threads.
  std::vector<std::string> argv{"/usr/bin/taskset", "--cpu-list", "0"};
  argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());
  std::vector<std::pair<std::string, std::optional<std::string>>> environment{
      {"PORT", "0"}, {"JWT_SECRET", Server::secret}, {"THREADS", "1"}};
  for (const auto& [name, value] : spec.environment) environment.emplace_back(name, value);
  return {std::move(argv), std::move(environment), directory / "stderr"};
}

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "no output";
  const auto start = text.find_last_of('\n', end);
  return text.substr(start + 1, end - start);
}

}  // namespace

std::vector<ServerSpec> all_servers(const std::string& folder, const std::string& peers) {
  const auto node = [&](const std::string& name) {
    return ServerSpec{name, {"/usr/bin/env", "node", peers + "/" + name + ".mjs"}, {}, true};
  };
  return {
      {"send", {folder + "/limit"}, {{"TRANSPORT", "send"}}, true},
      {"uring", {folder + "/limit"}, {{"TRANSPORT", "uring"}}, true},
      {"asio-uring", {folder + "/fanout_server"}, {{"TRANSPORT", "asio"}, {"IO", "uring"}}, true},
      {"asio-send", {folder + "/fanout_server"}, {{"TRANSPORT", "asio"}, {"IO", "send"}}, true},
      {"websocketpp", {folder + "/fanout_server"}, {{"TRANSPORT", "websocketpp"}}, false},
      {"beast", {folder + "/beast_peer"}, {}, true},
      node("uws"),
      node("ws"),
      node("fastify"),
  };
}

Server::Server(const ServerSpec& spec) : process_(command(spec, directory_.path())) {
  const auto port = test::announced_port(process_.read_line(std::chrono::seconds(60)));
  if (!port) {
    throw std::runtime_error(
        spec.name + " did not start: " + last_line(test::read_file(directory_.path() / "stderr")));
  }
  port_ = *port;
}

std::chrono::nanoseconds Server::cpu_time() const {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(process_.pid(), &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
    throw std::runtime_error("the server has ended");
  }
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::size_t Server::resident_bytes() const {
  return test::resident_bytes(process_.pid());
}

void pin_to_core(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (core < 0 || i == core) CPU_SET(static_cast<unsigned>(i), &set);
  }
  ::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace ordercast::bench
