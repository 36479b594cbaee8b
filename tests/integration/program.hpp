// SPDX-License-Identifier: MIT
#pragma once

#include "../support/process.hpp"
#include "../support/ws_client.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordercast::test {

inline constexpr std::chrono::milliseconds program_patience{20'000};

/// A running program that has announced its port.
class Program {
 public:
  Program(std::vector<std::string> argv,
          std::vector<std::pair<std::string, std::optional<std::string>>> environment)
      : process_(Command{std::move(argv), std::move(environment), directory_.path() / "stderr"}) {
    const auto announced = announced_port(process_.read_line(program_patience));
    REQUIRE(announced.has_value());
    port = *announced;
  }

  /// A `receive_buffer_bytes` above 0 makes the client push back soon.
  [[nodiscard]] WsClient watch(const std::string& token, int receive_buffer_bytes = 0) const {
    WsClient client;
    REQUIRE(client.connect("127.0.0.1", port, "/ws?token=" + token, {}, program_patience,
                           receive_buffer_bytes));
    return client;
  }
  /// Waits until the server has handled earlier messages.
  static void settle(WsClient& client) {
    REQUIRE(client.send_text(R"({"type":"ping"})"));
    REQUIRE(client.next_text(program_patience) == R"({"type":"pong"})");
  }
  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
  [[nodiscard]] ExitStatus end() {
    process_.signal(SIGTERM);
    return process_.wait(program_patience).value_or(ExitStatus{});
  }

  std::uint16_t port = 0;

 private:
  TempDir directory_;
  ChildProcess process_;
};

}  // namespace ordercast::test
