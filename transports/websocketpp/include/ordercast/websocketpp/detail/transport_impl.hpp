// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/utf8.hpp>
#include <ordercast/net/client_address.hpp>
#include <ordercast/net/close_reason.hpp>
#include <ordercast/net/inflater.hpp>
#include <ordercast/net/response_writer.hpp>
#include <ordercast/websocketpp/detail/byte_order.hpp>
#include <ordercast/websocketpp/detail/end_connection.hpp>
#include <ordercast/websocketpp/transport.hpp>

#include <asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

/// The bodies of transport.hpp.
namespace ordercast::websocketpp {

inline Transport::Transport(::asio::io_context& io, TransportOptions options)
    : SocketTransport(std::move(options)),
      io_(io),
      tick_(io, [this] { on_tick(); }),
      port_(std::make_shared<net::LoopPort>(io)) {
  detail::settle_byte_order();
}

inline Transport::~Transport() {
  port_->close();
  connections_.for_each([](Connection& connection) {
    connection.disown();
    connection.close_socket();
  });
}

// Connections ------------------------------------------------------------------------------------

inline void Transport::adopt(net::Socket socket, net::SocketTicket ticket,
                             std::string_view bytes_read) {
  take_over(ticket, [&] { admit(socket, ticket, {bytes_read}, nullptr); });
}

/// websocketpp opens a connection by a handshake and in no other way: it gets one to read that it
/// must accept, and what it answers is dropped.
inline void Transport::adopt_websocket(net::Socket socket, net::SocketTicket ticket,
                                       const net::Opening& opening, std::string_view bytes_read) {
  take_over(ticket, [&] {
    const auto bytes = std::string(answered_handshake).append(bytes_read);
    admit(socket, ticket, {bytes, true}, std::make_unique<net::Opening>(opening));
  });
}

template <class Admit>
void Transport::take_over(net::SocketTicket& ticket, Admit admit) {
  if (stopping_) return ticket.release();
  try {
    admit();
  } catch (...) {      // Out of memory.
    ticket.release();  // Before the socket is closed.
    throw;
  }
}

inline void Transport::admit(net::Socket& socket, net::SocketTicket& ticket,
                             const detail::Begun& begun, std::unique_ptr<net::Opening> adopted) {
  std::unique_ptr<net::SecureSession> session;
  if (options_.tls) {
    session = options_.tls->accept(socket.native_handle());
    if (!session) return ticket.release();
  }
  auto peer = net::ClientAddress::peer_text(socket.native_handle());
  const auto connection = std::make_shared<Connection>(true, std::string(), log_, log_, random_);
  connection->attach(std::move(socket), std::move(ticket), *this,
                     {options_.handshake_timeout, options_.linger_timeout, options_.write_timeout},
                     std::move(session), begun);
  if (adopted) {
    connection->get_request().set_deflate(adopted->deflate);
  } else if (options_.permessage_deflate) {
    connection->get_request().allow_deflate();
  }
  connection->record.adopted = std::move(adopted);
  connection->get_request().expect(
      {(std::max)(options_.max_head_bytes, answered_handshake.size()), options_.max_body_bytes},
      std::move(peer), options_.error_format,
      [c = connection.get()](std::size_t bytes) { c->ticket().hold(bytes); },
      [c = connection.get()] { c->write_interim(net::continue_response); },
      [c = connection.get()](std::string_view frames) { c->count_frames(frames); });
  connection->set_open_handshake_timeout(static_cast<long>(options_.handshake_timeout.count()));
  connection->set_close_handshake_timeout(static_cast<long>(options_.close_timeout.count()));
  connection->set_max_message_size(options_.max_message_bytes);
  listen_to(*connection);
  connections_.add(connection);
  connection->record.accepted_at = std::chrono::steady_clock::now();
  connection->guarded([&] { connection->start(); });
}

inline void Transport::listen_to(Connection& connection) {
  using Hdl = ::websocketpp::connection_hdl;
  // A captured pointer is safe: only the connection itself calls these.
  auto* const c = &connection;
  connection.set_validate_handler([c](const Hdl&) {
    auto* const transport = of(*c);
    return transport != nullptr && transport->on_handshake(*c);
  });
  connection.set_http_handler([c](const Hdl&) {
    if (auto* const transport = of(*c)) transport->on_http(*c);
  });
  connection.set_open_handler([c](const Hdl&) {
    if (auto* const transport = of(*c)) transport->on_open(*c);
  });
  connection.set_message_handler([c](const Hdl&, const Message::ptr& message) {
    if (auto* const transport = of(*c)) transport->on_message(*c, *message);
  });
  connection.set_ping_handler([c](const Hdl&, const std::string&) {
    auto* const transport = of(*c);
    return transport != nullptr && is_open(*c) && transport->on_ping(*c);
  });
  connection.set_pong_handler([c](const Hdl&, const std::string&) {
    auto* const transport = of(*c);
    if (transport != nullptr && is_open(*c)) transport->on_pong(*c);
  });
  connection.set_close_handler([c](const Hdl&) {
    if (auto* const transport = of(*c)) transport->on_close(*c);
  });
}

inline void Transport::stop() {
  stopping_ = true;
  tick_.cancel();
  connections_.for_each(detail::end_connection);
}

inline void Transport::on_socket_closed(detail::SocketConnection& socket) {
  auto& connection = static_cast<Connection&>(socket);
  if (connection.record.kind == ConnectionRecord::Kind::websocket) {
    websockets_.fetch_sub(1, std::memory_order_relaxed);
  } else if (connection.record.kind == ConnectionRecord::Kind::http) {
    http_requests_.fetch_sub(1, std::memory_order_relaxed);
    http_.abandon(connection);
  }
  if (!connection.is_lost() || connection.record.kind != ConnectionRecord::Kind::websocket) {
    connections_.remove(connection);
    return;
  }
  if (!connections_.lose(connection)) return;  // The first one has scheduled the turn for all.
  ::asio::post(io_, net::keep_memory(lost_memory_, [this, alive = std::weak_ptr(port_)] {
                 if (!alive.expired()) report_lost();
               }));
}

inline void Transport::on_fault(detail::SocketConnection& socket) noexcept {
  report(std::current_exception());
  auto& connection = static_cast<Connection&>(socket);
  try {
    std::error_code refused;
    connection.close(static_cast<std::uint16_t>(CloseCode::internal_error), {}, refused);
    if (refused) detail::end_connection(connection);
  } catch (...) {
    detail::end_connection(connection);
  }
}

/// Reports the connections whose close handler had no memory to run.
inline void Transport::report_lost() noexcept {
  connections_.take_lost([this](Connection& connection) {
    try {
      on_close(connection);
    } catch (...) {
      report(std::current_exception());
    }
  });
}

inline Connection* Transport::find(Handle handle) const noexcept {
  auto* const connection = connections_.find(handle);
  return connection != nullptr && connection->record.kind == ConnectionRecord::Kind::websocket &&
                 !connection->record.closed && !connection->is_lost()
             ? connection
             : nullptr;
}

// WebSockets -------------------------------------------------------------------------------------

inline bool Transport::on_handshake(Connection& connection) {
  connection.record.deflate = connection.get_request().deflate();
  if (connection.record.deflate) {
    // What comes over the wire; `on_message` holds the limit of messages.
    connection.set_max_message_size(net::Inflater::most_compressed(options_.max_message_bytes));
  }
  if (connection.record.adopted) return true;
  const HttpRequest& request = connection.get_request().request();
  if (auto refusal = gate_.refuse(request)) {
    http_.set_response(connection, std::move(*refusal));
    return false;
  }
  const auto subprotocol = select_subprotocol(request);
  if (!subprotocol.empty()) {
    connection.replace_header("Sec-WebSocket-Protocol", std::string(subprotocol));
  }
  return true;
}

inline void Transport::on_open(Connection& connection) {
  connection.record.kind = ConnectionRecord::Kind::websocket;
  connection.ticket().settle();
  websockets_.fetch_add(1, std::memory_order_relaxed);
  const auto request = connection.get_request().take();
  const auto adopted = std::move(connection.record.adopted);
  if (adopted && gate_.is_draining()) {
    connection.record.closed = true;  // The sink never hears of it.
    std::error_code ignored;
    return connection.close(static_cast<std::uint16_t>(CloseCode::service_restart), {}, ignored);
  }
  const auto opening = adopted ? std::move(*adopted) : net::opening_of(request);
  tick_.ensure_scheduled();
  sink_.on_open(sink_.sink, connection.record.handle, opening.token, opening.hello);
}

inline void Transport::on_message(Connection& connection, const Message& message) {
  const auto refuse = [&](CloseCode code) { close(connection.record.handle, code, {}); };
  if (connection.frames().has_bad_rsv1()) return refuse(CloseCode::protocol_error);
  // websocketpp asks whether the text is whole only where the last frame is no continuation.
  const auto is_bad_text = [&](std::string_view payload) {
    return message.is_text() && !ordercast::detail::is_utf8(payload);
  };
  if (!message.is_deflated()) {
    const auto& payload = message.get_payload();
    if (payload.size() > options_.max_message_bytes) return refuse(CloseCode::message_too_big);
    if (is_bad_text(payload)) return refuse(CloseCode::invalid_payload);
    return deliver(connection, message, payload);
  }
  std::string plain;
  const auto outcome = net::Inflater::of_this_thread().inflate(message.get_payload(),
                                                               options_.max_message_bytes, plain);
  if (outcome != net::Inflater::Outcome::done) return refuse(net::close_code(outcome));
  if (is_bad_text(plain)) return refuse(CloseCode::invalid_payload);
  deliver(connection, message, plain);
}

inline void Transport::deliver(Connection& connection, const Message& message,
                               std::string_view payload) {
  if (message.is_text()) {
    sink_.on_message(sink_.sink, connection.record.handle, payload);
  } else if (sink_.on_binary != nullptr) {
    sink_.on_binary(sink_.sink, connection.record.handle, payload);
  } else {
    close(connection.record.handle, CloseCode::unsupported_data, "text only");
  }
}

/// Returns whether to answer the ping with a pong.
inline bool Transport::on_ping(Connection& connection) {
  sink_.on_control(sink_.sink, connection.record.handle);
  // A client that pings and never reads may not fill our memory with pongs.
  return is_open(connection) && !is_full(connection);
}

inline void Transport::on_pong(Connection& connection) {
  sink_.on_pong(sink_.sink, connection.record.handle);
  if (is_open(connection)) sink_.on_control(sink_.sink, connection.record.handle);
}

inline void Transport::on_close(Connection& connection) {
  if (std::exchange(connection.record.closed, true)) return;
  sink_.on_close(sink_.sink, connection.record.handle);
}

/// The request gets the time that the TLS handshake has left of the limit for both.
inline void Transport::on_secured(detail::SocketConnection& socket) {
  auto& connection = static_cast<Connection&>(socket);
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - connection.record.accepted_at);
  const auto left = (std::max)(options_.handshake_timeout - taken, std::chrono::milliseconds(1));
  connection.set_open_handshake_timeout(static_cast<long>(left.count()));
}

