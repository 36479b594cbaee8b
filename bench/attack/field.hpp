// SPDX-License-Identifier: MIT
#pragma once

#include "wire.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What an attacker can do. An attacker runs in its own process, at the lowest priority.
namespace ordercast::bench {

inline constexpr const char* attack_secret = "the secret of the attack, of 32 bytes at least";
inline constexpr const char* attack_webhook_secret = "the webhooks' secret";
/// How many customers attack: attacker-0, attacker-1, ...
inline constexpr std::size_t attackers = 40;

struct Field {
  using Clock = std::chrono::steady_clock;

  std::uint16_t port = 0;
  pid_t server = 0;
  std::filesystem::path database;
  Clock::time_point until{};

  [[nodiscard]] bool over() const { return Clock::now() >= until; }

  /// Waits so that a loop turns at most `per_second` times a second.
  void pace(double per_second);
  /// Waits, but not beyond the end of the attack.
  void rest(std::chrono::milliseconds most) const;

  /// Counts actions for the report.
  void note(const std::string& what, std::size_t count = 1) { notes[what] += count; }

  [[nodiscard]] static std::string user(std::size_t number) {
    return "attacker-" + std::to_string(number % attackers);
  }
  /// The token of a customer in the database; cached.
  [[nodiscard]] const std::string& customer(std::size_t number);
  /// The token of a staff user who sees everything; any number.
  [[nodiscard]] const std::string& admin(std::size_t number);
  /// The token of a customer who is not in the database; any number.
  [[nodiscard]] const std::string& stranger(std::size_t number);

  /// Opens a new connection; see `Wire`.
  [[nodiscard]] Wire connect(std::uint32_t source = 0, int receive_buffer_bytes = 0) {
    return Wire(port, source, receive_buffer_bytes);
  }
  /// Opens up to `count` WebSockets, and notes the refused ones.
  [[nodiscard]] std::vector<Wire> sockets(std::size_t count,
                                          const std::string& (Field::*token_of)(std::size_t),
                                          int receive_buffer_bytes = 0);

  /// Returns the bytes of a request.
  [[nodiscard]] static std::string request(std::string_view method, std::string_view target,
                                           std::string_view token, std::string_view body = {},
                                           std::string_view more = {});
  /// Sends one request on a new connection. Returns the body; empty if no answer came.
  std::string call(const std::string& request_text);
  /// Places large orders of a customer in the database and returns their ids.
  [[nodiscard]] std::vector<std::string> place_orders(std::size_t customer_number,
                                                      std::size_t count);

  std::map<std::string, std::size_t> notes;

 private:
  const std::string& token(const std::string& user_id, const char* role);

  std::map<std::string, std::string> tokens_;
  Clock::time_point next_{};
};

/// One attack. `run` returns when `Field::over`.
struct Attack {
  const char* name;
  const char* what;  ///< A sentence for the report.
  void (*run)(Field& field);
  std::vector<std::string> server_options = {};
  enum class Setting : std::uint8_t {
    usual,
    addresses,    ///< Needs clients with many non-loopback addresses.
    drains,       ///< The server gets SIGTERM in the middle of the attack.
    full_stderr,  ///< Nobody reads the server's stderr.
  } setting = Setting::usual;
};

[[nodiscard]] std::vector<Attack> attacks_on_connections();
[[nodiscard]] std::vector<Attack> attacks_on_requests();
[[nodiscard]] std::vector<Attack> attacks_on_frames();
[[nodiscard]] std::vector<Attack> attacks_on_queues();
[[nodiscard]] std::vector<Attack> attacks_on_accounts();
[[nodiscard]] std::vector<Attack> attacks_on_the_process();

}  // namespace ordercast::bench
