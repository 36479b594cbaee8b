// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

/// The whole server.
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
///     memory        returns free memory to the system, reloads the certificate (1)
///     health        asks whether the database answers, and whether an operator has disabled a user
///     watch         checks that every part makes progress (1)
///
/// An I/O thread never waits for another thread: it puts work into a bounded queue, and the answer
/// is posted back. So a slow disk delays neither heartbeats nor broadcasts in progress. Polite
/// threads raise their niceness by 10, yielding ones by 5: many lists, logins and subscriptions at
/// once don't take processor time from the rest.
namespace order_server {

class App {
 public:
  /// Opens the database and fills an empty one as `--demo-data` says. Throws StoreError; throws
  /// std::exception if demo data would be served beyond loopback without being asked for, or if
  /// there is no JWT secret.
  explicit App(const Config& config);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  ~App();

  /// Binds and returns the port. Throws std::system_error, for example if the address is in use.
  std::uint16_t listen();

  /// Serves until drained, then finishes accepted requests. Call once.
  void run();

  /// Reloads the certificate and its key for new connections, and logs the result. Any thread; does
  /// not wait for the files.
  void reload_certificate();

  /// Closes all connections within `window`; then `run` returns. Any thread.
  void drain(std::chrono::milliseconds window);

 private:
  struct Components;
  std::unique_ptr<Components> components_;
};

}  // namespace order_server
