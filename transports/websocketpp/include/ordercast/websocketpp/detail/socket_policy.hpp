// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/discard_input.hpp>
#include <ordercast/net/peer_progress.hpp>
#include <ordercast/net/secure.hpp>
#include <ordercast/net/socket.hpp>
#include <ordercast/net/unacknowledged.hpp>
#include <ordercast/websocketpp/detail/fragment_counter.hpp>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <sys/socket.h>
#include <websocketpp/common/connection_hdl.hpp>
#include <websocketpp/common/memory.hpp>
#include <websocketpp/common/system_error.hpp>
#include <websocketpp/error.hpp>
#include <websocketpp/transport/base/connection.hpp>
#include <websocketpp/uri.hpp>

#include <algorithm>
#include <cerrno>
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
/// This one counts every byte, writes at once where the kernel takes it, lingers after the last
/// byte (RFC 9112 section 9.6), and lets no exception of a handler into the event loop. Bytes go
/// plain or through a `SecureSession`, as the connection was attached.
///
/// Everything runs on the one thread of the connection's io_context; nothing is locked.
namespace ordercast::websocketpp::detail {

using net::SecureSession;
using net::SecureStatus;
using net::Socket;
using net::SocketTicket;

class SocketConnection;

/// What a connection tells its owner, on the connection's thread, never from inside `async_write`
/// or `async_shutdown` that the owner caused.
class SocketOwner {
 public:
  /// The TLS handshake is done; the request follows.
  virtual void on_secured(SocketConnection& connection) = 0;
  /// The kernel took bytes.
  virtual void on_progress(SocketConnection& connection) = 0;
  /// So many fragments without payload came; websocketpp does not tell.
  virtual void on_fragments(SocketConnection& connection, std::size_t count) = 0;
  /// A handler of websocketpp threw; what it left undone is unknown. Terminate the connection.
  virtual void on_fault(SocketConnection& connection) noexcept = 0;
  /// The socket is closed. The connection is of no use any more.
  virtual void on_socket_closed(SocketConnection& connection) = 0;

 protected:
  ~SocketOwner() = default;
};

class SocketConnection : public std::enable_shared_from_this<SocketConnection> {
 public:
  using type = SocketConnection;
  using ptr = std::shared_ptr<SocketConnection>;
  using timer_ptr = std::shared_ptr<::asio::steady_timer>;

  template <class AccessLog, class ErrorLog>
  SocketConnection(bool /*is_server*/, const std::shared_ptr<AccessLog>& /*access_log*/,
                   const std::shared_ptr<ErrorLog>& /*error_log*/) {}

  // For the owner ------------------------------------------------------------------------------

  /// Call once, before `start`. The owner must `disown` before it goes. With a session the bytes
  /// are encrypted; its handshake may take `secure_timeout`. `write_timeout` is how long a client
  /// may take nothing of what the kernel still has when it lingers.
  void attach(Socket socket, SocketTicket ticket, SocketOwner& owner,
              std::chrono::milliseconds linger, std::chrono::milliseconds write_timeout,
              std::unique_ptr<SecureSession> secure, std::chrono::milliseconds secure_timeout) {
    socket_.emplace(std::move(socket));
    secure_ = std::move(secure);
    secure_timeout_ = secure_timeout;
    ticket_ = std::move(ticket);
    owner_ = &owner;
    linger_timeout_ = linger;
    write_timeout_ = write_timeout;
    std::error_code ignored;
    socket_->non_blocking(true, ignored);
    socket_->set_option(::asio::ip::tcp::no_delay(true), ignored);
  }

  /// The first request has been read.
  void settle() noexcept { ticket_.settle(); }
  /// Of it so many bytes have come.
  void hold(std::size_t bytes) noexcept { ticket_.hold(bytes); }

  /// No more calls to the owner.
  void disown() noexcept { owner_ = nullptr; }
  [[nodiscard]] SocketOwner* owner() const noexcept { return owner_; }

  /// The next shutdown ends the connection at once.
  void skip_linger() noexcept { linger_timeout_ = std::chrono::milliseconds(0); }

  [[nodiscard]] int native_socket() noexcept { return socket_ ? socket_->native_handle() : -1; }

  /// Closes a socket that should have been closed by now: the memory for the usual way was missing,
  /// so websocketpp may tell nobody.
  void lose() noexcept {
    if (state_ == State::closed) return;
    lost_ = true;
    close_socket();
  }
  /// Whether websocketpp may have been unable to say that this connection is gone.
  [[nodiscard]] bool is_lost() const noexcept { return lost_; }

  /// Bytes given to `async_write` that the kernel has not taken.
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }

  /// Sends these bytes, which others share, behind the next ones that `async_write` gets.
  void set_tail(std::shared_ptr<const std::string> tail) noexcept { tail_ = std::move(tail); }

