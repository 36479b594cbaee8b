// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/connections.hpp>
#include <ordercast/asio/event_loop.hpp>
#include <ordercast/asio/frame_parser_pool.hpp>
#include <ordercast/asio/turn_writer.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/detail/timer_wheel.hpp>
#include <ordercast/error.hpp>
#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/frame.hpp>
#include <ordercast/net/frame_parser.hpp>
#include <ordercast/net/handshake_gate.hpp>
#include <ordercast/net/http_connection.hpp>
#include <ordercast/net/loop_port.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/net/socket.hpp>
#include <ordercast/net/socket_transport.hpp>
#include <ordercast/net/stalled_answers.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// The asio transport: RFC 6455 and HTTP/1.1 on the sockets of one `io_context`, with no WebSocket
/// library in between. One transport per I/O thread.
///
/// It is built for fan-out. A frame is built once and shared. `send` notes that a connection gets
/// it. When the turn of the loop ends, each such connection gets all its frames in one gathered
/// write, and many writes go to the kernel in one system call where io_uring is allowed. An idle
/// connection owns a record in a slab and nothing else.
///
/// Threads: all members but `prepare` and the two counters belong to the thread that runs the
/// `io_context`, as do all calls of the sink. A handle may be used after its connection has ended:
/// it stays `closed` and never means another connection.
///
///     ::asio::io_context io;
///     asio::Transport transport(io);
///     ConnectionManager<asio::Transport, MyServices> manager(transport, services);
///     transport.bind(manager);
///     transport.adopt(std::move(accepted_socket));
///     io.run();
namespace ordercast::asio {

using net::TransportOptions;

/// Combines the other classes of this folder: `EventLoop` waits, `Connections` keeps the records,
/// `StreamSocket` reads and writes, `TurnWriter` gathers, `net::HttpConnection` and
/// `WebSocketConnection` decide what the bytes mean.
class Transport final : public net::SocketTransport<std::uint64_t> {
 public:
  using Frame = net::Frame;

  /// The `io_context` must outlive the transport. Throws std::system_error if no descriptor is
  /// left.
  explicit Transport(::asio::io_context& io, TransportOptions options = {});
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  /// Closes every socket without telling the sink.
  ~Transport();

  // Setting up, before the first connection -----------------------------------------------------

  /// See `net::SocketTransport`.
  template <class Sink>
  void bind(Sink& sink);

  // Connections ---------------------------------------------------------------------------------

  /// Takes over a connected socket, from which `bytes_read` were already read. Without memory it
  /// throws and closes the socket.
  void adopt(net::Socket socket, net::SocketTicket ticket = {}, std::string_view bytes_read = {});

  /// The same for a WebSocket whose handshake was answered elsewhere. While draining it gets 1012.
  void adopt_websocket(net::Socket socket, net::SocketTicket ticket, const net::Opening& opening,
                       std::string_view bytes_read = {});

  /// See `net::SocketTransport`.
  void begin_drain() noexcept;

  /// Ends every connection at once, those still to be adopted included. The sink gets `on_close`;
  /// after that the transport no longer keeps the `io_context` running.
  void stop();

  /// Whether writes go through io_uring; known after the first write to several connections.
  [[nodiscard]] bool uses_io_uring() const noexcept;

  // What the connection manager calls -------------------------------------------------------------

  /// Builds the frame (RFC 6455 section 5.2): one copy of the bytes for any number of recipients.
  /// O(text). Any thread.
  [[nodiscard]] static Frame prepare(const std::string& text);
  /// The same, for a binary message.
  [[nodiscard]] static Frame prepare_binary(std::string_view bytes);

  /// Queues a frame. The bytes are written when this turn of the event loop ends, together with the
  /// connection's other frames. Amortised O(1); allocates nothing in the long run.
  SendResult send(Handle handle, const Frame& frame) noexcept;

