// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/transport.hpp>
#include <ordercast/net/discard_input.hpp>

#include <asio/post.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

/// Bodies of transport.hpp: connections, the loop, time.
namespace ordercast::asio {

namespace detail {

inline int make_epoll() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return fd;
}

}  // namespace detail

inline Transport::Transport(::asio::io_context& io, TransportOptions options)
    : SocketTransport(std::move(options)),
      http_context_(options_,
                    [this](const net::AnswerQueue& asking) { return evict_stalled(asking); }),
      writer_(options_.io),
      io_(io),
      tick_(io,
            [this] {
              if (connections_.size() > 0) on_tick();
            }),
      epoll_(io, detail::make_epoll()),
      port_(std::make_shared<net::LoopPort>(io)),
      self_(std::make_shared<Transport*>(this)) {
  spare_parsers_.reserve(max_spare_parsers);  // So that giving one back can't fail,
  writes_.reserve(writes_a_time);             // nor a write for all its recipients.
}

inline Transport::~Transport() {
  port_->close();
  for (Index i = 0; i < connections_.end_id(); ++i) {
    connections_[i].ticket.release();
    if (connections_[i].fd >= 0) ::close(connections_[i].fd);
  }
}

// Connections ------------------------------------------------------------------------------------

inline void Transport::adopt(net::Socket socket, net::SocketTicket ticket) {
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
  if (++last_serial_ == 0) ++last_serial_;
  connection.serial = last_serial_;
  std::error_code error;
  connection.fd = socket.release(error);
  if (error) return close_socket(index, connection);
  try {
    admit(index, connection);
  } catch (...) {
    close_socket(index, connection);
    throw;
  }
}

/// Begins to serve a connection, or closes it.
inline void Transport::admit(Index index, Connection& connection) {
  set_deadline(index, options_.handshake_timeout);
  wait_events();
  if (!tick_.ensure_scheduled()) schedule_turn();
  if (options_.tls) {
    connection.secure = options_.tls->accept(connection.fd);
    if (!connection.secure) return close_socket(index, connection);
    connection.state = State::securing;
  }
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = handle_of(index, connection);
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, connection.fd, &event) != 0) {
    return close_socket(index, connection);
  }
  connection.interest = EPOLLIN;
}

inline void Transport::stop() {
  stopping_ = true;
  tick_.cancel();
  for (Index i = 0; i < connections_.end_id(); ++i) {
    if (connections_[i].fd >= 0) close_socket(i, connections_[i]);
  }
  schedule_turn();
}

inline detail::Connection* Transport::find(Handle handle) noexcept {
  const auto index = static_cast<Index>(handle);
  if (index >= connections_.end_id()) return nullptr;
  auto& connection = connections_[index];
  return connection.serial == handle >> 32U && connection.fd >= 0 ? &connection : nullptr;
}

inline const detail::Connection* Transport::find(Handle handle) const noexcept {
  return const_cast<Transport*>(this)->find(handle);
}

/// What epoll tells of besides errors.
inline void Transport::watch(Index index, Connection& connection, std::uint8_t interest) noexcept {
  if (connection.interest == interest || connection.fd < 0) return;
  connection.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.u64 = handle_of(index, connection);
  ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, connection.fd, &event);
}

/// Writes what is queued, at most for so long, and then ends our half of the stream.
inline void Transport::finish(Index index, Connection& connection,
                              std::chrono::milliseconds within) {
  if (connection.fd < 0) return;
  connection.state = State::finishing;
  set_deadline(index, within);
  if (connection.unwritten == 0) end_stream(index, connection);
}

/// Ends our half of the stream; the socket closes when the client has closed too, or soon after.
inline void Transport::end_stream(Index index, Connection& connection) {
  if (connection.secure) connection.secure->close_notify();
  if (connection.client_ended || options_.linger_timeout.count() == 0 ||
      ::shutdown(connection.fd, SHUT_WR) != 0) {
    return close_socket(index, connection);
  }
  connection.state = State::lingering;
  watch(index, connection, EPOLLIN);
  if (connection.http) connection.http->linger(std::chrono::steady_clock::now());
  set_deadline(index, options_.linger_timeout);
}

