// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/detail/connection.hpp>
#include <ordercast/asio/detail/secure_io.hpp>
#include <ordercast/asio/detail/socket_writer.hpp>
#include <ordercast/asio/detail/turn_log.hpp>
#include <ordercast/asio/frame.hpp>
#include <ordercast/asio/frame_parser.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/detail/slab.hpp>
#include <ordercast/detail/timer_wheel.hpp>
#include <ordercast/error.hpp>
#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/handler_memory.hpp>
#include <ordercast/net/http_connection.hpp>
#include <ordercast/net/loop_port.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/net/socket.hpp>
#include <ordercast/net/socket_transport.hpp>
#include <ordercast/net/tick_timer.hpp>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// The asio transport: RFC 6455 and HTTP/1.1 on the sockets of one `io_context`, with no WebSocket
/// library in between. One transport per I/O thread.
///
/// Built for fan-out. A frame is built once and shared. `send` writes down that a connection gets
/// it; when the turn of the loop ends, each connection that was sent something gets all of it in
/// one gathered write, and many writes go to the kernel in one system call where io_uring is
/// allowed. An idle connection owns a record in a slab and nothing else.
///
/// Threads: all members but `prepare` and the two counters belong to the thread that runs the
/// `io_context`, as do all calls of the sink. Handles go stale safely: a handle of a connection
/// that is gone is `closed` for ever, it never means another connection.
///
///     ::asio::io_context io;
///     asio::Transport transport(io);
///     ConnectionManager<asio::Transport, MyServices> manager(transport, services);
///     transport.bind(manager);
///     transport.adopt(std::move(accepted_socket));
///     io.run();
namespace ordercast::asio {

using net::TransportOptions;

class Transport final : public net::SocketTransport<std::uint64_t> {
 public:
  using Frame = asio::Frame;

  /// The `io_context` must outlive the transport. Throws std::system_error without descriptors.
  explicit Transport(::asio::io_context& io, TransportOptions options = {});
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  /// Closes every socket; the sink hears nothing of it.
  ~Transport();

  // Connections ---------------------------------------------------------------------------------

  /// Takes over a connected socket. Throws if there is no memory for it; then it is closed.
  void adopt(net::Socket socket, net::SocketTicket ticket = {});

  /// See `net::SocketTransport`.
  void begin_drain() noexcept {
    SocketTransport::begin_drain();
    http_context_.draining = true;
  }

  /// Ends every connection at once, and every one that is still to be adopted. The sink hears
  /// `on_close`; then nothing of the transport keeps the `io_context` running.
  void stop();

  /// Whether writes go through io_uring; known after the first write to several connections.
  [[nodiscard]] bool uses_io_uring() const noexcept { return writer_.uses_ring(); }

  // What the connection manager calls -------------------------------------------------------------

  /// Builds the frame (RFC 6455 section 5.2): the only copy of its bytes, whatever the number of
  /// recipients. O(text). Any thread.
  [[nodiscard]] static Frame prepare(const std::string& text) {
    return make_frame(Opcode::text, text);
  }
  /// The same, for a binary message.
  [[nodiscard]] static Frame prepare_binary(std::string_view bytes) {
    return make_frame(Opcode::binary, bytes);
  }

  /// Queues a frame. The bytes are written when this turn of the event loop ends, together with all
  /// others of the connection. Amortised O(1); allocates nothing in the long run.
  SendResult send(Handle handle, const Frame& frame) noexcept;

  /// All bytes of a connection that the kernel has not taken; 0 for a stale handle. O(1).
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const noexcept;

  /// The same and what the kernel has taken and the peer has not acknowledged: what falls while a
  /// slow peer reads, also while the kernel takes nothing more. One system call.
  [[nodiscard]] std::size_t unacknowledged_bytes(Handle handle) const noexcept;

  /// A ping with no payload; not subject to backpressure.
  void ping(Handle handle) noexcept;

  /// Starts the close handshake behind what `send` has accepted. Bounded by `close_timeout`. A
  /// reason over 123 bytes is cut, between characters (RFC 6455 section 5.5).
  void close(Handle handle, CloseCode code, std::string_view reason) noexcept;

  /// Tears the socket down with no handshake.
  void terminate(Handle handle) noexcept;

 private:
  using Connection = detail::Connection;
  using State = Connection::State;
  using Index = std::uint32_t;

  static constexpr std::size_t read_buffer_bytes = 64 * 1024;
  /// What one turn may do, so that nobody waits for others' whole input: what many have sent is
  /// read a little of each at a time. Enough for a request with its token, or dozens of messages.
  static constexpr std::size_t events_a_turn = 16;
  static constexpr std::size_t turn_read_bytes = 1024;
  static constexpr std::chrono::seconds stall_grace{1};
  static constexpr std::size_t max_spare_parsers = 64;
  static constexpr std::size_t writes_a_time = 512;

