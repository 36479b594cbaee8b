// SPDX-License-Identifier: MIT
#pragma once

#include <openssl/bio.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

/// An OpenSSL BIO for a socket. OpenSSL's own uses write(2), whose SIGPIPE ends the process when a
/// client hangs up. This one avoids that, and never blocks, whatever the mode of the socket. One
/// thread at a time for each.
namespace ordercast::net::detail {

inline int socket_of(BIO* bio) noexcept {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

inline int socket_bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  const auto count = ::send(socket_of(bio), from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  *written = count > 0 ? static_cast<std::size_t>(count) : 0;
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return count > 0 ? 1 : 0;
}

inline int socket_bio_read(BIO* bio, char* into, std::size_t size, std::size_t* read) {
  BIO_clear_retry_flags(bio);
  const auto count = ::recv(socket_of(bio), into, size, MSG_DONTWAIT);
  *read = count > 0 ? static_cast<std::size_t>(count) : 0;
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return count > 0 ? 1 : 0;
}

inline long socket_bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// Returns a BIO for a socket that it does not own; null if there is no memory.
inline BIO* new_socket_bio(int socket) noexcept {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ordercast socket");
    if (made == nullptr) return made;
    BIO_meth_set_write_ex(made, &socket_bio_write);
    BIO_meth_set_read_ex(made, &socket_bio_read);
    BIO_meth_set_ctrl(made, &socket_bio_control);
    return made;
  }();
  BIO* const bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): OpenSSL stores a pointer, and this is a number.
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace ordercast::net::detail