/// The record stays until the turn ends: whoever called us may still be using it.
inline void Transport::close_socket(Index index, Connection& connection) noexcept {
  if (connection.state == State::dead) return;
  connection.state = State::dead;
  connection.secure.reset();
  connection.ticket.release();
  if (connection.fd >= 0) ::close(std::exchange(connection.fd, -1));
  backlogs_.clear(connection.backlog);
  connection.unwritten = 0;
  if (connection.http) connection.http->abandon();
  timers_.cancel(index);
  if (connection.websocket) websockets_.fetch_sub(1, std::memory_order_relaxed);
  count_http(connection, false);
  connection.dead_link() = Connection::npos;
  (first_dead_ == Connection::npos ? first_dead_ : connections_[last_dead_].dead_link()) = index;
  last_dead_ = index;
  schedule_turn();
}

/// Not from inside a call of the core.
inline void Transport::report_close(Index index, Connection& connection) noexcept {
  if (!connection.websocket || std::exchange(connection.reported, true)) return;
  guarded(index, [&] { sink_.on_close(sink_.sink, handle_of(index, connection)); });
}

/// Calls the sink. What it throws ends the connection and nothing else.
template <class F>
void Transport::guarded(Index index, F&& f) noexcept {
  try {
    f();
  } catch (...) {
    report(std::current_exception());
    auto& connection = connections_[index];
    try {
      fail(index, connection, CloseCode::internal_error);
    } catch (...) {
      close_socket(index, connection);
    }
  }
}

// The loop ---------------------------------------------------------------------------------------

/// All sockets stand in one epoll set, and the set is the one descriptor that Asio knows: a socket
/// costs the kernel's memory, and none of Asio's.
inline void Transport::wait_events() {
  if (waiting_) return;
  epoll_.async_wait(::asio::posix::stream_descriptor::wait_read,
                    net::keep_memory(wait_memory_, [this, self = std::weak_ptr(self_)](
                                                       const std::error_code& cancelled) {
                      if (self.expired()) return;
                      waiting_ = false;
                      if (!cancelled) on_events();
                      if (connections_.size() > 0 && !stopping_) wait_events();
                    }));
  waiting_ = true;
}

inline void Transport::on_events() {
  std::array<epoll_event, events_a_turn> events;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  const int count =
      ::epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    const Handle handle = event.data.u64;
    auto* const connection = find(handle);
    if (connection == nullptr) continue;  // Closed by an event before.
    const auto index = static_cast<Index>(handle);
    try {
      const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
      if (connection->state == State::securing) {
        go_on_securing(index, *connection);
        continue;
      }
      const bool reads = (connection->interest & EPOLLIN) != 0;
      if ((event.events & EPOLLOUT) != 0) write_backlog(index, *connection);
      if (reads && (event.events & ~std::uint32_t{EPOLLOUT}) != 0 && connection->fd >= 0) {
        on_readable(index, *connection);
      } else if (broken) {
        close_socket(index, *connection);
      }
    } catch (...) {  // Out of memory: what the application throws is caught where it is called.
      report(std::current_exception());
      close_socket(index, *connection);
    }
  }
}

