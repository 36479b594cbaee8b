// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/transport.hpp>
#include <ordercast/net/accept_handshake.hpp>
#include <ordercast/net/client_address.hpp>
#include <ordercast/net/deflate_terms.hpp>
#include <ordercast/net/deflated_frame.hpp>
#include <ordercast/net/http_connection.hpp>
#include <ordercast/net/response_writer.hpp>
#include <ordercast/net/unacknowledged.hpp>

#include <sys/epoll.h>

#include <chrono>
#include <ctime>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

/// Bodies of transport.hpp: input, HTTP and WebSocket frames. `net::HttpConnection` decides what to
/// read, to answer and to wait for; `WebSocketConnection` reads frames.
namespace ordercast::asio {

/// Passes what a `WebSocketConnection` reads to the sink, and queues what it sends.
class Transport::WebSocketEvents {
 public:
  WebSocketEvents(Transport& transport, Index index) noexcept
      : transport_(transport),
        index_(index),
        connection_(transport.connections_[index]),
        handle_(transport.connections_.handle_of(index)) {}

  void on_message(std::string_view text) const {
    tell([&](const auto& sink) { sink.on_message(sink.sink, handle_, text); });
  }
  void on_binary(std::string_view bytes) const {
    tell([&](const auto& sink) { sink.on_binary(sink.sink, handle_, bytes); });
  }
  void on_control() const {
    tell([&](const auto& sink) { sink.on_control(sink.sink, handle_); });
  }
  void on_pong() const {
    tell([&](const auto& sink) { sink.on_pong(sink.sink, handle_); });
  }
  void send(const Frame& frame) const { transport_.queue(index_, connection_, frame); }
  [[nodiscard]] bool has_room() const {
    return connection_.queue.unwritten_bytes() < transport_.options_.high_water_bytes;
  }
  void on_end() const {
    transport_.finish(index_, connection_, transport_.options_.close_timeout);
    transport_.report_close(index_, connection_);
  }

 private:
  template <class F>
  void tell(F&& f) const {
    transport_.guarded(index_, [&] { f(transport_.sink_); });
  }

