// SPDX-License-Identifier: MIT
#pragma once

#include "../../tests/support/process.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// The server under measurement: any program that implements the contract and takes its port and
/// secret from the environment.
namespace ordercast::bench {

struct ServerSpec {
  std::string name;
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;
  bool pipelines = true;  ///< Takes many requests on one HTTP connection.
};

/// All servers: the limit, our transports, the peers. `folder` contains our programs, `peers` the
/// scripts for Node.
[[nodiscard]] std::vector<ServerSpec> all_servers(const std::string& folder,
                                                  const std::string& peers);

class Server {
 public:
  static constexpr const char* secret = "a secret of the benchmarks, 32 bytes or more";

  /// Starts it on the first core and waits until it listens. If it doesn't, throws with its last
  /// log line.
  explicit Server(const ServerSpec& spec);

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// The processor time of all its threads so far.
  [[nodiscard]] std::chrono::nanoseconds cpu_time() const;
  [[nodiscard]] std::size_t resident_bytes() const;

 private:
  test::TempDir directory_;
  test::ChildProcess process_;
  std::uint16_t port_ = 0;
};

/// Binds this process to a core; -1 removes the binding.
void pin_to_core(int core);

}  // namespace ordercast::bench
