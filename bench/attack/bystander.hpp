// SPDX-License-Identifier: MIT
#pragma once

#include "../../tests/support/api_client.hpp"
#include "../loopback/histogram.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// A customer who watches and reads orders while staff change them. Measures how an attack affects
/// such a customer.
namespace ordercast::bench {

/// What is timed.
enum class Probe : std::uint8_t {
  change,     ///< From the request for a change to the update on the customer's socket.
  commit,     ///< From the change's time stamp to that update; in whole milliseconds.
  subscribe,  ///< From a subscription with `since` to its snapshot.
  place,      ///< Placing an order.
  read,       ///< Reading an order of one's own.
  ready,      ///< /readyz.
};
inline constexpr std::array<const char*, 6> probe_names{"change", "commit", "subscribe",
                                                        "place",  "read",   "ready"};

/// The measurements of one phase.
struct Window {
  struct Figures {
    Histogram latency;         ///< Nanoseconds.
    std::uint64_t most = 0;    ///< Nanoseconds.
    std::uint64_t failed = 0;  ///< Answers other than success.
  };
  std::array<Figures, probe_names.size()> probes;
};

class Bystander {
 public:
  /// Starts at once.
  explicit Bystander(std::uint16_t port);
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;
  ~Bystander() { stop(); }

  /// Ends the phase, starts the next one and returns the measurements of the one that ended.
  Window take_window();
  /// Waits, at most `most`, for the answers to everything started before this call. Otherwise the
  /// worst wait of a phase would count in the next.
  void finish_turns(std::chrono::seconds most) const;
  /// Stops making changes. `verify` may still wait.
  void stop_changes();
  /// Returns true if the final version of every order has reached the socket; waits at most `most`.
  [[nodiscard]] bool verify(std::chrono::seconds most);
  void stop();

  /// Since the start: connections that the server closed; versions that went back, and invalid
  /// messages.
  [[nodiscard]] std::size_t cuts() const { return cuts_; }
  [[nodiscard]] std::size_t faults() const { return faults_; }
  [[nodiscard]] std::size_t orders() const;
  [[nodiscard]] std::size_t changes() const { return changes_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Order {
    std::string id;
    long long asked = 0;  ///< The version of the change in progress.
    Clock::time_point asked_at{};
    long long seen = 0;
    Clock::time_point subscribed_at{};
    bool over = false;  ///< Its last version was seen.
  };

  void change_orders();
  void change_next(const test::ApiClient& customer, const test::ApiClient& staff);
  void watch();
  void connect();
  void on_text(const std::string& text);
  void read();
  void subscribe(const std::string& id, long long since);
  void add(Probe probe, std::chrono::nanoseconds latency);
  void fail(Probe probe);

  const std::uint16_t port_;
  const std::string token_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> changing_{true};
  std::atomic<std::size_t> cuts_{0};
  std::atomic<std::size_t> faults_{0};
  std::atomic<std::size_t> changes_{0};
  std::atomic<std::size_t> change_turns_{0};
  std::atomic<std::size_t> read_turns_{0};

  mutable std::mutex mutex_;
  // Under mutex_.
  Window window_;
  std::map<std::string, Order> orders_;
  std::string current_;  // The order that is being changed.
  std::size_t stage_ = 0;
  std::string to_send_;  // Frames for the socket.

  test::WsClient socket_;  // Used by the watching thread.
  std::thread changer_;
  std::thread watcher_;
  std::thread reader_;
};

}  // namespace ordercast::bench