  /// Whether the client has taken bytes since this was last asked.
  bool made_progress() noexcept {
    return progress_.note(taken_, net::unacknowledged_bytes(native_socket()));
  }

  /// Writes a few bytes before the answer. Nothing has been written to the client yet, so the
  /// kernel takes them; a client that doesn't get them sends its body after a while all the same.
  void write_interim(std::string_view bytes) {
    if (state_ != State::open || in_flight_ > 0) return;
    std::error_code ignored;
    if (secure_) {
      secure_->write_some(bytes.data(), bytes.size());
    } else {
      socket_->write_some(::asio::buffer(bytes.data(), bytes.size()), ignored);
    }
  }

  /// The handshake is over and these are the first frames' bytes: fragments count from here on.
  void count_frames(std::string_view bytes) noexcept {
    counts_frames_ = true;
    fragments_ += frames_.count(bytes);
  }
  /// Fragments without payload of the message that is under way.
  [[nodiscard]] std::size_t fragments_in_message() const noexcept { return frames_.in_message(); }

  /// Notices, while nobody reads, that the client has reset the connection. Once it sends something
  /// this no longer works, nor for a client that ends its half of the stream: it may be listening.
  void watch_for_reset() {
    wait_for(Socket::wait_read, [](auto& self) {
      if (self.state_ != State::open || self.read_handler_) return;
      char next = 0;
      const auto fd = self.socket_->native_handle();
      if (::recv(fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) return;
      if (errno == EAGAIN || errno == EINTR) return self.watch_for_reset();
      self.close_socket();
    });
  }

  /// Runs what belongs to websocketpp or to the application, and reports what it throws as a fault.
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
    std::error_code ignored;
    ticket_.release();
    if (socket_) socket_->close(ignored);
    if (phase_timer_) phase_timer_->cancel();
    secure_.reset();
    secured_handler_ = nullptr;
    read_handler_ = nullptr;
    write_handler_ = nullptr;
    in_flight_ = 0;
    if (owner_ != nullptr) owner_->on_socket_closed(*this);
  }

  // For websocketpp: the requirements of a connection transport component -------------------------

  ptr get_shared() { return shared_from_this(); }
  [[nodiscard]] bool is_secure() const noexcept { return secure_ != nullptr; }
  [[nodiscard]] std::string get_remote_endpoint() const { return {}; }  // Only for its logs.
  [[nodiscard]] ::websocketpp::connection_hdl get_handle() const { return handle_; }
  void set_handle(::websocketpp::connection_hdl handle) { handle_ = std::move(handle); }
  void set_uri(const ::websocketpp::uri_ptr& /*uri*/) noexcept {}

  timer_ptr set_timer(long milliseconds, ::websocketpp::transport::timer_handler callback) {
    auto timer = std::make_shared<::asio::steady_timer>(socket_->get_executor(),
                                                        std::chrono::milliseconds(milliseconds));
    // Shared, because Asio copies handlers, and that must not fail.
    const auto shared =
        std::make_shared<::websocketpp::transport::timer_handler>(std::move(callback));
    timer->async_wait([self = shared_from_this(), timer, shared](const std::error_code& error) {
      using ::websocketpp::transport::error::make_error_code;
      self->guarded([&] {
        (*shared)(error ? make_error_code(::websocketpp::transport::error::operation_aborted)
                        : std::error_code{});
      });
    });
    return timer;
  }

  template <class Handler>
  std::error_code dispatch(Handler handler) {
    ::asio::post(
        socket_->get_executor(),
        [self = shared_from_this(), handler = std::move(handler)] { self->guarded(handler); });
    return {};
  }
  template <class Handler>
  std::error_code interrupt(Handler handler) {
    return dispatch(std::move(handler));
  }

  void init(const ::websocketpp::transport::init_handler& handler) {
    if (!secure_) return handler({});
    secured_handler_ = handler;
    limit_phase(secure_timeout_);
    wait_for(Socket::wait_read, [](auto& self) { self.go_on_securing(); });
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
    out_.assign(1, ::asio::const_buffer(bytes, size));
    in_flight_ = size;
    if (tail_) {
      out_.emplace_back(tail_->data(), tail_->size());
      in_flight_ += tail_->size();
    }
    write(handler);
  }

  void async_write(const std::vector<::websocketpp::transport::buffer>& buffers,
                   const ::websocketpp::transport::write_handler& handler) {
    if (state_ != State::open) return;
    out_.clear();
    in_flight_ = 0;
    for (const auto& buffer : buffers) {
      if (buffer.len == 0) continue;
      out_.emplace_back(buffer.buf, buffer.len);
      in_flight_ += buffer.len;
    }
    write(handler);
  }

