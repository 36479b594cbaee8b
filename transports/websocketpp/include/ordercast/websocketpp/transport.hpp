// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/error.hpp>
#include <ordercast/net/deflate_terms.hpp>
#include <ordercast/net/deflated_frame.hpp>
#include <ordercast/net/frame_head.hpp>
#include <ordercast/net/handler_memory.hpp>
#include <ordercast/net/loop_port.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/net/socket.hpp>
#include <ordercast/net/socket_transport.hpp>
#include <ordercast/net/tick_timer.hpp>
#include <ordercast/websocketpp/config.hpp>
#include <ordercast/websocketpp/detail/connection_table.hpp>
#include <ordercast/websocketpp/detail/end_connection.hpp>
#include <ordercast/websocketpp/detail/http_exchange.hpp>
#include <ordercast/websocketpp/detail/shared_message.hpp>
#include <ordercast/websocketpp/detail/socket_owner.hpp>

#include <asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// The websocketpp transport connects the sockets of one `io_context` with the events and calls of
/// docs/transports.md. One transport per I/O thread.
///
/// Threads: all members but `prepare` and the two counters belong to the thread that runs the
/// `io_context`, as do all calls of the sink. A handle may be used after its connection has ended:
/// it stays `closed` and never means another connection.
///
///     ::asio::io_context io;
///     Transport transport(io);
///     ConnectionManager<Transport, MyServices> manager(transport, services);
///     transport.bind(manager);
///     transport.adopt(std::move(accepted_socket));
///     io.run();
namespace ordercast::websocketpp {

using net::TransportOptions;

class Transport final : public net::SocketTransport<std::uint64_t>, private detail::SocketOwner {
 public:
  /// A text frame as it goes over the wire. It never changes, and any number of connections on any
  /// number of threads may send it.
  class Frame {
   public:
    Frame() = default;

   private:
    friend class Transport;
    explicit Frame(std::shared_ptr<detail::SharedMessage> message) : message_(std::move(message)) {}
    /// In the form that goes to a client with these terms.
    [[nodiscard]] Message::ptr form_for(const net::DeflateTerms& terms) const noexcept {
      if (!terms || !net::fits(terms, message_->message_bytes())) return message_;
      const auto& deflated = message_->deflated();
      return deflated ? deflated : message_;
    }
    std::shared_ptr<detail::SharedMessage> message_;
  };

  /// The `io_context` must outlive the transport.
  explicit Transport(::asio::io_context& io, TransportOptions options = {});
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  /// Closes every socket without telling the sink.
  ~Transport();

  // Connections ---------------------------------------------------------------------------------

  /// Takes over a connected socket of this transport's `io_context`, from which `bytes_read` were
  /// already read. Without memory it throws and closes the socket.
  void adopt(net::Socket socket, net::SocketTicket ticket = {}, std::string_view bytes_read = {});

  /// The same for a WebSocket whose handshake was answered elsewhere. While draining it gets 1012.
  void adopt_websocket(net::Socket socket, net::SocketTicket ticket, const net::Opening& opening,
                       std::string_view bytes_read = {});

  /// Ends every connection at once, and every one that is still to be adopted. The sink hears
  /// `on_close`; then nothing of the transport keeps the `io_context` running.
  void stop();

  // What the connection manager calls -------------------------------------------------------------

  /// Builds the frame (RFC 6455 section 5.2): one copy of the bytes for any number of recipients.
  /// O(text). Any thread.
  [[nodiscard]] static Frame prepare(std::string text) {
    return Frame(std::make_shared<detail::SharedMessage>(net::Opcode::text, std::move(text)));
  }
  /// The same, for a binary message.
  [[nodiscard]] static Frame prepare_binary(std::string bytes) {
    return Frame(std::make_shared<detail::SharedMessage>(net::Opcode::binary, std::move(bytes)));
  }

  /// Queues a frame. The bytes are written in this turn of the event loop, together with the
  /// connection's other frames. O(1).
  SendResult send(Handle handle, const Frame& frame) noexcept;

