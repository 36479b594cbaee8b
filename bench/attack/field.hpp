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

/// What an attacker knows and may do. It runs in a process of its own, at the lowest priority.
namespace ordercast::bench {

inline constexpr const char* attack_secret = "the secret of the attack, of 32 bytes at least";
inline constexpr const char* attack_webhook_secret = "the webhooks' secret";
/// Customers of the database who attack: attacker-0, attacker-1, ...
inline constexpr std::size_t attackers = 40;

struct Field {
  using Clock = std::chrono::steady_clock;

  std::uint16_t port = 0;
  pid_t server = 0;
  std::filesystem::path database;
  Clock::time_point until{};

  [[nodiscard]] bool over() const { return Clock::now() >= until; }

  /// Waits so that a loop turns at most so often a second.
  void pace(double per_second);
  /// Waits, but not beyond the end.
  void rest(std::chrono::milliseconds most) const;

  /// Counts what was done, for the report.
  void note(const std::string& what, std::size_t count = 1) { notes[what] += count; }

  [[nodiscard]] static std::string user(std::size_t number) {
    return "attacker-" + std::to_string(number % attackers);
  }
  /// The token of a customer of the database; made once.
  [[nodiscard]] const std::string& customer(std::size_t number);
  /// The token of a member of the staff who sees everything; any number.
  [[nodiscard]] const std::string& admin(std::size_t number);
  /// The token of a customer of whom the database knows nothing; any number.
  [[nodiscard]] const std::string& stranger(std::size_t number);

  /// A connection of its own; see `Wire`.
  [[nodiscard]] Wire connect(std::uint32_t source = 0, int receive_buffer_bytes = 0) {
    return Wire(port, source, receive_buffer_bytes);
  }
  /// Opens WebSockets, up to so many; those that were refused are noted.
  [[nodiscard]] std::vector<Wire> sockets(std::size_t count,
                                          const std::string& (Field::*token_of)(std::size_t),
                                          int receive_buffer_bytes = 0);

  /// The bytes of a request.
  [[nodiscard]] static std::string request(std::string_view method, std::string_view target,
                                           std::string_view token, std::string_view body = {},
                                           std::string_view more = {});
  /// One request on a connection of its own. Returns the body; empty if no answer came.
  std::string call(const std::string& request_text);
  /// Orders of a customer of the database, as large as orders are; their ids.
  [[nodiscard]] std::vector<std::string> place_orders(std::size_t customer_number,
                                                      std::size_t count);

  std::map<std::string, std::size_t> notes;

 private:
  const std::string& token(const std::string& user_id, const char* role);

  std::map<std::string, std::string> tokens_;
  Clock::time_point next_{};
};

/// One attack. `run` returns when the field's time is over.
struct Attack {
  const char* name;
  const char* what;  ///< A sentence for the report.
  void (*run)(Field& field);
  std::vector<std::string> server_options = {};
  enum class Setting : std::uint8_t {
    usual,
    addresses,    ///< Needs clients of many addresses that are not loopback's.
    drains,       ///< The server is told to end in the middle of it.
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