  /// Ends our half of the stream and reports done; the socket closes when the client has closed
  /// too, or soon after. With a write under way there is nobody to wait for: it closes at once.
  void async_shutdown(const ::websocketpp::transport::shutdown_handler& handler) {
    try {
      dispatch([done = handler] { done({}); });  // Not `const`, so that Asio can move it.
    } catch (...) {                              // Out of memory.
      return lose();
    }
    if (state_ != State::open) return;
    if (in_flight_ > 0) return close_socket();
    if (secure_) secure_->close_notify();
    linger();
  }

 private:
  enum class State : unsigned char { open, lingering, closed };

  /// A view of the unwritten buffers; Asio copies its buffer sequences.
  struct Unwritten {
    using value_type = ::asio::const_buffer;
    using const_iterator = const ::asio::const_buffer*;
    const_iterator first;
    const_iterator last;
    [[nodiscard]] const_iterator begin() const noexcept { return first; }
    [[nodiscard]] const_iterator end() const noexcept { return last; }
  };

  /// Calls `then` with this connection when the socket is ready, or closed.
  template <class Then>
  void wait_for(Socket::wait_type what, Then then) {
    socket_->async_wait(what, [self = shared_from_this(), then](const std::error_code&) {
      self->limited([&] { then(*self); });
    });
  }

  /// Runs our own part of the work: what fails there, for lack of memory, leaves a connection that
  /// waits for nothing.
  template <class F>
  void limited(F&& f) noexcept {
    try {
      f();
    } catch (...) {
      if (owner_ != nullptr && state_ == State::open) return owner_->on_fault(*this);
      lose();
    }
  }

  /// Closes the socket when this phase of its life takes too long.
  void limit_phase(std::chrono::milliseconds timeout) {
    phase_timer_.emplace(socket_->get_executor(), timeout);
    phase_timer_->async_wait([self = shared_from_this()](const std::error_code& cancelled) {
      if (!cancelled) self->limited([&] { self->close_socket(); });
    });
  }

  // The TLS handshake.