inline void Transport::on_progress(detail::SocketConnection& socket) {
  auto& connection = static_cast<Connection&>(socket);
  if (!connection.record.wants_writable || buffered(connection) > options_.low_water_bytes ||
      !is_open(connection)) {
    return;
  }
  connection.record.wants_writable = false;
  sink_.on_writable(sink_.sink, connection.record.handle);
}

inline void Transport::on_fragments(detail::SocketConnection& socket, std::size_t count) {
  auto& connection = static_cast<Connection&>(socket);
  const auto listens = [&] {
    return connection.record.kind == ConnectionRecord::Kind::websocket && is_open(connection);
  };
  for (; count > 0 && listens(); --count) sink_.on_control(sink_.sink, connection.record.handle);
  if (listens() && connection.frames().has_bad_rsv1()) {
    close(connection.record.handle, CloseCode::protocol_error, {});
  }
  if (listens() && connection.frames().in_message() > max_empty_fragments) {
    close(connection.record.handle, CloseCode::policy_violation, {});
  }
}

inline SendResult Transport::send(Handle handle, const Frame& frame) noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr || !is_open(*connection)) return SendResult::closed;
  try {
    if (is_full(*connection)) {
      // Only what the kernel refuses is backpressure, not what this turn has queued so far.
      const auto alive = connection->get_shared();
      if (connection->in_flight() == 0) connection->write_frame();
      if (!is_open(*connection)) return SendResult::closed;
      if (is_full(*connection)) {
        connection->record.wants_writable = true;
        return SendResult::backpressure;
      }
    }
    const auto message = frame.form_for(connection->record.deflate);
    return connection->send(message) ? SendResult::closed : SendResult::accepted;
  } catch (...) {  // Out of memory.
    detail::end_connection(*connection);
    return SendResult::closed;
  }
}

