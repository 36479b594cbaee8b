// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/discard_input.hpp>
#include <ordercast/net/peer_progress.hpp>
#include <ordercast/net/secure.hpp>
#include <ordercast/net/socket.hpp>
#include <ordercast/websocketpp/detail/fragment_counter.hpp>
#include <ordercast/websocketpp/detail/gathered_output.hpp>
#include <ordercast/websocketpp/detail/guarded_timer.hpp>
#include <ordercast/websocketpp/detail/socket_owner.hpp>
#include <ordercast/websocketpp/detail/socket_stream.hpp>

#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <websocketpp/common/connection_hdl.hpp>
#include <websocketpp/transport/base/connection.hpp>
#include <websocketpp/uri.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// websocketpp's transport policy, on a connected Asio socket.
///
/// It replaces ::websocketpp::transport::asio, which hides how many bytes the kernel has not taken,
/// spends 2 KiB a connection on handler memory, and resets connections whose client still sends.
/// This one counts every byte, writes at once if the kernel takes it, lingers after the last byte
/// (RFC 9112 section 9.6), and lets no exception of a handler into the event loop. Everything runs
/// on the one thread of the connection's io_context, without locks.
namespace ordercast::websocketpp::detail {

class SocketConnection : public std::enable_shared_from_this<SocketConnection> {
 public:
  using type = SocketConnection;
  using ptr = std::shared_ptr<SocketConnection>;
  using timer_ptr = std::shared_ptr<::asio::steady_timer>;

  template <class AccessLog, class ErrorLog>
  SocketConnection(bool /*is_server*/, const std::shared_ptr<AccessLog>& /*access_log*/,
                   const std::shared_ptr<ErrorLog>& /*error_log*/) {}

  // For the owner ------------------------------------------------------------------------------

  /// Call it once, before `start`. The owner calls `disown` before its end. See `SocketStream`.
  void attach(net::Socket socket, net::SocketTicket ticket, SocketOwner& owner,
              const SocketTimeouts& timeouts, std::unique_ptr<net::SecureSession> session,
              const Begun& begun) {
    stream_.open(std::move(socket), std::move(session), begun);
    ticket_ = std::move(ticket);
    owner_ = &owner;
    timeouts_ = timeouts;
  }

  [[nodiscard]] net::SocketTicket& ticket() noexcept { return ticket_; }

  /// No more calls to the owner.
  void disown() noexcept { owner_ = nullptr; }
  [[nodiscard]] SocketOwner* owner() const noexcept { return owner_; }

  /// The next shutdown ends the connection at once.
  void skip_linger() noexcept { timeouts_.linger = std::chrono::milliseconds(0); }

  /// Closes a socket whose end websocketpp may not report, because memory was missing.
  void lose() noexcept {
    if (state_ == State::closed) return;
    lost_ = true;
    close_socket();
  }
  /// Whether websocketpp may have failed to report the end of this connection.
  [[nodiscard]] bool is_lost() const noexcept { return lost_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return out_.in_flight(); }
  /// Bytes given to `async_write` that the client has not acknowledged.
  [[nodiscard]] std::size_t unacknowledged_bytes() noexcept {
    return in_flight() + stream_.unacknowledged_bytes();
  }
  [[nodiscard]] auto acknowledged_bytes() noexcept { return stream_.acknowledged_bytes(); }

  /// Sends these bytes, which others share, after the next ones that `async_write` gets.
  void set_tail(std::shared_ptr<const std::string> tail) noexcept {
    out_.set_tail(std::move(tail));
  }

  /// Whether the client has taken bytes since the last call.
  bool made_progress() noexcept {
    return progress_.note(out_.taken(), stream_.unacknowledged_bytes());
  }

  /// Writes a few bytes before the answer. The kernel takes them: nothing was written before.
  void write_interim(std::string_view bytes) {
    if (state_ == State::open && in_flight() == 0) stream_.try_write(bytes);
  }

  /// Starts to count fragments after the handshake; `bytes` are those of the first frames.
  void count_frames(std::string_view bytes) noexcept { frames_.start(bytes); }
  [[nodiscard]] const FragmentCounter& frames() const noexcept { return frames_; }

  /// Notices a reset while nobody reads, until the client sends something. An ended half is none.
  void watch_for_reset() {
    wait_for(net::Socket::wait_read, [](auto& self) {
      if (self.state_ != State::open || self.read_handler_) return;
      const auto found = self.stream_.peek();
      if (found == SocketStream::Peek::nothing) self.watch_for_reset();
      if (found == SocketStream::Peek::broken) self.close_socket();
    });
  }

  /// Runs code of websocketpp or the application, and reports what it throws as a fault.
  template <class F>
  void guarded(F&& f) noexcept {
    try {
      f();
    } catch (...) {
      if (owner_ != nullptr) owner_->on_fault(*this);
    }
  }

