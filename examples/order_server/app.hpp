// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

/// The whole server, put together.
///
///     I/O threads   sockets, HTTP parsing, tokens, routing; one connection manager each
///     reader        API reads             (--db-readers threads)
///     list          pages of orders, the catalogue (--db-readers threads, polite)
///     writer        API writes            (1; on PostgreSQL --db-writers)
///     login         password hashing      (half of the cores, at most 8, polite)
///     lookup        orders for subscriptions (--db-readers threads, yielding)
///     ops           metrics               (1)
///     payment       the payment provider  (4)
///     webhook       its webhooks          (1)
///     dispatcher    outbox to broadcasts  (1)
///     push          outbox to devices     (1)
///     memory        gives memory back, reads a new certificate (1)
///     health        asks whether the database answers, and whether an operator has disabled a user
///     watch         looks whether the parts move (1)
///
/// An I/O thread never waits for any other: it queues work, bounded, and the answer is posted back.
/// So a slow disk delays neither heartbeats nor broadcasts that are on their way. Polite threads
/// have a niceness of 10 more, yielding ones of 5: a crowd's lists, logins and subscriptions take
/// what processor time the others leave.
namespace order_server {

class App {
 public:
  /// Opens the database, and fills an empty one as `--demo-data` says. Throws StoreError, and
  /// std::exception where demo data would be served to others unasked, or where there is no JWT
  /// secret.
  explicit App(const Config& config);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  ~App();

  /// Binds; returns the port. Throws std::system_error, also when the address is in use.
  std::uint16_t listen();

  /// Serves until drained; then finishes what was accepted. Once.
  void run();

  /// Has the certificate and its key read again, for new connections; the log says how it went. Any
  /// thread; does not wait for the files.
  void reload_certificate();

  /// Closes all connections within `window`; `run` returns after it. Any thread.
  void drain(std::chrono::milliseconds window);

 private:
  struct Components;
  std::unique_ptr<Components> components_;
};

}  // namespace order_server
