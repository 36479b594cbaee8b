// SPDX-License-Identifier: MIT
#pragma once

#include "../../tests/support/process.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The server under attack: the real `order_server`, observed from outside.
namespace ordercast::bench {

/// The resources that the server holds.
struct Holdings {
  double rss_mib = 0;
  std::size_t descriptors = 0;
  double connections = 0;
  double subscriptions = 0;
  double queued = 0;  ///< Jobs in all queues, and changes not yet broadcast.
};

class Target {
 public:
  /// Starts the server and adds the attackers as customers. Throws if it does not start.
  /// `full_stderr`: its log goes into a pipe that nobody reads.
  Target(const std::string& program, std::vector<std::string> options, bool full_stderr);
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  ~Target();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] pid_t pid() const noexcept { return process_->pid(); }
  [[nodiscard]] std::filesystem::path database() const { return directory_.path() / "attack.db"; }
  [[nodiscard]] bool running() { return process_->running(); }

  /// Returns its resident memory and descriptors, and its gauges if it answers.
  [[nodiscard]] Holdings holdings() const;
  [[nodiscard]] double rss_mib() const;
  /// The processor time that it has used.
  [[nodiscard]] std::chrono::milliseconds cpu_time() const;
  /// The sum of a metric's series in the text of /metrics; 0 if it is missing.
  [[nodiscard]] static double metric(const std::string& page, const std::string& name);
  [[nodiscard]] std::string metrics() const;

  /// Lines of its log that report a crash or a stalled part.
  [[nodiscard]] std::vector<std::string> bad_log_lines();

  void terminate() noexcept { process_->signal(SIGTERM); }
  /// Waits for the end of the process. Returns true if it ends in time with code 0.
  bool ends_well(std::chrono::seconds most);

 private:
  [[nodiscard]] std::filesystem::path pages() const { return directory_.path() / "pages"; }
  [[nodiscard]] std::filesystem::path log() const { return directory_.path() / "log"; }
  void add_customers() const;
  [[nodiscard]] std::string read_log();

  test::TempDir directory_;
  int pipe_ = -1;
  std::uint16_t port_ = 0;
  std::unique_ptr<test::ChildProcess> process_;
};

}  // namespace ordercast::bench
