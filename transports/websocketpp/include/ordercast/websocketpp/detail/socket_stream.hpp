// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/secure.hpp>
#include <ordercast/net/socket.hpp>
#include <ordercast/net/unacknowledged.hpp>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <sys/socket.h>
#include <websocketpp/transport/base/connection.hpp>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// The bytes of one socket, plain or encrypted. It never waits: what can't be done at once fails
/// with `would_block`; wait with `until_readable` or `until_writable`.
///
/// One thread. Call `open` before the other members, unless they say otherwise.
namespace ordercast::websocketpp::detail {

/// What became of a connection before it was ours.
struct Begun {
  std::string_view bytes_read = {};  ///< From the socket, and not used.
  bool is_answered = false;          ///< Its request: the first write, our answer, is dropped.
};

class SocketStream {
 public:
  /// Takes a connected socket. With a session the bytes are encrypted.
  void open(net::Socket socket, std::unique_ptr<net::SecureSession> session,
            const Begun& begun = {}) {
    if (!begun.bytes_read.empty()) read_before_ = std::make_unique<std::string>(begun.bytes_read);
    drops_write_ = begun.is_answered;
    socket_.emplace(std::move(socket));
    session_ = std::move(session);
    std::error_code ignored;
    socket_->non_blocking(true, ignored);
    socket_->set_option(::asio::ip::tcp::no_delay(true), ignored);
  }
  /// Closes the socket now. May be called any time.
  void close() noexcept {
    std::error_code ignored;
    if (socket_) socket_->close(ignored);
    session_.reset();
  }

  [[nodiscard]] bool is_secure() const noexcept { return session_ != nullptr; }
  /// -1 before `open` and after `close`.
  [[nodiscard]] int native_handle() noexcept { return socket_ ? socket_->native_handle() : -1; }
  [[nodiscard]] net::Socket::executor_type get_executor() { return socket_->get_executor(); }

  /// Calls `handler(std::error_code)` when the socket is ready, or closed.
  template <class Handler>
  void async_wait(net::Socket::wait_type what, Handler handler) {
    socket_->async_wait(what, std::move(handler));
  }
  [[nodiscard]] net::Socket::wait_type until_readable() const noexcept {
    return read_wants_write_ ? net::Socket::wait_write : net::Socket::wait_read;
  }
  [[nodiscard]] net::Socket::wait_type until_writable() const noexcept {
    return write_wants_read_ ? net::Socket::wait_read : net::Socket::wait_write;
  }

  /// Continues the TLS handshake.
  [[nodiscard]] net::SecureStatus secure() noexcept { return session_->handshake(); }

  /// Whether bytes wait that the socket does not report: they are decrypted already, or were read
  /// before.
  [[nodiscard]] bool has_pending() const noexcept {
    return read_before_ || (session_ && session_->has_pending());
  }

  /// Reports the end of the peer's stream as websocketpp's `eof`.
  std::size_t read_some(const ::asio::mutable_buffer& into, std::error_code& error) {
    std::size_t count = 0;
    if (read_before_) {
      count = read_before_->copy(static_cast<char*>(into.data()), into.size());
      read_before_->erase(0, count);
      if (read_before_->empty()) read_before_.reset();
    } else if (session_) {
      const auto result = session_->read_some(static_cast<char*>(into.data()), into.size());
      read_wants_write_ = result.status == net::SecureStatus::want_write;
      error = as_socket_error(result.status);
      count = result.bytes;
    } else {
      count = socket_->read_some(into, error);
    }
    if (error == ::asio::error::eof) {
      error =
          ::websocketpp::transport::error::make_error_code(::websocketpp::transport::error::eof);
    }
    return count;
  }

  /// `Buffers` is one of Asio's constant buffer sequences whose iterators are pointers.
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, std::error_code& error) {
    if (std::exchange(drops_write_, false)) return ::asio::buffer_size(buffers);
    if (!session_) return socket_->write_some(buffers, error);
    const auto result = net::write_gathered(*session_, buffers.begin(), buffers.end());
    write_wants_read_ = result.status == net::SecureStatus::want_read;
    error = as_socket_error(result.status);
    return result.bytes;
  }

  /// Writes a few bytes, or loses them if the socket does not take them at once.
  void try_write(std::string_view bytes) {
    std::error_code ignored;
    if (session_) {
      session_->write_some(bytes.data(), bytes.size());
    } else {
      socket_->write_some(::asio::buffer(bytes.data(), bytes.size()), ignored);
    }
  }

  /// Sends TLS's closing alert, if the bytes are encrypted.
  void close_notify() noexcept {
    if (session_) session_->close_notify();
  }
  /// Ends our half of the stream. Returns false if the connection is broken.
  [[nodiscard]] bool end() {
    std::error_code error;
    socket_->shutdown(net::Socket::shutdown_send, error);
    read_wants_write_ = false;
    return !error;
  }

  enum class Peek : unsigned char { nothing, something, broken };
  /// Checks whether something waits to be read, or the peer has reset the connection.
  [[nodiscard]] Peek peek() noexcept {
    char next = 0;
    if (::recv(native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) return Peek::something;
    return errno == EAGAIN || errno == EINTR ? Peek::nothing : Peek::broken;
  }

  /// Bytes that the kernel holds and the peer has not acknowledged. May be called any time.
  [[nodiscard]] std::size_t unacknowledged_bytes() noexcept {
    return net::unacknowledged_bytes(native_handle());
  }
  [[nodiscard]] std::optional<std::uint64_t> acknowledged_bytes() noexcept {
    return net::acknowledged_bytes(native_handle());
  }

  static bool is_would_block(const std::error_code& error) noexcept {
    return error == ::asio::error::would_block || error == ::asio::error::try_again;
  }

 private:
  static std::error_code as_socket_error(net::SecureStatus status) noexcept {
    switch (status) {
      case net::SecureStatus::done:
        return {};
      case net::SecureStatus::want_read:
      case net::SecureStatus::want_write:
        return ::asio::error::would_block;
      case net::SecureStatus::closed:
        return ::asio::error::eof;
      case net::SecureStatus::failed:
        break;
    }
    return ::asio::error::connection_reset;
  }

  std::optional<net::Socket> socket_;
  std::unique_ptr<net::SecureSession> session_;  // Null: plain.
  std::unique_ptr<std::string> read_before_;
  bool drops_write_ = false;
  bool read_wants_write_ = false;  // TLS alone; so the next.
  bool write_wants_read_ = false;
};

}  // namespace ordercast::websocketpp::detail