  Transport& transport_;
  Index index_;
  Connection& connection_;
  Handle handle_;
};

inline void Transport::go_on_securing(Index index, Connection& connection) {
  switch (connection.socket.handshake()) {
    case net::SecureStatus::want_read:
      return watch(index, connection, EPOLLIN);
    case net::SecureStatus::want_write:
      return watch(index, connection, EPOLLOUT);
    case net::SecureStatus::done:
      connection.state = State::http;
      return watch(index, connection, EPOLLIN);
    case net::SecureStatus::failed:
      return end_stream(index, connection);  // so that the alert is not lost to a reset
    case net::SecureStatus::closed:
      break;
  }
  close_socket(index, connection);
}

inline void Transport::on_readable(Index index, Connection& connection) {
  if (connection.state == State::finishing || connection.state == State::lingering) {
    return discard(index, connection);
  }
  if (!read_buffer_) {
    read_buffer_ = std::make_unique<char[]>(read_buffer_bytes);  // NOLINT(modernize-avoid-c-arrays)
  }
  static_assert(read_buffer_bytes > net::secure_record_bytes);
  const auto most = most_to_read(connection);
  const auto count = connection.socket.read(read_buffer_.get(), read_buffer_bytes, most);
  if (count == -EAGAIN || count == -EINTR) return;
  if (count > 0) {
    if (loop_.crowded()) note_greed(index, connection, static_cast<std::size_t>(count) >= most);
    const net::Input input{read_buffer_.get(), static_cast<std::size_t>(count)};
    if (connection.state == State::http) return read_requests(index, connection, input);
    return connection.websocket.read(input, parsers_, WebSocketEvents(*this, index));
  }
  connection.client_ended = true;
  // The client still reads, so it gets what it asked for.
  const bool owed = count == 0 && connection.http && connection.http->on_input_end();
  if (!owed) return close_socket(index, connection);
  follow_http(index, connection);
}

/// A body is only copied; everything else costs work for each byte.
inline std::size_t Transport::most_to_read(const Connection& connection) const noexcept {
  const bool is_http = connection.state == State::http;
  if (is_http && connection.http && connection.http->in_body()) return read_buffer_bytes;
  return loop_.crowded() ? crowd_read_bytes : turn_read_bytes;
}

/// Who has more than others in a crowd is served behind them.
inline void Transport::note_greed(Index index, Connection& connection, bool is_full) noexcept {
  const auto verdict = connection.greed.note(is_full);
  if (verdict == Greed::Verdict::none) return;
  const auto handle = connections_.handle_of(index);
  const int fd = connection.socket.fd();
  const bool to_aside = verdict == Greed::Verdict::set_aside;
  if (to_aside ? loop_.set_aside(fd, handle, connection.interest)
               : loop_.take_back(fd, handle, connection.interest)) {
    connection.greed.set_aside(to_aside);
  }
}

/// Drops the client's input, so that the client gets our last bytes and not a reset.
inline void Transport::discard(Index index, Connection& connection) {
  const auto found = connection.socket.discard();
  if (found == net::Discarded::all) return;
  if (found == net::Discarded::gone || connection.state != State::finishing) {
    return close_socket(index, connection);
  }
  connection.client_ended = true;
  watch(index, connection, EPOLLOUT);
}

/// Calls the sink. If it throws, this connection ends, and nothing else.
template <class F>
void Transport::guarded(Index index, F&& f) noexcept {
  try {
    f();
  } catch (...) {
    report(std::current_exception());
    auto& connection = connections_[index];
    try {
      connection.websocket.fail(CloseCode::internal_error, WebSocketEvents(*this, index));
    } catch (...) {
      close_socket(index, connection);
    }
  }
}

/// Must not be called from inside a call of the core.
inline void Transport::report_close(Index index, Connection& connection) noexcept {
  if (!connection.websocket.take_close_report()) return;
  guarded(index, [&] { sink_.on_close(sink_.sink, connections_.handle_of(index)); });
}

inline void Transport::read_requests(Index index, Connection& connection, net::Input input) {
  using Kind = net::HttpConnection::Kind;
  if (!connection.http) {
    connection.http = std::make_unique<net::HttpConnection>(
        http_context_, net::ClientAddress::peer_text(connection.socket.fd()),
        timers_.deadline(index));
  }
  std::string_view bytes{input.data, input.size};
  while (connection.state == State::http) {
    auto event = connection.http->next(bytes, std::chrono::steady_clock::now());
    if (event.kind == Kind::none) break;
    connection.ticket.settle();
    if (event.kind == Kind::handshake) {
      return upgrade(index, connection, event.request, std::move(event.rest));
    }
    serve(index, connection, event.id, std::move(event.request));
  }
  if (connection.state == State::http) follow_http(index, connection);
}

inline void Transport::serve(Index index, Connection& connection, std::uint64_t id,
                             HttpRequest request) {
  count_http(connection, true);
  const auto handle = connections_.handle_of(index);
  serving_ = id;
  serving_handle_ = handle;
  auto own_answer = dispatch(
      std::move(request), [transport = std::weak_ptr(self_), port = port_,
                           thread = std::this_thread::get_id(), handle, id](HttpResponse response) {
        if (std::this_thread::get_id() == thread) {
          const auto alive = transport.lock();
          if (!alive) return;
          // Called from inside the handler, so the answer goes out in this turn of the loop.
          if ((*alive)->serving_ == id && (*alive)->serving_handle_ == handle) {
            return (*alive)->answer(handle, id, std::move(response));
          }
        }
        port->post([transport, handle, id, response = std::move(response)]() mutable {
          if (const auto alive = transport.lock()) {
            (*alive)->answer_later(handle, id, std::move(response));
          }
        });
      });
  if (own_answer) answer(handle, id, std::move(*own_answer));
  serving_ = 0;
}

/// `rest` holds the bytes that came after the handshake.
inline void Transport::upgrade(Index index, Connection& connection, const HttpRequest& request,
                               std::string rest) {
  // Answers to earlier requests may still be queued; from here on they count as the WebSocket's
  // bytes.
  connection.http.reset();
  count_http(connection, false);
  const auto refusal = gate_.refuse(request);
  if (!connection.socket.is_open()) return;  // The filter ended the server.
  if (refusal) {
    queue(index, connection,
          Frame::of(net::write_response(*refusal, false, std::time(nullptr),
                                        net::AfterResponse::close, options_.error_format)));
    return finish(index, connection, options_.handshake_timeout);
  }
  auto opening = net::opening_of(request);
  if (options_.permessage_deflate) opening.deflate = net::negotiate_deflate(request);
  queue(index, connection, Frame::of(net::accept_handshake(request, opening.deflate)));
  open_websocket(index, connection, opening, std::move(rest));
}

inline void Transport::open_websocket(Index index, Connection& connection,
                                      const net::Opening& opening, std::string rest) {
  timers_.cancel(index);
  connection.state = State::websocket;
  connection.websocket.open(opening.deflate);
  if (opening.deflate && net::fits_all(opening.deflate)) connection.queue.deflate();
  websockets_.fetch_add(1, std::memory_order_relaxed);
  guarded(index, [&] {
    sink_.on_open(sink_.sink, connections_.handle_of(index), opening.token, opening.hello);
  });
  if (!rest.empty() && connection.websocket.is_live()) {
    connection.websocket.read({rest.data(), rest.size()}, parsers_, WebSocketEvents(*this, index));
  }
}

/// Without memory for the answer the connection ends, because half of the answer may be queued.
inline void Transport::answer(Handle handle, std::uint64_t request,
                              HttpResponse response) noexcept {
  auto* const connection = connections_.find(handle);
  if (connection == nullptr || connection->state != State::http || !connection->http) return;
  const auto index = Connections::index_of(handle);
  try {
    connection->http->answer(request, std::move(response));
    send_output(index, *connection);
  } catch (...) {
    report(std::current_exception());
    close_socket(index, *connection);
  }
}

/// The same, from outside the handler: requests that waited for this answer may go on.
inline void Transport::answer_later(Handle handle, std::uint64_t request,
                                    HttpResponse response) noexcept {
  answer(handle, request, std::move(response));
  auto* const connection = connections_.find(handle);
  if (connection == nullptr || connection->state != State::http || !connection->http) return;
  const auto index = Connections::index_of(handle);
  try {
    read_requests(index, *connection, {});
  } catch (...) {  // Out of memory.
    report(std::current_exception());
    close_socket(index, *connection);
  }
}

/// Queues the answers whose turn it is, and finishes after the last.
inline void Transport::send_output(Index index, Connection& connection) {
  using Phase = net::HttpConnection::Phase;
  auto& http = *connection.http;
  http.take_output(std::chrono::steady_clock::now(), [&](net::HttpPiece piece) {
    queue(index, connection,
          piece.shared ? Frame::sharing(std::move(piece.shared)) : Frame::of(piece.bytes));
  });
  if (connection.state != State::http || http.phase() == Phase::open) return;
  connection.state = State::finishing;
  connection.ticket.settle();
  timers_.schedule(index, http.deadline());
  if (http.phase() == Phase::written) end_stream(index, connection);
}

/// Does what an HTTP connection wants now with its output, its input and its deadline.
inline void Transport::follow_http(Index index, Connection& connection) {
  send_output(index, connection);
  if (connection.state != State::http) return;
  auto& http = *connection.http;
  count_http(connection, http.is_busy());
  if (!http.is_busy()) connection.ticket.rest();
  connection.ticket.hold(http.held_bytes());
  const auto writes = static_cast<std::uint8_t>(connection.interest & EPOLLOUT);
  watch(index, connection, http.wants_input() ? writes | EPOLLIN : writes);
  timers_.schedule(index, http.deadline());
}

/// The kernel took some of the answers' bytes.
inline void Transport::on_http_written(Index index, Connection& connection) {
  auto& http = *connection.http;
  const auto unwritten = connection.queue.unwritten_bytes();
  const auto unacknowledged = unwritten > 0 ? net::unacknowledged_bytes(connection.socket.fd()) : 0;
  http.on_written(http.unwritten_bytes() - unwritten, unacknowledged,
                  std::chrono::steady_clock::now());
  if (connection.state == State::http) return read_requests(index, connection, {});
  timers_.schedule(index, http.deadline());
  if (unwritten == 0) end_stream(index, connection);
}

inline void Transport::on_http_deadline(Index index, Connection& connection, TimePoint now) {
  auto* const http = connection.http.get();
  const bool goes_on =
      http != nullptr && http->on_deadline(net::unacknowledged_bytes(connection.socket.fd()), now);
  if (!goes_on) return close_socket(index, connection);
  if (connection.state == State::http) return follow_http(index, connection);
  timers_.schedule(index, http->deadline());
}

inline void Transport::count_http(Connection& connection, bool busy) noexcept {
  if (busy == connection.counted) return;
  connection.counted = busy;
  http_requests_.fetch_add(busy ? 1 : std::size_t(-1), std::memory_order_relaxed);
}

/// Closes the connection whose answers have waited longest for a client that reads nothing. Returns
/// false if every client is reading. Linear in the connections; called only when memory for answers
/// runs short.
inline bool Transport::evict_stalled(const net::AnswerQueue& asking) {
  const auto longest =
      stalled_answers_.find_longest<Index>(std::chrono::steady_clock::now(), [&](auto&& visit) {
        connections_.for_each_open([&](Index index, Connection& one) {
          if (!one.http || one.http->is(asking)) return;
          auto& http = *one.http;
          if (http.owned_bytes() == 0 || http.unwritten_bytes() == 0) return;
          visit(
              index,
              [&](TimePoint now) {
                http.note_progress(net::unacknowledged_bytes(one.socket.fd()), now);
              },
              [&] { return http.stalled_since(); });
        });
      });
  if (!longest) return false;
  close_socket(*longest, connections_[*longest]);
  return true;
}

// What the connection manager calls: frames of the WebSocket protocol ---------------------------

inline void Transport::ping(Handle handle) noexcept {
  auto* const connection = connections_.find(handle);
  if (connection == nullptr || !connection->websocket.is_open()) return;
  try {
    queue(Connections::index_of(handle), *connection, ping_);
  } catch (...) {
    close_socket(Connections::index_of(handle), *connection);
  }
}

inline void Transport::close(Handle handle, CloseCode code, std::string_view reason) noexcept {
  auto* const connection = connections_.find(handle);
  if (connection == nullptr || !connection->websocket.is_open()) return;
  const auto index = Connections::index_of(handle);
  try {
    connection->websocket.close(code, reason, WebSocketEvents(*this, index));
    set_deadline(index, options_.close_timeout);
  } catch (...) {
    close_socket(index, *connection);
  }
}

}  // namespace ordercast::asio
