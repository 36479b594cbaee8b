// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/transport.hpp>
#include <ordercast/net/deflated_frame.hpp>
#include <ordercast/net/unacknowledged.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// Bodies of transport.hpp: connections, the loop's calls, the connection manager's calls.
namespace ordercast::asio {

inline Transport::Transport(::asio::io_context& io, TransportOptions options)
    : SocketTransport(std::move(options)),
      http_context_(options_,
                    [this](const net::AnswerQueue& asking) { return evict_stalled(asking); }),
      writer_(options_.io, options_.tls != nullptr),
      loop_(io, {[this](Handle handle, std::uint32_t events) { on_event(handle, events); },
                 [this] { on_turn(); }, [this] { on_tick(); },
                 [this] { return connections_.size() > 0 && !stopping_; }}),
      port_(std::make_shared<net::LoopPort>(io)),
      self_(std::make_shared<Transport*>(this)) {
  parsers_.set_options({options_.max_message_bytes, false});
}

inline Transport::~Transport() {
  port_->close();
}

template <class Sink>
void Transport::bind(Sink& sink) {
  SocketTransport::bind(sink);
  parsers_.set_options({options_.max_message_bytes, sink_.on_binary != nullptr});
}

inline void Transport::begin_drain() noexcept {
  SocketTransport::begin_drain();
  http_context_.draining = true;
}

inline bool Transport::uses_io_uring() const noexcept {
  return writer_.uses_io_uring();
}

// Connections ------------------------------------------------------------------------------------

inline void Transport::adopt(net::Socket socket, net::SocketTicket ticket,
                             std::string_view bytes_read) {
  take_over(std::move(socket), std::move(ticket), [&](Index index, Connection& connection) {
    if (bytes_read.empty() || connection.state != State::http) return;
    std::string bytes(bytes_read);
    read_requests(index, connection, {bytes.data(), bytes.size()});
  });
}

inline void Transport::adopt_websocket(net::Socket socket, net::SocketTicket ticket,
                                       const net::Opening& opening, std::string_view bytes_read) {
  take_over(std::move(socket), std::move(ticket), [&](Index index, Connection& connection) {
    if (connection.state != State::http) return;
    if (!gate_.is_draining()) {
      return open_websocket(index, connection, opening, std::string(bytes_read));
    }
    queue(index, connection, net::make_close_frame(CloseCode::service_restart, {}));
    finish(index, connection, options_.close_timeout);
  });
}

/// Calls `begin` once the connection has a record.
template <class Begin>
void Transport::take_over(net::Socket socket, net::SocketTicket ticket, Begin begin) {
  if (stopping_) return ticket.release();
  Index index = 0;
  try {
    index = connections_.acquire();
  } catch (...) {      // Out of memory.
    ticket.release();  // Before the socket is closed.
    throw;
  }
  auto& connection = connections_[index];
  connection.ticket = std::move(ticket);
  std::error_code error;
  connection.socket = StreamSocket(socket.release(error));
  if (error) return close_socket(index, connection);
  try {
    admit(index, connection);
    begin(index, connection);
  } catch (...) {
    close_socket(index, connection);
    throw;
  }
}

/// Starts to serve a connection, or closes it.
inline void Transport::admit(Index index, Connection& connection) {
  set_deadline(index, options_.handshake_timeout);
  loop_.wait();
  loop_.ensure_tick();
  if (options_.tls) {
    if (!connection.socket.secure(*options_.tls)) return close_socket(index, connection);
    connection.state = State::securing;
  }
  const int on = 1;
  ::setsockopt(connection.socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!loop_.add(connection.socket.fd(), connections_.handle_of(index), EPOLLIN)) {
    return close_socket(index, connection);
  }
  connection.interest = EPOLLIN;
}

inline void Transport::stop() {
  stopping_ = true;
  loop_.cancel_tick();
  connections_.for_each_open(
      [this](Index index, Connection& connection) { close_socket(index, connection); });
  loop_.schedule_turn();
}

inline void Transport::set_deadline(Index index, Duration within) {
  timers_.schedule(index, std::chrono::steady_clock::now() + within);
}

/// Sets what epoll reports besides errors.
inline void Transport::watch(Index index, Connection& connection, std::uint8_t interest) noexcept {
  if (connection.interest == interest || !connection.socket.is_open()) return;
  connection.interest = interest;
  loop_.change(connection.socket.fd(), connections_.handle_of(index), interest,
               connection.greed.is_aside());
}

/// Writes what is queued, within a time limit, and then ends our half of the stream.
inline void Transport::finish(Index index, Connection& connection,
                              std::chrono::milliseconds within) {
  if (!connection.socket.is_open()) return;
  connection.state = State::finishing;
  set_deadline(index, within);
  if (connection.queue.unwritten_bytes() == 0) end_stream(index, connection);
}

/// Ends our half of the stream. The socket closes when the client has closed too, or soon after.
inline void Transport::end_stream(Index index, Connection& connection) {
  connection.socket.notify_close();
  if (connection.client_ended || options_.linger_timeout.count() == 0 ||
      !connection.socket.end_output()) {
    return close_socket(index, connection);
  }
  connection.state = State::lingering;
  watch(index, connection, EPOLLIN);
  if (connection.http) connection.http->linger(std::chrono::steady_clock::now());
  set_deadline(index, options_.linger_timeout);
}

/// The record stays until the turn ends, because the caller may still be using it.
inline void Transport::close_socket(Index index, Connection& connection) noexcept {
  if (connection.state == State::dead) return;
  connections_.mark_dead(index);
  connection.ticket.release();
  connection.socket.close();
  writer_.drop(connection.queue);
  if (connection.http) connection.http->abandon();
  timers_.cancel(index);
  connection.websocket.end();
  if (connection.websocket.was_opened()) websockets_.fetch_sub(1, std::memory_order_relaxed);
  count_http(connection, false);
  loop_.schedule_turn();
}

// What the loop calls ----------------------------------------------------------------------------

inline void Transport::on_event(Handle handle, std::uint32_t events) noexcept {
  auto* const found = connections_.find(handle);
  if (found == nullptr) return;  // Closed by an event before.
  auto& connection = *found;
  const auto index = Connections::index_of(handle);
  try {
    if (connection.state == State::securing) return go_on_securing(index, connection);
    const bool reads = (connection.interest & EPOLLIN) != 0;
    if ((events & EPOLLOUT) != 0) on_writable(index, connection);
    if (reads && (events & ~std::uint32_t{EPOLLOUT}) != 0 && connection.socket.is_open()) {
      on_readable(index, connection);
    } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
      close_socket(index, connection);
    }
  } catch (...) {  // Out of memory. What the application throws is caught at the call.
    report(std::current_exception());
    close_socket(index, connection);
  }
}