inline std::size_t Transport::unacknowledged_bytes(Handle handle) const noexcept {
  auto* const connection = find(handle);
  return connection == nullptr
             ? 0
             : connection->get_buffered_amount() + connection->unacknowledged_bytes();
}

inline std::optional<std::uint64_t> Transport::acknowledged_bytes(Handle handle) const noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr) return std::nullopt;
  return connection->acknowledged_bytes();
}

inline void Transport::ping(Handle handle) noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr) return;
  try {
    std::error_code closing;
    connection->ping({}, closing);
  } catch (...) {
    detail::end_connection(*connection);
  }
}

inline void Transport::close(Handle handle, CloseCode code, std::string_view reason) noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr) return;
  try {
    std::error_code closing;
    connection->close(static_cast<std::uint16_t>(code), std::string(net::cut_close_reason(reason)),
                      closing);
  } catch (...) {
    detail::end_connection(*connection);
  }
}

inline void Transport::on_tick() {
  if (websockets() == 0) return;
  const auto now = std::chrono::steady_clock::now();
  auto next = now + net::TickTimer::max_delay;
  try {
    next = (std::min)(next, sink_.tick(sink_.sink, now));
  } catch (...) {
    report(std::current_exception());
  }
  tick_.schedule(next - now);
}

// HTTP -------------------------------------------------------------------------------------------

inline void Transport::on_http(Connection& connection) {
  connection.record.gone = std::make_shared<std::atomic<bool>>(false);
  connection.record.kind = ConnectionRecord::Kind::http;  // Set together with the count.
  http_requests_.fetch_add(1, std::memory_order_relaxed);
  connection.ticket().settle();
  auto own_answer = dispatch(
      http_.begin(connection),
      [port = port_, weak = std::weak_ptr(connection.get_shared())](HttpResponse response) {
        port->post([weak, response = std::move(response)]() mutable {
          const auto alive = weak.lock();
          if (!alive) return;
          alive->guarded([&] {
            if (auto* const transport = of(*alive))
              transport->http_.answer(*alive, std::move(response));
          });
        });
      });
  if (own_answer) http_.answer(connection, std::move(*own_answer));
}

}  // namespace ordercast::websocketpp
