// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/client_address.hpp>
#include <ordercast/net/close_reason.hpp>
#include <ordercast/net/unacknowledged.hpp>
#include <ordercast/websocketpp/detail/byte_order.hpp>
#include <ordercast/websocketpp/transport.hpp>

#include <asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <optional>
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
  for (auto& slot : slots_) {
    if (!slot.connection) continue;
    slot.connection->disown();
    slot.connection->close_socket();
  }
}

// Connections ------------------------------------------------------------------------------------

inline void Transport::adopt(net::Socket socket, net::SocketTicket ticket) {
  if (stopping_) return ticket.release();
  try {
    admit(socket, ticket);
  } catch (...) {      // Out of memory.
    ticket.release();  // Before the socket is closed.
    throw;
  }
}

inline void Transport::admit(net::Socket& socket, net::SocketTicket& ticket) {
  std::unique_ptr<net::SecureSession> secure;
  if (options_.tls) {
    secure = options_.tls->accept(socket.native_handle());
    if (!secure) return ticket.release();
  }
  const auto connection = std::make_shared<Connection>(true, std::string(), log_, log_, random_);
  connection->attach(std::move(socket), std::move(ticket), *this, options_.linger_timeout,
                     options_.write_timeout, std::move(secure), options_.handshake_timeout);
  connection->get_request().expect(
      {options_.max_head_bytes, options_.max_body_bytes},
      net::ClientAddress::peer_text(connection->native_socket()),
      [c = connection.get()](std::size_t bytes) { c->hold(bytes); },
      [c = connection.get()] { c->write_interim(net::continue_response); },
      [c = connection.get()](std::string_view frames) { c->count_frames(frames); });
  connection->set_open_handshake_timeout(static_cast<long>(options_.handshake_timeout.count()));
  connection->set_close_handshake_timeout(static_cast<long>(options_.close_timeout.count()));
  connection->set_max_message_size(options_.max_message_bytes);
  listen_to(*connection);

  if (free_slots_.empty()) {
    slots_.emplace_back();
    free_slots_.reserve(slots_.capacity());  // So that giving a slot back can't fail,
    lost_.reserve(slots_.capacity());        // nor can this.
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  const auto index = free_slots_.back();
  free_slots_.pop_back();
  slots_[index].connection = connection;
  connection->record.accepted_at = std::chrono::steady_clock::now();
  connection->record.handle = (std::uint64_t{++slots_[index].generation} << 32U) | index;
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
    if (transport == nullptr || c->get_state() != ::websocketpp::session::state::open) return false;
    transport->sink_.on_control(transport->sink_.sink, c->record.handle);
    // A client that pings and never reads may not fill our memory with pongs.
    return c->get_state() == ::websocketpp::session::state::open &&
           buffered(*c) < transport->options_.high_water_bytes;
  });
  connection.set_pong_handler([c](const Hdl&, const std::string&) {
    auto* const transport = of(*c);
    if (transport == nullptr || c->get_state() != ::websocketpp::session::state::open) return;
    transport->sink_.on_pong(transport->sink_.sink, c->record.handle);
    if (c->get_state() != ::websocketpp::session::state::open) return;
    transport->sink_.on_control(transport->sink_.sink, c->record.handle);
  });
  connection.set_close_handler([c](const Hdl&) {
    if (auto* const transport = of(*c)) transport->on_close(*c);
  });
}

inline void Transport::stop() {
  stopping_ = true;
  tick_.cancel();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (const auto connection = slots_[i].connection) end(*connection);
  }
}

inline void Transport::on_socket_closed(detail::SocketConnection& socket) {
  auto& connection = static_cast<Connection&>(socket);
  if (connection.record.kind == ConnectionRecord::Kind::websocket) {
    websockets_.fetch_sub(1, std::memory_order_relaxed);
  } else if (connection.record.kind == ConnectionRecord::Kind::http) {
    http_requests_.fetch_sub(1, std::memory_order_relaxed);
    connection.record.answered = true;
    unsent_ -= std::exchange(connection.record.owned, 0);
    connection.record.gone->store(true, std::memory_order_relaxed);
    if (connection.record.deadline) connection.record.deadline->cancel();
  }
  const auto index = static_cast<std::uint32_t>(connection.record.handle);
  if (connection.is_lost() && connection.record.kind == ConnectionRecord::Kind::websocket) {
    lost_.push_back(index);
    if (lost_.size() > 1) return;  // The first one's turn is theirs.
    ::asio::post(io_, net::keep_memory(lost_memory_, [this, alive = std::weak_ptr(port_)] {
                   if (!alive.expired()) report_lost();
                 }));
    return;
  }
  slots_[index].connection = nullptr;
  free_slots_.push_back(index);
}

inline void Transport::on_fault(detail::SocketConnection& socket) noexcept {
  report(std::current_exception());
  auto& connection = static_cast<Connection&>(socket);
  try {
    std::error_code refused;
    connection.close(static_cast<std::uint16_t>(CloseCode::internal_error), {}, refused);
    if (refused) end(connection);
  } catch (...) {
    end(connection);
  }
}