  void go_on_securing() {
    if (state_ != State::open) return;
    const auto again = [](auto& self) { self.go_on_securing(); };
    switch (secure_->handshake()) {
      case SecureStatus::want_read:
        return wait_for(Socket::wait_read, again);
      case SecureStatus::want_write:
        return wait_for(Socket::wait_write, again);
      case SecureStatus::closed:
        return close_socket();
      case SecureStatus::failed:
        return linger();  // so that the alert, which says why, is not lost to a reset
      case SecureStatus::done:
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
    if (state_ == State::open && secure_ && secure_->has_pending()) {
      // The socket would say nothing of what is decrypted already. Not from inside this call:
      // websocketpp asks for more as its last act, which would nest without bound.
      ::asio::post(socket_->get_executor(), [self = shared_from_this(), readable] {
        self->limited([&] { readable(*self); });
      });
    } else {
      wait_for(read_wants_write_ ? Socket::wait_write : Socket::wait_read, readable);
    }
  }

  void on_readable() {
    if (state_ == State::lingering) return discard();
    if (state_ != State::open || !read_handler_) return;
    std::error_code error;
    const auto count = read_some(error);
    if (is_would_block(error)) return wait_readable();
    const auto handler = std::exchange(read_handler_, nullptr);
    if (error == ::asio::error::eof) {
      error =
          ::websocketpp::transport::error::make_error_code(::websocketpp::transport::error::eof);
    }
    if (counts_frames_) count_frames({static_cast<const char*>(read_into_.data()), count});
    guarded([&] { handler(error, count); });
    const auto fragments = std::exchange(fragments_, 0);
    if (fragments == 0) return;
    guarded([&] {
      if (owner_ != nullptr && state_ == State::open) owner_->on_fragments(*this, fragments);
    });
  }

  std::size_t read_some(std::error_code& error) {
    if (!secure_) return socket_->read_some(read_into_, error);
    const auto result =
        secure_->read_some(static_cast<char*>(read_into_.data()), read_into_.size());
    read_wants_write_ = result.status == SecureStatus::want_write;
    error = as_socket_error(result.status);
    return result.bytes;
  }

  void linger() {
    if (linger_timeout_.count() == 0) return close_socket();
    std::error_code error;
    socket_->shutdown(Socket::shutdown_send, error);
    if (error) return close_socket();
    state_ = State::lingering;
    read_handler_ = nullptr;
    read_wants_write_ = false;
    try {
      linger_a_while(write_timeout_ / (std::max)(linger_timeout_, std::chrono::milliseconds(1)));
      wait_readable();
    } catch (...) {  // Out of memory: no wait without a bound.
      close_socket();
    }
  }

  /// As long as the client takes what the kernel still has for it, and so many times when it does
  /// not: an end before that could take the bytes with it.
  void linger_a_while(long patience) {
    phase_timer_.emplace(socket_->get_executor(), linger_timeout_);
    phase_timer_->async_wait(
        [self = shared_from_this(), patience](const std::error_code& cancelled) {
          if (cancelled || self->state_ != State::lingering) return;
          const bool owes = net::unacknowledged_bytes(self->socket_->native_handle()) > 0;
          const bool progress = owes && self->made_progress();
          if (!owes || (!progress && patience <= 1)) return self->close_socket();
          self->limited([&] { self->linger_a_while(progress ? patience : patience - 1); });
        });
  }

  void discard() {
    const auto found = net::discard_input(socket_->native_handle(), discarded_bytes_);
    found == net::Discarded::all ? wait_readable() : close_socket();
  }

  // Writing.

  /// Most writes end here, at once and with no wait: `handler` is websocketpp's last act in
  /// whatever called us, so it may run inside the call.
  void write(const ::websocketpp::transport::write_handler& handler) {
    first_ = 0;
    std::error_code error;
    write_all(error);
    if (!is_would_block(error)) return finish_write(handler, error);
    write_handler_ = handler;
    wait_writable();
  }

  void wait_writable() {
    wait_for(write_wants_read_ ? Socket::wait_read : Socket::wait_write, [](auto& self) {
      if (self.state_ != State::open) return;
      const auto before = self.in_flight_;
      std::error_code error;
      self.write_all(error);
      if (!is_would_block(error)) {
        const auto done = std::exchange(self.write_handler_, nullptr);
        return self.finish_write(done, error);
      }
      self.wait_writable();
      if (self.in_flight_ != before) self.report_progress();
    });
  }

  void write_all(std::error_code& error) {
    while (!error && in_flight_ > 0) {
      auto count = write_some(error);
      in_flight_ -= count;
      taken_ += count;
      for (; count > 0; ++first_) {
        if (count < out_[first_].size()) {
          out_[first_] += count;
          break;
        }
        count -= out_[first_].size();
      }
    }
  }

  std::size_t write_some(std::error_code& error) {
    const Unwritten unwritten{out_.data() + first_, out_.data() + out_.size()};
    if (!secure_) return socket_->write_some(unwritten, error);
    const auto result = net::write_gathered(*secure_, unwritten.first, unwritten.last);
    write_wants_read_ = result.status == SecureStatus::want_read;
    error = as_socket_error(result.status);
    return result.bytes;
  }

  void finish_write(const ::websocketpp::transport::write_handler& handler,
                    const std::error_code& error) {
    in_flight_ = 0;
    guarded([&] { handler(error); });
    report_progress();
  }

  void report_progress() noexcept {
    guarded([&] {
      if (owner_ != nullptr && state_ == State::open) owner_->on_progress(*this);
    });
  }

  static std::error_code as_socket_error(SecureStatus status) noexcept {
    switch (status) {
      case SecureStatus::done:
        return {};
      case SecureStatus::want_read:
      case SecureStatus::want_write:
        return ::asio::error::would_block;
      case SecureStatus::closed:
        return ::asio::error::eof;
      case SecureStatus::failed:
        break;
    }
    return ::asio::error::connection_reset;
  }

  static bool is_would_block(const std::error_code& error) noexcept {
    return error == ::asio::error::would_block || error == ::asio::error::try_again;
  }

  State state_ = State::open;
  bool waiting_to_read_ = false;
  bool read_wants_write_ = false;  // TLS alone; so the next.
  bool write_wants_read_ = false;
  bool lost_ = false;
  SocketOwner* owner_ = nullptr;
  std::optional<Socket> socket_;
  std::unique_ptr<SecureSession> secure_;  // Null: plain.
  ::websocketpp::transport::init_handler secured_handler_;
  SocketTicket ticket_;
  ::websocketpp::connection_hdl handle_;
  ::asio::mutable_buffer read_into_;
  ::websocketpp::transport::read_handler read_handler_;
  ::websocketpp::transport::write_handler write_handler_;
  std::vector<::asio::const_buffer> out_;
  std::size_t first_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t discarded_bytes_ = 0;
  FragmentCounter frames_;
  std::size_t fragments_ = 0;  // Not told yet.
  bool counts_frames_ = false;
  std::chrono::milliseconds linger_timeout_{0};
  std::chrono::milliseconds write_timeout_{0};
  std::chrono::milliseconds secure_timeout_{0};
  std::shared_ptr<const std::string> tail_;
  std::uint64_t taken_ = 0;  // By the kernel, all in all.
  net::PeerProgress progress_;
  std::optional<::asio::steady_timer> phase_timer_;  // Of the TLS handshake, of lingering.
};

/// The endpoint half of the policy. Sockets come from our own acceptor, so it has nothing to do.
struct SocketEndpoint {
  using transport_con_type = SocketConnection;
};

}  // namespace ordercast::websocketpp::detail