  /// The bytes of a connection that the kernel has not taken; 0 for a stale handle. O(1).
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const noexcept;

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
  void terminate(Handle handle) noexcept;

 private:
  using Index = Connections::Index;
  using State = Connection::State;

  /// How much of one connection one turn may read, so that no client waits for all input of the
  /// others. Enough for a request with its token, or for dozens of messages.
  static constexpr std::size_t turn_read_bytes = 1024;
  /// The same while many clients send: the next client waits for only a few messages or requests of
  /// each.
  static constexpr std::size_t crowd_read_bytes = 256;
  static constexpr std::size_t read_buffer_bytes = 64 * 1024;

  class WebSocketEvents;

  // Connections.
  template <class Begin>
  void take_over(net::Socket socket, net::SocketTicket ticket, Begin begin);
  void admit(Index index, Connection& connection);
  void watch(Index index, Connection& connection, std::uint8_t interest) noexcept;
  void finish(Index index, Connection& connection, std::chrono::milliseconds within);
  void end_stream(Index index, Connection& connection);
  void close_socket(Index index, Connection& connection) noexcept;
  void report_close(Index index, Connection& connection) noexcept;
  template <class F>
  void guarded(Index index, F&& f) noexcept;
  void set_deadline(Index index, Duration within);

  // What the loop calls.
  void on_event(Handle handle, std::uint32_t events) noexcept;
  void on_turn() noexcept;
  void on_tick() noexcept;
  void on_deadline(Index index, TimePoint now);

  // Reading and writing.
  void go_on_securing(Index index, Connection& connection);
  void on_readable(Index index, Connection& connection);
  [[nodiscard]] std::size_t most_to_read(const Connection& connection) const noexcept;
  void note_greed(Index index, Connection& connection, bool is_full) noexcept;
  void discard(Index index, Connection& connection);
  void queue(Index index, Connection& connection, const Frame& frame);
  void on_writable(Index index, Connection& connection);
  void on_flushed(Index index, int failure) noexcept;
  void on_progress(Index index, Connection& connection);

  // HTTP and its upgrade.
  void read_requests(Index index, Connection& connection, net::Input input);
  void serve(Index index, Connection& connection, std::uint64_t id, HttpRequest request);
  void upgrade(Index index, Connection& connection, const HttpRequest& request, std::string rest);
  void open_websocket(Index index, Connection& connection, const net::Opening& opening,
                      std::string rest);
  void answer(Handle handle, std::uint64_t request, HttpResponse response) noexcept;
  void answer_later(Handle handle, std::uint64_t request, HttpResponse response) noexcept;
  void send_output(Index index, Connection& connection);
  void follow_http(Index index, Connection& connection);
  void on_http_written(Index index, Connection& connection);
  void on_http_deadline(Index index, Connection& connection, TimePoint now);
  void count_http(Connection& connection, bool busy) noexcept;
  [[nodiscard]] bool evict_stalled(const net::AnswerQueue& asking);

  net::HttpContext http_context_;
  Connections connections_;
  ordercast::detail::TimerWheel timers_;
  TurnWriter writer_;
  FrameParserPool parsers_;
  std::vector<Index> progressed_;        // Connections of which the last flush wrote something.
  std::unique_ptr<char[]> read_buffer_;  // NOLINT(modernize-avoid-c-arrays)
  Frame ping_ = net::make_frame(net::Opcode::ping, {});
  net::StalledAnswers stalled_answers_;
  bool stopping_ = false;
  std::uint64_t serving_ = 0;  // The request whose handler is running, and its connection.
  Handle serving_handle_ = 0;
  EventLoop loop_;
  std::shared_ptr<net::LoopPort> port_;
  std::shared_ptr<Transport*>
      self_;  // Expires with the transport; answers that come later check it.
};

}  // namespace ordercast::asio

#include <ordercast/asio/detail/transport_impl.hpp>
#include <ordercast/asio/detail/transport_protocols.hpp>