inline void Transport::end(Connection& connection) noexcept {
  try {
    connection.skip_linger();
    connection.terminate(::websocketpp::transport::error::make_error_code(
        ::websocketpp::transport::error::operation_aborted));
  } catch (...) {  // Out of memory.
  }
  connection.lose();  // Only what is open still, because there was no memory to end it otherwise.
}

/// Tells of those whose close handler has no memory to run with.
inline void Transport::report_lost() noexcept {
  for (std::size_t i = 0; i < lost_.size(); ++i) {  // The sink may cause more.
    const auto connection = std::exchange(slots_[lost_[i]].connection, nullptr);
    free_slots_.push_back(lost_[i]);
    try {
      on_close(*connection);
    } catch (...) {
      report(std::current_exception());
    }
  }
  lost_.clear();  // Keeps its room, so that the next one can't fail.
}

inline Connection* Transport::find(Handle handle) const noexcept {
  const auto index = static_cast<std::uint32_t>(handle);
  if (index >= slots_.size() || slots_[index].generation != handle >> 32U) return nullptr;
  auto* const connection = slots_[index].connection.get();
  return connection != nullptr && connection->record.kind == ConnectionRecord::Kind::websocket &&
                 !connection->record.closed && !connection->is_lost()
             ? connection
             : nullptr;
}

// WebSockets -------------------------------------------------------------------------------------

inline bool Transport::on_handshake(Connection& connection) {
  const HttpRequest& request = connection.get_request().request();
  if (auto refusal = gate_.refuse(request)) {
    set_response(connection, std::move(*refusal));
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
  connection.settle();
  websockets_.fetch_add(1, std::memory_order_relaxed);
  const auto opening = net::opening_of(connection.get_request().take());
  tick_.ensure_scheduled();
  sink_.on_open(sink_.sink, connection.record.handle, opening.token, opening.hello);
}

inline void Transport::on_message(Connection& connection, const Message& message) {
  if (message.get_opcode() == ::websocketpp::frame::opcode::text) {
    sink_.on_message(sink_.sink, connection.record.handle, message.get_payload());
  } else if (sink_.on_binary != nullptr) {
    sink_.on_binary(sink_.sink, connection.record.handle, message.get_payload());
  } else {
    close(connection.record.handle, CloseCode::unsupported_data, "text only");
  }
}

inline void Transport::on_close(Connection& connection) {
  if (std::exchange(connection.record.closed, true)) return;
  sink_.on_close(sink_.sink, connection.record.handle);
}

/// The request gets what the TLS handshake has left of the time for both.
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
      connection.get_state() != ::websocketpp::session::state::open) {
    return;
  }
  connection.record.wants_writable = false;
  sink_.on_writable(sink_.sink, connection.record.handle);
}

inline void Transport::on_fragments(detail::SocketConnection& socket, std::size_t count) {
  auto& connection = static_cast<Connection&>(socket);
  const auto is_open = [&] {
    return connection.record.kind == ConnectionRecord::Kind::websocket &&
           connection.get_state() == ::websocketpp::session::state::open;
  };
  for (; count > 0 && is_open(); --count) sink_.on_control(sink_.sink, connection.record.handle);
  if (is_open() && connection.fragments_in_message() > max_empty_fragments) {
    close(connection.record.handle, CloseCode::policy_violation, {});
  }
}

inline Transport::Frame Transport::frame_of(net::Opcode opcode, std::string text) {
  const net::FrameHead head(opcode, text.size());
  auto message = std::make_shared<Message>(::websocketpp::frame::opcode::text, 0);
  // Header and payload as one piece: websocketpp counts only payloads, and one buffer is faster to
  // gather than two.
  message->get_raw_payload() = std::move(text.insert(0, head.bytes()));
  message->set_prepared(true);
  return Frame(std::move(message));
}

inline SendResult Transport::send(Handle handle, const Frame& frame) noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr || connection->get_state() != ::websocketpp::session::state::open) {
    return SendResult::closed;
  }
  if (buffered(*connection) >= options_.high_water_bytes) {
    connection->record.wants_writable = true;
    return SendResult::backpressure;
  }
  try {
    return connection->send(frame.message_) ? SendResult::closed : SendResult::accepted;
  } catch (...) {  // Out of memory.
    end(*connection);
    return SendResult::closed;
  }
}

inline std::size_t Transport::buffered_bytes(Handle handle) const noexcept {
  const auto* const connection = find(handle);
  return connection == nullptr ? 0 : buffered(*connection);
}

inline std::size_t Transport::unacknowledged_bytes(Handle handle) const noexcept {
  auto* const connection = find(handle);
  return connection == nullptr
             ? 0
             : buffered(*connection) + net::unacknowledged_bytes(connection->native_socket());
}

