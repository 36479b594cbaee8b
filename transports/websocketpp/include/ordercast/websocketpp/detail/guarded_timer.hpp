// SPDX-License-Identifier: MIT
#pragma once

// Before Asio, which looks for what the standard library has.
// clang-format off
#include <cstddef>
// clang-format on

#include <asio/steady_timer.hpp>
#include <websocketpp/transport/base/connection.hpp>

#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

namespace ordercast::websocketpp::detail {

/// Starts one of websocketpp's timers. It keeps `connection` alive until it fires or is cancelled.
/// Its callback runs in `connection->guarded`.
template <class Executor, class ConnectionPtr>
[[nodiscard]] std::shared_ptr<::asio::steady_timer> start_guarded_timer(
    const Executor& executor, std::chrono::milliseconds delay, ConnectionPtr connection,
    ::websocketpp::transport::timer_handler callback) {
  auto timer = std::make_shared<::asio::steady_timer>(executor, delay);
  // Shared, because Asio copies handlers, and a copy must not fail.
  const auto shared =
      std::make_shared<::websocketpp::transport::timer_handler>(std::move(callback));
  timer->async_wait(
      [connection = std::move(connection), timer, shared](const std::error_code& error) {
        using ::websocketpp::transport::error::make_error_code;
        connection->guarded([&] {
          (*shared)(error ? make_error_code(::websocketpp::transport::error::operation_aborted)
                          : std::error_code{});
        });
      });
  return timer;
}

}  // namespace ordercast::websocketpp::detail