inline void Transport::go_on_securing(Index index, Connection& connection) {
  switch (connection.secure->handshake()) {
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
  // More than a record (16 KiB), so that nothing decrypted stays behind where epoll can't see it.
  static_assert(read_buffer_bytes > net::secure_record_bytes);
  const auto count =
      connection.secure
          ? detail::read_secure(*connection.secure, read_buffer_.get(), read_buffer_bytes)
          : ::recv(connection.fd, read_buffer_.get(), most_to_read(connection), MSG_DONTWAIT);
  const auto error = connection.secure ? static_cast<int>(-count) : errno;
  if (count < 0 && (error == EAGAIN || error == EINTR)) return;
  if (count > 0) {
    const Input input{read_buffer_.get(), static_cast<std::size_t>(count)};
    return connection.state == State::http ? read_requests(index, connection, input)
                                           : read_frames(index, connection, input);
  }
  connection.client_ended = true;
  // It listens still, and gets what it asked for.
  const bool owed = count == 0 && connection.http && connection.http->on_input_end();
  if (!owed) return close_socket(index, connection);
  follow_http(index, connection);
}

/// A body is copied and no more; all else costs work by the byte.
inline std::size_t Transport::most_to_read(const Connection& connection) const noexcept {
  const bool in_body =
      connection.state == State::http && connection.http && connection.http->in_body();
  return in_body ? read_buffer_bytes : turn_read_bytes;
}

/// Drops what comes, so that the client gets our last bytes and not a reset.
inline void Transport::discard(Index index, Connection& connection) {
  const auto found = net::discard_input(connection.fd, connection.discarded);
  if (found == net::Discarded::all) return;
  if (found == net::Discarded::ended && connection.state == State::finishing) {
    connection.client_ended = true;
    return watch(index, connection, EPOLLOUT);
  }
  close_socket(index, connection);
}

/// What was queued is written, and what died is reported, when all that is ready now has been done.
inline void Transport::schedule_turn() noexcept {
  if (turn_scheduled_) return;
  try {
    ::asio::post(io_, net::keep_memory(turn_memory_, [this, self = std::weak_ptr(self_)] {
                   if (!self.expired()) end_turn();
                 }));
    turn_scheduled_ = true;
  } catch (...) {  // Out of memory: whoever queues next tries again, and so does the next tick.
  }
}

inline void Transport::end_turn() {
  turn_scheduled_ = false;
  // The dead of before this flush, and none that a call of the sink below adds: the log may name
  // those until the next flush, and a record that was used again would get their frames.
  const Index last = last_dead_;
  flush();
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
  if (last != Connection::npos) bury(last);
  if (!stopping_ && connections_.size() > 0 && !tick_.ensure_scheduled()) schedule_turn();
  if (connections_.size() == 0 && waiting_) epoll_.cancel();
}

/// Reports the dead, up to `last`, and gives their records back.
inline void Transport::bury(Index last) noexcept {
  for (Index index = Connection::npos; index != last;) {
    index = first_dead_;
    auto& connection = connections_[index];
    report_close(index, connection);  // The sink may close others, which come behind `last`.
    if (connection.parser) give_back(std::move(connection.parser));
    first_dead_ = connection.dead_link();
    if (first_dead_ == Connection::npos) last_dead_ = Connection::npos;
    connections_.release(index);
  }
}

inline void Transport::on_tick() {
  const auto now = std::chrono::steady_clock::now();
  timers_.advance(now, [&](Index index) {
    try {
      on_deadline(index, now);
    } catch (...) {  // Out of memory.
      report(std::current_exception());
      close_socket(index, connections_[index]);
    }
  });
  if (first_dead_ != Connection::npos || !log_.empty()) schedule_turn();
  auto next = (std::min)(now + net::TickTimer::max_delay, timers_.next_deadline());
  try {
    next = (std::min)(next, sink_.tick(sink_.sink, now));
  } catch (...) {
    report(std::current_exception());
  }
  if (!tick_.schedule(next - now)) schedule_turn();
}

inline void Transport::on_deadline(Index index, TimePoint now) {
  auto& connection = connections_[index];
  switch (connection.state) {
    case State::http:
      return on_http_deadline(index, connection, now);
    case State::closing:
      report_close(index, connection);
      // A client that reads has our close frame, and must not lose it to a reset.
      return connection.unwritten == 0 ? end_stream(index, connection)
                                       : close_socket(index, connection);
    case State::finishing:
    case State::lingering:
      return connection.http ? on_http_deadline(index, connection, now)
                             : close_socket(index, connection);
    default:
      return close_socket(index, connection);
  }
}

}  // namespace ordercast::asio