  // Connections.
  [[nodiscard]] static Handle handle_of(Index index, const Connection& connection) noexcept {
    return Handle{connection.serial} << 32U | index;
  }
  [[nodiscard]] Connection* find(Handle handle) noexcept;
  [[nodiscard]] const Connection* find(Handle handle) const noexcept;
  void admit(Index index, Connection& connection);
  void watch(Index index, Connection& connection, std::uint8_t interest) noexcept;
  void end_stream(Index index, Connection& connection);
  void finish(Index index, Connection& connection, std::chrono::milliseconds within);
  void close_socket(Index index, Connection& connection) noexcept;
  void report_close(Index index, Connection& connection) noexcept;
  template <class F>
  void guarded(Index index, F&& f) noexcept;

  // The loop.
  void wait_events();
  void on_events();
  void go_on_securing(Index index, Connection& connection);
  void on_readable(Index index, Connection& connection);
  [[nodiscard]] std::size_t most_to_read(const Connection& connection) const noexcept;
  void discard(Index index, Connection& connection);
  void schedule_turn() noexcept;
  void end_turn();
  void bury(Index last) noexcept;
  void on_tick();
  void on_deadline(Index index, TimePoint now);
  void set_deadline(Index index, Duration within) {
    timers_.schedule(index, std::chrono::steady_clock::now() + within);
  }

  // Writing.
  void queue(Index index, Connection& connection, const Frame& frame);
  void flush() noexcept;
  void flush_some(std::size_t first, std::size_t last) noexcept;
  [[nodiscard]] bool gather_gaps(std::size_t first, std::size_t last) noexcept;
  [[nodiscard]] ssize_t write_few(const detail::TurnLog::Entry& entry) noexcept;
  void write_all(std::size_t first) noexcept;
  void settle(const detail::Write& write, const detail::TurnLog::Entry& entry) noexcept;
  void keep_unwritten(const detail::TurnLog::Entry& entry, std::size_t written);
  void write_backlog(Index index, Connection& connection);
  void on_progress(Index index, Connection& connection);

  // WebSockets.
  void upgrade(Index index, Connection& connection, const HttpRequest& request, std::string rest);
  void read_frames(Index index, Connection& connection, Input input);
  void on_item(Index index, Connection& connection, const FrameParser::Item& item);
  void fail(Index index, Connection& connection, CloseCode code);
  [[nodiscard]] std::unique_ptr<FrameParser> take_parser();
  void give_back(std::unique_ptr<FrameParser> parser) noexcept;

  // HTTP.
  void read_requests(Index index, Connection& connection, Input input);
  void serve(Index index, Connection& connection, std::uint64_t id, HttpRequest request);
  void answer(Handle handle, std::uint64_t request, HttpResponse response) noexcept;
  void answer_later(Handle handle, std::uint64_t request, HttpResponse response) noexcept;
  void send_output(Index index, Connection& connection);
  void follow_http(Index index, Connection& connection);
  void on_http_written(Index index, Connection& connection);
  void on_http_deadline(Index index, Connection& connection, TimePoint now);
  void count_http(Connection& connection, bool busy) noexcept;
  [[nodiscard]] bool evict_stalled(const net::AnswerQueue& asking);

  net::HttpContext http_context_;
  ordercast::detail::Slab<Connection> connections_;
  ordercast::detail::TimerWheel timers_;
  detail::TurnLog log_;
  detail::BacklogPool backlogs_;
  detail::SocketWriter writer_;
  std::vector<detail::Write> writes_;
  std::vector<iovec> gaps_;        // Slices of those that were not sent a contiguous run.
  std::vector<Index> progressed_;  // Whoever the last flush wrote something of.
  Index first_dead_ = detail::Connection::npos;  // A list through the records: those that are to
  Index last_dead_ = detail::Connection::npos;   // be reported and released when the turn ends.
  std::vector<std::unique_ptr<FrameParser>> spare_parsers_;
  std::unique_ptr<char[]> read_buffer_;  // NOLINT(modernize-avoid-c-arrays)
  Frame ping_ = make_frame(Opcode::ping, {});
  std::uint32_t last_serial_ = 0;
  TimePoint stalls_seen_{};  // When `evict_stalled` last asked the kernel.
  bool stopping_ = false;
  bool waiting_ = false;
  bool turn_scheduled_ = false;
  std::uint64_t serving_ = 0;  // The request whose handler is on the stack, and its connection.
  Handle serving_handle_ = 0;
  ::asio::io_context& io_;
  net::TickTimer tick_;
  ::asio::posix::stream_descriptor epoll_;
  // What the loop itself waits with; it must not fail.
  std::shared_ptr<net::HandlerMemory> wait_memory_ = std::make_shared<net::HandlerMemory>();
  std::shared_ptr<net::HandlerMemory> turn_memory_ = std::make_shared<net::HandlerMemory>();
  std::shared_ptr<net::LoopPort> port_;
  std::shared_ptr<Transport*> self_;  // For what is still queued, or held elsewhere: our life.
};

}  // namespace ordercast::asio

#include <ordercast/asio/detail/transport_http.hpp>
#include <ordercast/asio/detail/transport_impl.hpp>
#include <ordercast/asio/detail/transport_websocket.hpp>
#include <ordercast/asio/detail/transport_write.hpp>