  /// Closes the socket now and drops what was pending.
  void close_socket() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    const auto self = shared_from_this();
    ticket_.release();  // Before the socket is closed.
    stream_.close();
    if (phase_timer_) phase_timer_->cancel();
    secured_handler_ = nullptr;
    read_handler_ = nullptr;
    write_handler_ = nullptr;
    out_.clear();
    if (owner_ != nullptr) owner_->on_socket_closed(*this);
  }

  // For websocketpp: the requirements of a connection transport component -------------------------

  ptr get_shared() { return shared_from_this(); }
  [[nodiscard]] bool is_secure() const noexcept { return stream_.is_secure(); }
  [[nodiscard]] std::string get_remote_endpoint() const {
    return {};
  }  // Only for websocketpp's logs.
  [[nodiscard]] ::websocketpp::connection_hdl get_handle() const { return handle_; }
  void set_handle(::websocketpp::connection_hdl handle) { handle_ = std::move(handle); }
  void set_uri(const ::websocketpp::uri_ptr& /*uri*/) noexcept {}

  timer_ptr set_timer(long milliseconds, ::websocketpp::transport::timer_handler callback) {
    return start_guarded_timer(stream_.get_executor(), std::chrono::milliseconds(milliseconds),
                               shared_from_this(), std::move(callback));
  }

  template <class Handler>
  std::error_code dispatch(Handler handler) {
    ::asio::post(stream_.get_executor(), [self = shared_from_this(), handler = std::move(handler)] {
      self->guarded(handler);
    });
    return {};
  }
  template <class Handler>
  std::error_code interrupt(Handler handler) {
    return dispatch(std::move(handler));
  }

  void init(const ::websocketpp::transport::init_handler& handler) {
    if (!is_secure()) return handler({});
    secured_handler_ = handler;
    limit_phase(timeouts_.secure, [](auto& self) { self.close_socket(); });
    wait_for(net::Socket::wait_read, [](auto& self) { self.go_on_securing(); });
  }

  /// `at_least` is 1 in all of websocketpp's server code.
  void async_read_at_least(std::size_t /*at_least*/, char* into, std::size_t size,
                           const ::websocketpp::transport::read_handler& handler) {
    if (state_ != State::open) return;
    read_into_ = ::asio::buffer(into, size);
    read_handler_ = handler;
    wait_readable();
  }

  void async_write(const char* bytes, std::size_t size,
                   const ::websocketpp::transport::write_handler& handler) {
    if (state_ != State::open) return;
    out_.start(bytes, size);
    write(handler);
  }
  void async_write(const std::vector<::websocketpp::transport::buffer>& buffers,
                   const ::websocketpp::transport::write_handler& handler) {
    if (state_ != State::open) return;
    out_.start(buffers);
    write(handler);
  }

  /// Ends our half of the stream and reports success. The socket closes when the client has closed
  /// too, or soon after; during a write it closes at once.
  void async_shutdown(const ::websocketpp::transport::shutdown_handler& handler) {
    try {
      dispatch([done = handler] { done({}); });  // not `const`, so that Asio can move it
    } catch (...) {                              // Out of memory.
      return lose();
    }
    if (state_ != State::open) return;
    if (in_flight() > 0) return close_socket();
    stream_.close_notify();
    linger();
  }

 private:
  enum class State : unsigned char { open, lingering, closed };

  template <class Then>
  void wait_for(net::Socket::wait_type what, Then then) {
    stream_.async_wait(what, [self = shared_from_this(), then](const std::error_code&) {
      self->limited([&] { then(*self); });
    });
  }

  /// Runs our own part of the work. If that fails for lack of memory, the connection waits for
  /// nothing more.
  template <class F>
  void limited(F&& f) noexcept {
    try {
      f();
    } catch (...) {
      if (owner_ != nullptr && state_ == State::open) return owner_->on_fault(*this);
      lose();
    }
  }

  /// Calls the owner, unless it has disowned the connection.
  template <class F>
  void tell(F&& f) noexcept {
    guarded([&] {
      if (owner_ != nullptr && state_ == State::open) f(*owner_);
    });
  }

  /// Calls `then` with this connection if this phase of its life takes too long.
  template <class Then>
  void limit_phase(std::chrono::milliseconds timeout, Then then) {
    phase_timer_.emplace(stream_.get_executor(), timeout);
    phase_timer_->async_wait([self = shared_from_this(), then](const std::error_code& cancelled) {
      if (!cancelled) self->limited([&] { then(*self); });
    });
  }

  // The TLS handshake.

