// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <mutex>
#include <thread>

/// Handles the process' signals and standard descriptors.
namespace order_server {

/// Opens /dev/null in place of stdin, stdout or stderr if one is closed; otherwise the database
/// could get its number, and log lines would be written into the database. Call before anything
/// else.
void open_standard_descriptors() noexcept;

/// Ignores every signal that would end the process because of a resource limit or a mistake; the
/// call that ran into the limit then fails like any other. Keeps handlers that are already
/// installed. USR1, USR2 and the real-time signals have no meaning here.
void ignore_harmless_signals() noexcept;

/// What to do on a signal. Called on the signal thread, one at a time; must not block.
struct SignalActions {
  std::function<void(int signal)> drain;
  std::function<void()> reload;
};

/// Turns signals into calls on its own thread; no code runs in a signal handler.
///
/// Blocks TERM, INT and HUP in every thread (so create it before any other thread) and reads them
/// from a signalfd. An eventfd ends its thread. The first TERM or INT drains. A second one, or a
/// drain that is not done in time, ends the process at once; the database survives that by design.
/// HUP reloads the certificate.
class Signals {
 public:
  /// Throws std::system_error.
  explicit Signals(std::chrono::seconds drain);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  /// Sets the actions of signals. With empty actions TERM and INT end the process.
  void act(SignalActions actions);

 private:
  void watch();
  /// Waits for the next signal. Returns 0 on timeout, or if this object is being destroyed.
  [[nodiscard]] int next(int timeout_ms) const;
  void drain(int signal);
  void reload();

  const std::chrono::seconds drain_;
  sigset_t set_{};
  int signals_ = -1;  // signalfd
  int end_ = -1;      // eventfd
  std::mutex mutex_;
  SignalActions actions_;  // under mutex_
  std::thread thread_;
};

}  // namespace order_server
