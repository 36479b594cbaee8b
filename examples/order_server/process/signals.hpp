// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <mutex>
#include <thread>

/// What the process makes of signals and of the descriptors it was given.
namespace order_server {

/// Opens /dev/null in place of stdin, stdout and stderr where one of them is closed. Otherwise the
/// database gets its number, and log lines are written into it. First of all.
void open_standard_descriptors() noexcept;

/// Ignores every signal that would end the process for want of a resource or by anybody's mistake:
/// then the call that ran into the limit fails, and that is an error like any other. Signals that
/// somebody handles already stay with them. USR1, USR2 and the real-time signals mean nothing here.
void ignore_harmless_signals() noexcept;

/// What signals ask for. Called on the signals' thread, one at a time; must not block.
struct SignalActions {
  std::function<void(int signal)> drain;
  std::function<void()> reload;
};

/// Turns signals into calls, on a thread of its own: no code runs in a signal handler.
///
/// TERM, INT and HUP are blocked in every thread (make this before any other thread) and read from
/// a signalfd; the end of this object comes by an eventfd, so no signal has a private meaning. The
/// first TERM or INT drains; a second one, or a drain that does not end in time, ends the process
/// at once, which the database survives by design. HUP reloads the certificate.
class Signals {
 public:
  /// Throws std::system_error.
  explicit Signals(std::chrono::seconds drain);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  /// From now on signals lead to `actions`; with empty ones TERM and INT just end the process.
  void act(SignalActions actions);

 private:
  void watch();
  /// The next signal; 0 when this object ends or the time is up.
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