  void go_on_securing() {
    if (state_ != State::open) return;
    const auto status = stream_.secure();
    switch (status) {
      case net::SecureStatus::want_read:
      case net::SecureStatus::want_write:
        return wait_for(status == net::SecureStatus::want_read ? net::Socket::wait_read
                                                               : net::Socket::wait_write,
                        [](auto& self) { self.go_on_securing(); });
      case net::SecureStatus::closed:
        return close_socket();
      case net::SecureStatus::failed:
        return linger();  // so that the alert, which says why, is not lost to a reset
      case net::SecureStatus::done:
        break;
    }
    phase_timer_->cancel();
    const auto handler = std::exchange(secured_handler_, nullptr);
    guarded([&] {
      if (owner_ != nullptr) owner_->on_secured(*this);
      handler({});
    });
  }

  // Reading.

  void wait_readable() {
    if (waiting_to_read_) return;
    waiting_to_read_ = true;
    const auto readable = [](auto& self) {
      self.waiting_to_read_ = false;
      self.on_readable();
    };
    if (state_ == State::open && stream_.has_pending()) {
      // Not from inside this call: websocketpp asks for more at its end, so the calls would nest
      // without limit.
      ::asio::post(stream_.get_executor(), [self = shared_from_this(), readable] {
        self->limited([&] { readable(*self); });
      });
    } else {
      wait_for(stream_.until_readable(), readable);
    }
  }

  void on_readable() {
    if (state_ == State::lingering) return discard();
    if (state_ != State::open || !read_handler_) return;
    std::error_code error;
    const auto count = stream_.read_some(read_into_, error);
    if (SocketStream::is_would_block(error)) return wait_readable();
    const auto handler = std::exchange(read_handler_, nullptr);
    frames_.read({static_cast<const char*>(read_into_.data()), count});
    guarded([&] { handler(error, count); });
    if (frames_.has_news()) {
      tell([&](SocketOwner& owner) { owner.on_fragments(*this, frames_.take()); });
    }
  }

  // Lingering.

  void linger() {
    if (timeouts_.linger.count() == 0 || !stream_.end()) return close_socket();
    state_ = State::lingering;
    read_handler_ = nullptr;
    try {
      linger_a_while(timeouts_.write / (std::max)(timeouts_.linger, std::chrono::milliseconds(1)));
      wait_readable();
    } catch (...) {  // Out of memory: no wait without a bound.
      close_socket();
    }
  }

  /// Lingers while the client takes what the kernel still holds for it, and up to `patience` times
  /// while it does not: closing earlier could lose those bytes.
  void linger_a_while(long patience) {
    limit_phase(timeouts_.linger, [patience](auto& self) {
      if (self.state_ != State::lingering) return;
      const bool owes = self.stream_.unacknowledged_bytes() > 0;
      const bool progress = owes && self.made_progress();
      if (!owes || (!progress && patience <= 1)) return self.close_socket();
      self.linger_a_while(progress ? patience : patience - 1);
    });
  }

  void discard() {
    const auto found = net::discard_input(stream_.native_handle(), discarded_bytes_);
    found == net::Discarded::all ? wait_readable() : close_socket();
  }

  // Writing.

  /// Most writes end here at once. `handler` may run inside the call, because websocketpp does
  /// nothing after it.
  void write(const ::websocketpp::transport::write_handler& handler) {
    std::error_code error;
    write_all(error);
    if (!SocketStream::is_would_block(error)) return finish_write(handler, error);
    write_handler_ = handler;
    wait_writable();
  }

  void wait_writable() {
    wait_for(stream_.until_writable(), [](auto& self) {
      if (self.state_ != State::open) return;
      const auto before = self.in_flight();
      std::error_code error;
      self.write_all(error);
      if (!SocketStream::is_would_block(error)) {
        return self.finish_write(std::exchange(self.write_handler_, nullptr), error);
      }
      self.wait_writable();
      if (self.in_flight() != before)
        self.tell([&self](SocketOwner& owner) { owner.on_progress(self); });
    });
  }

  void write_all(std::error_code& error) {
    while (!error && in_flight() > 0) out_.advance(stream_.write_some(out_.unwritten(), error));
  }

  void finish_write(const ::websocketpp::transport::write_handler& handler,
                    const std::error_code& error) {
    out_.clear();
    guarded([&] { handler(error); });
    tell([this](SocketOwner& owner) { owner.on_progress(*this); });
  }

  State state_ = State::open;
  bool waiting_to_read_ = false;
  bool lost_ = false;
  std::uint32_t discarded_bytes_ = 0;
  SocketOwner* owner_ = nullptr;
  SocketStream stream_;
  net::SocketTicket ticket_;
  SocketTimeouts timeouts_{};
  ::websocketpp::connection_hdl handle_;
  ::websocketpp::transport::init_handler secured_handler_;
  ::asio::mutable_buffer read_into_;
  ::websocketpp::transport::read_handler read_handler_;
  ::websocketpp::transport::write_handler write_handler_;
  GatheredOutput out_;
  FragmentCounter frames_;
  net::PeerProgress progress_;
  std::optional<::asio::steady_timer> phase_timer_;  // For the TLS handshake and for lingering.
};

}  // namespace ordercast::websocketpp::detail
