// SPDX-License-Identifier: MIT
#pragma once

#include "../../tests/support/api_client.hpp"
#include "../../tests/support/process.hpp"

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// The server side of a soak: the server's process, its orders, and the thread that changes them.
namespace ordercast::bench {

inline constexpr const char* soak_secret = "the secret of the soak, of 32 bytes at least";

/// The real `order_server`, which can be killed and started again over the same database and port.
class SoakServer {
 public:
  SoakServer(std::string program, std::vector<std::string> options);

  void start();
  void kill();
  /// Sends SIGTERM. Returns true if the server ends with code 0 in time.
  bool drain();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::filesystem::path database() const { return directory_.path() / "soak.db"; }
  [[nodiscard]] std::size_t resident_bytes() const;
  /// Returns the sum of a metric's series; nullopt if the server does not answer.
  [[nodiscard]] std::optional<double> metric(const std::string& name) const;

 private:
  std::string program_;
  std::vector<std::string> options_;
  test::TempDir directory_;
  std::uint16_t port_ = 0;
  std::atomic<pid_t> pid_{0};
  std::unique_ptr<test::ChildProcess> process_;
};

/// Moves orders through their states at a fixed rate, one change at a time.
class Shop {
 public:
  /// Creates the users and their orders; `owners[i]` owns order i. Throws if the server refuses.
  Shop(const SoakServer& server, const std::vector<std::string>& owners);
  ~Shop() { stop(); }
  Shop(const Shop&) = delete;
  Shop& operator=(const Shop&) = delete;

  /// Changes `per_second` orders a second on its own thread, until `stop` or until every order is
  /// in its final state.
  void start(double per_second);
  void stop();

  [[nodiscard]] const std::vector<std::string>& ids() const noexcept { return ids_; }
  /// Changes that the server acknowledged.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_.load(); }
  /// The committed version of each order, as the server reports it.
  [[nodiscard]] std::vector<std::uint64_t> final_versions() const;

 private:
  void change_one();

  const SoakServer& server_;
  std::string admin_token_;
  std::vector<std::string> ids_;
  std::vector<std::size_t> stage_;    // How often each order was changed.
  std::vector<std::size_t> ongoing_;  // Orders that can still change.
  std::mt19937 random_{2};
  std::atomic<std::uint64_t> changes_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace ordercast::bench
