// SPDX-License-Identifier: MIT
#pragma once

#include "../loopback/histogram.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Thousands of clients in one thread, on raw sockets and one epoll(7). Each follows the contract,
/// reconnects with backoff and jitter, and recovers with `since`.
namespace ordercast::bench {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

/// Backoff of reconnects: a random time of up to `first`, doubled with each failure up to `most`.
struct Backoff {
  Milliseconds first{500};
  Milliseconds most{8'000};
};

/// The totals of all clients. Used by the loop's thread only.
struct FleetTally {
  std::uint64_t updates = 0;    ///< `order:updated` messages.
  std::uint64_t hints = 0;      ///< `orders:changed` messages.
  std::uint64_t recovered = 0;  ///< Missed updates that a client got by `since`.
  std::uint64_t connects = 0;   ///< Handshakes that succeeded.
  std::uint64_t failures = 0;   ///< Failed handshakes.
  std::uint64_t went_back = 0;  ///< Versions below one that the connection had seen: a fault.
  std::uint64_t errors = 0;     ///< `error` messages.
  std::map<int, std::uint64_t> closes;  ///< Closes by the server, by code.
};

class Fleet {
 public:
  /// A client's settings. It watches `orders` (indices into the list of ids).
  struct Member {
    std::string token;
    std::vector<std::size_t> orders;
    bool slow = false;  ///< Stops reading for some seconds, repeatedly.
  };

  Fleet(std::uint16_t port, std::vector<std::string> order_ids, std::vector<Member> members,
        Backoff backoff);
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  ~Fleet();

  /// Serves all clients until `done()` or for `most`. Returns false on timeout.
  bool run_until(const std::function<bool()>& done, Milliseconds most);

  /// Resets every connection at once, and allows none for a while.
  void drop_all(Milliseconds outage);
  /// Resets a share of the connections, 0 to 1.
  void drop_some(double share);
  /// Slow clients stop reading, or read on.
  void stop_slow(bool stop);

  [[nodiscard]] std::size_t open() const noexcept { return open_.load(); }
  [[nodiscard]] std::size_t size() const noexcept { return clients_.size(); }
  [[nodiscard]] const FleetTally& tally() const noexcept { return tally_; }
  /// How many (client, order) pairs have these versions.
  [[nodiscard]] std::size_t up_to_date(const std::vector<std::uint64_t>& versions) const;
  [[nodiscard]] std::size_t pairs() const noexcept { return pairs_; }

  /// Milliseconds from a change's time stamp, taken before its commit, to the client, without
  /// recovery. In total, and since the last `take_window`.
  [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }
  [[nodiscard]] Histogram take_window() { return std::exchange(window_, Histogram{}); }

 private:
  enum class State : std::uint8_t { offline, connecting, shaking, open };

  struct Client {
    Member member;
    State state = State::offline;
    bool reads = true;
    int fd = -1;
    unsigned failures = 0;
    Clock::time_point next_attempt{};
    std::int64_t subscribed_ms = 0;  // Unix time: older changes were missed.
    std::vector<std::uint64_t> seen;
    std::vector<std::uint64_t> on_connection;
    std::string input;
  };

  void connect_due(Clock::time_point now);
  void connect(Client& client);
  void on_event(Client& client, std::uint32_t events);
  void on_connected(Client& client);
  void on_input(Client& client);
  bool on_handshake(Client& client);
  void on_frame(Client& client, unsigned opcode, std::string_view payload);
  void on_text(Client& client, std::string_view text);
  void send(Client& client, unsigned opcode, std::string_view payload);
  void watch(Client& client, std::uint32_t events, bool add = false);
  /// Closes the socket and plans the next attempt.
  void lose(Client& client, bool reset = false);

  std::uint16_t port_;
  std::vector<std::string> order_ids_;
  std::map<std::string, std::size_t, std::less<>> index_;
  Backoff backoff_;
  std::vector<Client> clients_;
  int epoll_ = -1;
  std::mt19937_64 random_{1};
  Clock::time_point outage_until_{};
  std::atomic<std::size_t> open_{0};
  std::size_t pairs_ = 0;
  FleetTally tally_;
  Histogram latency_;
  Histogram window_;
};

/// Unix time in milliseconds.
[[nodiscard]] std::int64_t unix_ms();

}  // namespace ordercast::bench
