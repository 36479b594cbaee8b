// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

/// The interface between a transport and TLS, independent of the TLS library. tls.hpp implements it
/// with OpenSSL.
///
/// A session works on a connected socket, blocking or not, which the transport owns. It never
/// waits; it says what to wait for. One thread at a time; distinct sessions on any threads.
namespace ordercast::net {

enum class SecureStatus : std::uint8_t {
  done,
  want_read,   ///< Nothing happened; try again when the socket is readable.
  want_write,  ///< Nothing happened; try again when the socket is writable.
  closed,      ///< The peer has ended the stream, in an orderly way or not.
  failed,      ///< The input is not TLS, or of a kind that is not accepted. Close the socket.
};

/// `bytes` is 0 unless `done`.
struct SecureResult {
  SecureStatus status = SecureStatus::done;
  std::size_t bytes = 0;
};

/// The server side of one encrypted connection.
class SecureSession {
 public:
  SecureSession() = default;
  SecureSession(const SecureSession&) = delete;
  SecureSession& operator=(const SecureSession&) = delete;
  virtual ~SecureSession() = default;

  /// Continues the handshake. Call nothing else until it is `done`.
  virtual SecureStatus handshake() noexcept = 0;

  /// Decrypts at least one byte. After a `done` call, `has_pending` may hold more than the socket's
  /// readiness tells.
  virtual SecureResult read_some(char* into, std::size_t size) noexcept = 0;

  /// Encrypts some of the bytes. After `want_read` or `want_write` the next call must bring the
  /// same bytes first, though not from the same place.
  virtual SecureResult write_some(const char* from, std::size_t size) noexcept = 0;

  /// Decrypted bytes wait inside: read without waiting for the socket.
  [[nodiscard]] virtual bool has_pending() const noexcept = 0;

  /// Sends close_notify (RFC 8446 section 6.1) if the socket accepts it at once. Call before ending
  /// the stream.
  virtual void close_notify() noexcept = 0;
};

/// Makes sessions. Any thread.
class SecureContext {
 public:
  SecureContext() = default;
  SecureContext(const SecureContext&) = delete;
  SecureContext& operator=(const SecureContext&) = delete;
  virtual ~SecureContext() = default;

  /// Returns a session for a socket that was just accepted; null if there is no memory.
  [[nodiscard]] virtual std::unique_ptr<SecureSession> accept(int socket) noexcept = 0;
};

/// The most bytes that fit into one record (RFC 8446 section 5.1).
inline constexpr std::size_t secure_record_bytes = 16 * 1024;

/// Encrypts the first bytes of a sequence of buffers as one record, so that many small frames cost
/// one encryption and one system call. After `want_read` or `want_write` the next call must bring
/// the same bytes first. O(bytes), at most a record.
template <class ConstBufferIterator>
SecureResult write_gathered(SecureSession& session, ConstBufferIterator first,
                            ConstBufferIterator last) noexcept {
  static thread_local std::array<char, secure_record_bytes> record;
  std::size_t size = 0;
  for (; first != last && size < record.size(); ++first) {
    const auto count = (std::min)(first->size(), record.size() - size);
    if (count == 0) continue;
    std::memcpy(record.data() + size, first->data(), count);
    size += count;
  }
  return session.write_some(record.data(), size);
}

}  // namespace ordercast::net
