// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/detail/backlog.hpp>
#include <ordercast/asio/detail/turn_log.hpp>
#include <ordercast/asio/frame_parser.hpp>
#include <ordercast/net/http_connection.hpp>
#include <ordercast/net/secure.hpp>
#include <ordercast/net/socket.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

/// What the transport knows of one connection. Plain values; one thread.
namespace ordercast::asio::detail {

/// The slab record: all that an idle WebSocket costs.
struct Connection {
  enum class State : std::uint8_t {
    securing,  ///< In the TLS handshake.
    http,
    open,       ///< A WebSocket.
    closing,    ///< A WebSocket whose close handshake we began.
    finishing,  ///< Writes what is queued; then it lingers. What comes is dropped.
    lingering,  ///< Our half of the stream has ended.
    dead,       ///< The socket is closed; the record waits to be reported and released.
  };

  static constexpr std::uint32_t npos = UINT32_MAX;

  int fd = -1;
  std::uint32_t serial = 0;
  State state = State::http;
  bool websocket = false;  ///< `on_open` has been called.
  bool reported = false;   ///< So has `on_close`.
  bool wants_writable = false;
  bool counted = false;                 ///< In `http_requests`.
  bool client_ended = false;            ///< Nothing more will come.
  std::uint8_t interest = 0;            ///< What epoll watches for.
  std::uint32_t entry = TurnLog::npos;  ///< In the log of this turn.
  std::uint32_t discarded = 0;          ///< Bytes that were dropped at the end; then a link.
  std::size_t unwritten = 0;            ///< Bytes that the kernel has not taken.
  BacklogPool::Queue backlog;
  std::unique_ptr<net::HttpConnection> http;   ///< Goes with the upgrade.
  std::unique_ptr<FrameParser> parser;         ///< Within a message only.
  std::unique_ptr<net::SecureSession> secure;  ///< Null: plain.
  net::SocketTicket ticket;

  [[nodiscard]] bool is_websocket() const noexcept {
    return state == State::open || state == State::closing;
  }
  [[nodiscard]] bool accepts() const noexcept { return state == State::open; }
  /// The next of the dead. It needs no memory, as a socket may close when there is none.
  [[nodiscard]] std::uint32_t& dead_link() noexcept { return discarded; }
  /// Where a slab keeps its list of free records.
  [[nodiscard]] std::uint32_t& free_link() noexcept { return discarded; }
};

}  // namespace ordercast::asio::detail