  /// The bytes of a connection that the kernel has not taken; 0 for a stale handle. O(1).
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const noexcept {
    const auto* const connection = find(handle);
    return connection == nullptr ? 0 : buffered(*connection);
  }

  /// The same, plus the bytes that the kernel has taken and the peer has not acknowledged. It falls
  /// while a slow peer reads, even if the kernel takes nothing more. One system call.
  [[nodiscard]] std::size_t unacknowledged_bytes(Handle handle) const noexcept;

  /// The bytes that the peer has acknowledged in all, as they go over the wire; nullopt for a stale
  /// handle. One system call.
  [[nodiscard]] std::optional<std::uint64_t> acknowledged_bytes(Handle handle) const noexcept;

  /// Sends a ping with no payload; not subject to backpressure.
  void ping(Handle handle) noexcept;

  /// Starts the close handshake after everything that `send` has accepted. `close_timeout` limits
  /// it. A reason over 123 bytes is cut between characters (RFC 6455 section 5.5).
  void close(Handle handle, CloseCode code, std::string_view reason) noexcept;

  /// Closes the socket without a handshake.
  void terminate(Handle handle) noexcept {
    if (auto* const connection = find(handle)) detail::end_connection(*connection);
  }

 private:
  /// How many fragments without payload one message may have. They cost no memory, but time.
  static constexpr std::size_t max_empty_fragments = 128;

  static constexpr std::string_view answered_handshake =
      "GET /ws HTTP/1.1\r\nHost: adopted\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";

  /// The transport of a connection; null once it is gone.
  static Transport* of(Connection& connection) noexcept {
    return static_cast<Transport*>(connection.owner());
  }

  void admit(net::Socket& socket, net::SocketTicket& ticket, const detail::Begun& begun,
             std::unique_ptr<net::Opening> adopted);
  /// Calls `admit()`, with the rules that hold for every adopted socket.
  template <class Admit>
  void take_over(net::SocketTicket& ticket, Admit admit);

  // Events of websocketpp.
  void listen_to(Connection& connection);
  void on_open(Connection& connection);
  void on_message(Connection& connection, const Message& message);
  void deliver(Connection& connection, const Message& message, std::string_view payload);
  [[nodiscard]] bool on_ping(Connection& connection);
  void on_pong(Connection& connection);
  void on_close(Connection& connection);
  bool on_handshake(Connection& connection);
  void on_http(Connection& connection);

  // Events of the socket.
  void on_secured(detail::SocketConnection& socket) override;
  void on_progress(detail::SocketConnection& socket) override;
  void on_fragments(detail::SocketConnection& socket, std::size_t count) override;
  void on_fault(detail::SocketConnection& socket) noexcept override;
  void on_socket_closed(detail::SocketConnection& socket) override;

  [[nodiscard]] Connection* find(Handle handle) const noexcept;
  static bool is_open(const Connection& connection) noexcept {
    return connection.get_state() == ::websocketpp::session::state::open;
  }
  static std::size_t buffered(const Connection& connection) noexcept {
    return connection.get_buffered_amount() + connection.in_flight();
  }
  [[nodiscard]] bool is_full(const Connection& connection) const noexcept {
    return buffered(connection) >= options_.high_water_bytes;
  }
  void report_lost() noexcept;
  void on_tick();

  detail::ConnectionTable connections_;
  detail::HttpExchange http_{options_, connections_};
  bool stopping_ = false;
  ::asio::io_context& io_;
  net::TickTimer tick_;
  std::shared_ptr<net::HandlerMemory> lost_memory_ = std::make_shared<net::HandlerMemory>();
  std::shared_ptr<Config::alog_type> log_ = std::make_shared<Config::alog_type>();
  Config::rng_type random_;
  std::shared_ptr<net::LoopPort>
      port_;  // Queued tasks check it to see whether this object still lives.
};

}  // namespace ordercast::websocketpp

#include <ordercast/websocketpp/detail/transport_impl.hpp>
