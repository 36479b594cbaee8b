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

/// A program that has said on which port it listens.
class Program {
 public:
  Program(std::vector<std::string> argv,
          std::vector<std::pair<std::string, std::optional<std::string>>> environment)
      : process_(Command{std::move(argv), std::move(environment), directory_.path() / "stderr"}) {
    const auto line = process_.read_line(program_patience);
    REQUIRE(line.has_value());
    const auto digits = line->rfind("/ws");
    REQUIRE(digits != std::string::npos);
    port = static_cast<std::uint16_t>(std::stoi(line->substr(line->rfind(':', digits) + 1)));
  }

  /// `receive_buffer_bytes` over 0 makes it one that pushes back soon.
  [[nodiscard]] WsClient watch(const std::string& token, int receive_buffer_bytes = 0) const {
    WsClient client;
    REQUIRE(client.connect("127.0.0.1", port, "/ws?token=" + token, {}, program_patience,
                           receive_buffer_bytes));
    return client;
  }
  /// Waits until what was said before has been understood.
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