inline void Transport::on_turn() noexcept {
  // Only the connections that died before this flush, and none that the sink's calls below add: the
  // log may name those until the next flush, and if their record were used again, the new
  // connection would get their frames.
  const auto dead = connections_.dead_count();
  writer_.flush(connections_, [this](Index index, int failure) { on_flushed(index, failure); });
  for (std::size_t i = 0; i < progressed_.size(); ++i) {
    const auto index = progressed_[i];
    try {
      on_progress(index, connections_[index]);
    } catch (...) {  // Out of memory.
      report(std::current_exception());
      close_socket(index, connections_[index]);
    }
  }
  progressed_.clear();
  connections_.release_dead(dead, [this](Index index) {
    report_close(index, connections_[index]);
    connections_[index].websocket.give_back_parser(parsers_);
  });
  if (!stopping_ && connections_.size() > 0) loop_.ensure_tick();
  if (connections_.size() == 0) loop_.stop_waiting();
}

inline void Transport::on_tick() noexcept {
  if (connections_.size() == 0) return;
  const auto now = std::chrono::steady_clock::now();
  timers_.advance(now, [&](Index index) {
    try {
      on_deadline(index, now);
    } catch (...) {  // Out of memory.
      report(std::current_exception());
      close_socket(index, connections_[index]);
    }
  });
  if (connections_.dead_count() > 0 || !writer_.is_idle()) loop_.schedule_turn();
  auto next = (std::min)(now + net::TickTimer::max_delay, timers_.next_deadline());
  try {
    next = (std::min)(next, sink_.tick(sink_.sink, now));
  } catch (...) {
    report(std::current_exception());
  }
  loop_.schedule_tick(next - now);
}

inline void Transport::on_deadline(Index index, TimePoint now) {
  auto& connection = connections_[index];
  switch (connection.state) {
    case State::http:
      return on_http_deadline(index, connection, now);
    case State::websocket:  // The client did not answer our close frame.
      connection.websocket.end();
      report_close(index, connection);
      // A client that reads has got our close frame; a reset could take it away again.
      return connection.queue.unwritten_bytes() == 0 ? end_stream(index, connection)
                                                     : close_socket(index, connection);
    case State::finishing:
    case State::lingering:
      return connection.http ? on_http_deadline(index, connection, now)
                             : close_socket(index, connection);
    default:
      return close_socket(index, connection);
  }
}

// Writing ----------------------------------------------------------------------------------------