inline void Transport::ping(Handle handle) noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr) return;
  try {
    std::error_code closing;
    connection->ping({}, closing);
  } catch (...) {
    end(*connection);
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
    end(*connection);
  }
}

inline void Transport::terminate(Handle handle) noexcept {
  if (auto* const connection = find(handle)) end(*connection);
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
  connection.record.kind = ConnectionRecord::Kind::http;
  connection.settle();
  http_requests_.fetch_add(1, std::memory_order_relaxed);
  HttpRequest request = connection.get_request().take();
  connection.record.to_head = request.method == "HEAD";
  request.client_gone = connection.record.gone;
  connection.defer_http_response();  // Ends websocketpp's own timeout, so ours begins.
  start_http_deadline(connection);
  connection.watch_for_reset();
  auto own_answer = dispatch(
      std::move(request),
      [port = port_, weak = std::weak_ptr(connection.get_shared())](HttpResponse response) {
        port->post([weak, response = std::move(response)]() mutable {
          const auto alive = weak.lock();
          if (alive) alive->guarded([&] { answer(*alive, std::move(response)); });
        });
      });
  if (own_answer) answer(connection, std::move(*own_answer));
}

inline void Transport::start_http_deadline(Connection& connection) {
  auto* const c = &connection;
  connection.record.deadline = connection.set_timer(
      static_cast<long>(options_.http_timeout.count()), [c](const std::error_code& cancelled) {
        auto* const transport = of(*c);
        if (cancelled || c->record.answered || transport == nullptr) return;
        c->record.gone->store(true, std::memory_order_relaxed);
        answer(*c, transport->busy_response());
      });
}

inline void Transport::answer(Connection& connection, HttpResponse response) {
  if (connection.record.answered) return;
  auto* const transport = of(connection);
  if (transport == nullptr) return;
  connection.record.answered = true;
  if (connection.record.deadline) connection.record.deadline->cancel();
  const auto owned = response.shared_body ? 0 : response.body.size();
  if (owned > 0 && !transport->has_room(owned)) response = transport->busy_response();
  if (!response.shared_body) connection.record.owned = response.body.size();
  transport->unsent_ += connection.record.owned;
  set_response(connection, std::move(response));
  std::error_code gone;
  connection.send_http_response(gone);
  if (of(connection) == nullptr || gone) return;
  connection.made_progress();  // What the kernel took at once is no progress of the client's.
  start_write_deadline(connection);
}

/// From here on the client has to read; as long as it does it has all the time it needs.
inline void Transport::start_write_deadline(Connection& connection) {
  auto* const transport = of(connection);
  if (transport == nullptr || connection.in_flight() == 0) return;
  auto* const c = &connection;
  connection.record.progress_at = std::chrono::steady_clock::now();
  connection.record.deadline =
      connection.set_timer(static_cast<long>(transport->options_.write_timeout.count()),
                           [c](const std::error_code& cancelled) {
                             if (cancelled) return;
                             c->made_progress() ? start_write_deadline(*c) : end(*c);
                           });
}

/// Whether an answer may take so many bytes more of memory. Connections that have stopped to read
/// are closed for it.
inline bool Transport::has_room(std::size_t owned) {
  while (unsent_ > 0 && unsent_ + owned > options_.max_unsent_total_bytes) {
    if (!evict_stalled()) return false;
  }
  return true;
}

/// Closes the connection whose answer has waited longest for a client that reads nothing; false if
/// all of them get on. Linear in the connections, and only when memory for answers is short.
inline bool Transport::evict_stalled() {
  const auto now = std::chrono::steady_clock::now();
  const bool looks = now - stalls_seen_ >= stall_grace / 4;  // Not at the kernel's count each time.
  if (looks) stalls_seen_ = now;
  ConnectionPtr longest;
  auto since = now - stall_grace;
  for (const auto& slot : slots_) {
    const auto& one = slot.connection;
    if (!one || one->record.owned == 0 || one->in_flight() == 0) continue;
    if (looks && one->made_progress()) one->record.progress_at = now;
    if (one->record.progress_at > since) continue;
    since = one->record.progress_at;
    longest = one;
  }
  if (!longest) return false;
  longest->close_socket();
  return true;
}

inline void Transport::set_response(Connection& connection, HttpResponse response) {
  // websocketpp wants to know the status; the text that goes out is ours.
  const int status = net::is_writable(response) ? response.status : 500;
  connection.set_status(static_cast<::websocketpp::http::status_code::value>(status));
  auto head = net::write_head(response, connection.record.to_head, std::time(nullptr));
  // websocketpp would copy the body several times; behind its back it is sent from where it is.
  if (head.body_follows) {
    if (!response.shared_body) {
      response.shared_body = std::make_shared<const std::string>(std::move(response.body));
    }
    connection.set_tail(std::move(response.shared_body));
  }
  connection.set_body(head.bytes);
}

}  // namespace ordercast::websocketpp
