// SPDX-License-Identifier: MIT
#pragma once

#ifndef ASIO_STANDALONE
#error "ASIO_STANDALONE is not defined: link ordercast::websocketpp, or websocketpp takes Boost"
#endif

#include <ordercast/clock.hpp>
#include <ordercast/net/handshake_gate.hpp>
#include <ordercast/websocketpp/detail/deflate_policy.hpp>
#include <ordercast/websocketpp/detail/message_policy.hpp>
#include <ordercast/websocketpp/detail/request.hpp>
#include <ordercast/websocketpp/detail/response.hpp>
#include <ordercast/websocketpp/detail/socket_connection.hpp>

#include <websocketpp/concurrency/none.hpp>
#include <websocketpp/connection.hpp>
#include <websocketpp/logger/levels.hpp>
#include <websocketpp/logger/stub.hpp>
#include <websocketpp/random/none.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

/// Chooses websocketpp's policies, in this one place: no logs, no locks, a small read buffer, and
/// our own HTTP, messages, compression and socket. Encryption is a choice at run time, in
/// net/secure.hpp.
namespace ordercast::websocketpp {

/// What the transport keeps for each connection.
struct ConnectionRecord {
  enum class Kind : std::uint8_t { unknown, http, websocket };

  std::uint64_t handle = 0;
  TimePoint accepted_at{};
  Kind kind = Kind::unknown;
  bool closed = false;          ///< A WebSocket whose `on_close` has been reported.
  bool wants_writable = false;  ///< `send` answered backpressure.
  bool to_head = false;         ///< The HTTP request is a HEAD.
  bool answered = false;        ///< The HTTP request has its response.
  net::DeflateTerms deflate;    ///< Of the WebSocket.
  std::shared_ptr<::asio::steady_timer> deadline;  ///< Of the HTTP request.
  TimePoint progress_at{};                  ///< When the client last took some of its answer.
  std::size_t owned = 0;                    ///< Bytes of the answer that nobody shares.
  std::shared_ptr<std::atomic<bool>> gone;  ///< Told to whoever works on the request.
  std::unique_ptr<net::Opening> adopted;    ///< Of a WebSocket that was opened elsewhere.
};

/// The endpoint's half of the transport policy. It has nothing to do, because sockets come from our
/// own acceptor.
struct SocketEndpoint {
  using transport_con_type = detail::SocketConnection;
};

struct Config {
  using type = Config;
  using concurrency_type = ::websocketpp::concurrency::none;
  using request_type = detail::Request;
  using response_type = detail::Response;
  using message_type = detail::Message;
  using con_msg_manager_type = detail::MessageManager;
  using elog_type = ::websocketpp::log::stub;
  using alog_type = ::websocketpp::log::stub;
  using rng_type = ::websocketpp::random::none::int_generator<std::uint32_t>;  // Only clients mask.
  using transport_type = SocketEndpoint;
  struct connection_base {
    ConnectionRecord record;
  };

  // Milliseconds; the transport sets its own for each connection.
  static constexpr long timeout_open_handshake = 10'000;
  static constexpr long timeout_close_handshake = 5'000;
  static constexpr long timeout_pong = 0;

  static constexpr int client_version = 13;
  static constexpr std::size_t connection_read_buffer_size = 256;
  static constexpr bool drop_on_protocol_error = false;
  static constexpr bool silent_close = false;
  static constexpr std::size_t max_message_size = 4 * 1024;

  // Our own: websocketpp's has no limit for inflated data, and lets 16 kB grow to 16 MiB.
  static constexpr bool enable_extensions = true;
  struct permessage_deflate_config {
    using request_type = Config::request_type;
  };
  using permessage_deflate_type = detail::DeflatePolicy<permessage_deflate_config>;
};

using Connection = ::websocketpp::connection<Config>;
using Message = Config::message_type;

}  // namespace ordercast::websocketpp