/// For any message in any state; the caller has checked that it may be sent.
inline void Transport::queue(Index index, Connection& connection, const Frame& frame) {
  writer_.push(index, connection.queue, frame);
  loop_.schedule_turn();
}

/// The end of the turn has written what it could. The sink must not be told before all connections
/// are written.
inline void Transport::on_flushed(Index index, int failure) noexcept {
  auto& connection = connections_[index];
  if (failure != 0) {
    if (failure == ENOMEM) report(std::make_exception_ptr(std::bad_alloc()));
    return close_socket(index, connection);
  }
  if (connection.queue.has_backlog()) watch(index, connection, connection.interest | EPOLLOUT);
  if (connection.state == State::websocket && !connection.websocket.awaits_room()) return;
  try {
    progressed_.push_back(index);
  } catch (...) {
    report(std::current_exception());
    close_socket(index, connection);
  }
}

/// The socket has room again.
inline void Transport::on_writable(Index index, Connection& connection) {
  const auto before = connection.queue.unwritten_bytes();
  if (writer_.write_backlog(connection.socket, connection.queue) != 0) {
    return close_socket(index, connection);
  }
  if (!connection.queue.has_backlog()) {
    watch(index, connection, connection.interest & static_cast<std::uint8_t>(~EPOLLOUT));
  }
  if (connection.queue.unwritten_bytes() != before) on_progress(index, connection);
}

/// The kernel took bytes. Called from the loop only, because it may call the sink.
inline void Transport::on_progress(Index index, Connection& connection) {
  const auto unwritten = connection.queue.unwritten_bytes();
  switch (connection.state) {
    case State::http:
      if (connection.http) on_http_written(index, connection);
      break;
    case State::finishing:
      if (connection.http) return on_http_written(index, connection);
      if (unwritten == 0) end_stream(index, connection);
      break;
    case State::websocket:
      if (!connection.websocket.is_open() || !connection.websocket.awaits_room() ||
          unwritten > options_.low_water_bytes) {
        break;
      }
      connection.websocket.forget_room();
      guarded(index, [&] { sink_.on_writable(sink_.sink, connections_.handle_of(index)); });
      break;
    default:
      break;
  }
}

// What the connection manager calls --------------------------------------------------------------

inline Transport::Frame Transport::prepare(const std::string& text) {
  return net::make_frame(net::Opcode::text, text);
}

inline Transport::Frame Transport::prepare_binary(std::string_view bytes) {
  return net::make_frame(net::Opcode::binary, bytes);
}

inline SendResult Transport::send(Handle handle, const Frame& frame) noexcept {
  auto* const connection = connections_.find(handle);
  if (connection == nullptr || !connection->websocket.is_open()) return SendResult::closed;
  const auto index = Connections::index_of(handle);
  if (connection->queue.unwritten_bytes() >= options_.high_water_bytes) {
    // Only what the kernel refuses is backpressure, not what this turn has queued so far.
    if (writer_.write_early(connection->socket, connection->queue) != 0) {
      close_socket(index, *connection);
      return SendResult::closed;
    }
    if (connection->queue.unwritten_bytes() >= options_.high_water_bytes) {
      connection->websocket.await_room();
      return SendResult::backpressure;
    }
  }
  try {
    const auto& deflate = connection->websocket.deflate();
    // A client with a small window gets some messages compressed and some not.
    const bool picks = deflate && !net::fits_all(deflate);
    if (picks && net::fits(deflate, frame.message().size())) {
      queue(index, *connection, net::deflated(frame));
    } else {
      queue(index, *connection, frame);
    }
    return SendResult::accepted;
  } catch (...) {  // Out of memory.
    close_socket(index, *connection);
    return SendResult::closed;
  }
}

inline std::size_t Transport::buffered_bytes(Handle handle) const noexcept {
  const auto* const connection = connections_.find(handle);
  return connection == nullptr ? 0 : connection->queue.unwritten_bytes();
}

inline std::size_t Transport::unacknowledged_bytes(Handle handle) const noexcept {
  const auto* const connection = connections_.find(handle);
  return connection == nullptr ? 0
                               : connection->queue.unwritten_bytes() +
                                     net::unacknowledged_bytes(connection->socket.fd());
}

inline std::optional<std::uint64_t> Transport::acknowledged_bytes(Handle handle) const noexcept {
  const auto* const connection = connections_.find(handle);
  if (connection == nullptr) return std::nullopt;
  return net::acknowledged_bytes(connection->socket.fd());
}

inline void Transport::terminate(Handle handle) noexcept {
  auto* const connection = connections_.find(handle);
  if (connection != nullptr && connection->websocket.is_live()) {
    close_socket(Connections::index_of(handle), *connection);
  }
}

}  // namespace ordercast::asio
