// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/detail/socket_bio.hpp>
#include <ordercast/net/secure.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// TLS 1.2 and 1.3 for servers, on OpenSSL 3. Link `ordercast::tls`; no other header needs OpenSSL.
///
/// Only suites with forward secrecy and authenticated encryption. No renegotiation, compression,
/// early data or session cache (tickets resume sessions without server memory). Buffers are freed
/// while a connection is idle.
///
///     net::ServerOptions options;
///     auto tls = std::make_shared<net::TlsContext>("server.crt", "server.key");
///     options.transport.tls = tls;
///     ...
///     tls->reload();  // when the files have been renewed
namespace ordercast::net {

/// One connection's TLS state, on OpenSSL.
class TlsSession final : public SecureSession {
 public:
  /// Takes over `ssl`, which has its socket.
  explicit TlsSession(SSL* ssl) noexcept : ssl_(ssl) {}

  SecureStatus handshake() noexcept override {
    ERR_clear_error();
    const int result = SSL_accept(ssl_.get());
    return result == 1 ? SecureStatus::done : status_of(result);
  }

  SecureResult read_some(char* into, std::size_t size) noexcept override {
    if (broken_) return {SecureStatus::closed, 0};
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), into, size, &count);
    return result == 1 ? SecureResult{SecureStatus::done, count}
                       : SecureResult{status_of(result), 0};
  }

  SecureResult write_some(const char* from, std::size_t size) noexcept override {
    if (broken_) return {SecureStatus::closed, 0};
    if (size == 0) return {};
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), from, size, &count);
    return result == 1 ? SecureResult{SecureStatus::done, count}
                       : SecureResult{status_of(result), 0};
  }

  [[nodiscard]] bool has_pending() const noexcept override { return SSL_pending(ssl_.get()) > 0; }

  void close_notify() noexcept override {
    if (broken_ || SSL_in_init(ssl_.get()) != 0) return;  // SSL_shutdown(3): not after an error
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };

  SecureStatus status_of(int result) noexcept {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return SecureStatus::want_read;
      case SSL_ERROR_WANT_WRITE:
        return SecureStatus::want_write;
      case SSL_ERROR_ZERO_RETURN:
        return SecureStatus::closed;
      case SSL_ERROR_SYSCALL:
        broken_ = true;
        return SecureStatus::closed;
      default:
        broken_ = true;
        return SecureStatus::failed;
    }
  }

  std::unique_ptr<SSL, Free> ssl_;
  bool broken_ = false;
};

/// A server's certificate and TLS settings. Any thread may call `accept` and `reload`; a lock is
/// held while a session is created, never while data is read or written.
class TlsContext final : public SecureContext {
 public:
  /// `certificate_file` contains the server's certificate followed by its issuers' certificates,
  /// without the root; `key_file` its private key, without a passphrase. Both PEM. Throws
  /// std::runtime_error that says which file is wrong, and why.
  TlsContext(std::string certificate_file, std::string key_file)
      : certificate_file_(std::move(certificate_file)),
        key_file_(std::move(key_file)),
        context_(load()) {}

  [[nodiscard]] std::unique_ptr<SecureSession> accept(int socket) noexcept override {
    SSL* ssl = nullptr;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ssl = SSL_new(context_.get());
    }
    if (ssl == nullptr) return nullptr;
    BIO* const bio = detail::new_socket_bio(socket);
    if (bio == nullptr) {
      SSL_free(ssl);
      return nullptr;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    try {
      return std::make_unique<TlsSession>(ssl);
    } catch (...) {  // Out of memory.
      SSL_free(ssl);
      return nullptr;
    }
  }

  /// Reads both files again, for new connections; open ones keep their certificate. Throws like the
  /// constructor; then nothing has changed. Blocks on files, so don't call it on an I/O thread.
  void reload() {
    for (const auto* const file : {&certificate_file_, &key_file_}) require_file(*file);
    auto fresh = load();
    const std::lock_guard<std::mutex> lock(mutex_);
    context_.swap(fresh);
  }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  using ContextPtr = std::unique_ptr<SSL_CTX, Free>;

  [[noreturn]] static void fail(const std::string& what) {
    std::string why;
    if (const char* reason = ERR_reason_error_string(ERR_peek_error())) why = reason;
    ERR_clear_error();
    throw std::runtime_error(why.empty() ? what : what + ": " + why);
  }

  /// An encrypted key is an error: a server that asks for a passphrase would hang.
  static int no_passphrase(char* /*into*/, int /*size*/, int /*writing*/, void* /*nothing*/) {
    return -1;
  }

  /// Only HTTP/1.1 is supported: a client that offers other protocols only gets an alert; one that
  /// offers none continues (RFC 7301 section 3.2).
  static int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size,
                             const unsigned char* offered, unsigned int offered_size,
                             void* /*nothing*/) {
    constexpr std::string_view ours = "http/1.1";
    for (unsigned int at = 0; at < offered_size; at += 1U + offered[at]) {
      const unsigned int length = offered[at];
      if (length != ours.size() || at + 1U + length > offered_size) continue;
      if (!std::equal(ours.begin(), ours.end(), offered + at + 1)) continue;
      *chosen = offered + at + 1;
      *size = static_cast<unsigned char>(length);
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol (RFC 7301 section 3.2)
  }

  /// Opening a pipe without a writer would block forever.
  static void require_file(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode))
      return;  // Otherwise opening reports the error.
    throw std::runtime_error("'" + path + "' is not a regular file");
  }

  [[nodiscard]] ContextPtr load() const {
    ERR_clear_error();
    ContextPtr made(SSL_CTX_new(TLS_server_method()));
    auto* const context = made.get();
    if (context == nullptr) fail("TLS can't be set up");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // For TLS 1.2, only suites with forward secrecy and authenticated encryption (RFC 9325 section
    // 4.2); all suites of TLS 1.3 have both.
    if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK") != 1) {
      fail("TLS can't be set up");
    }
    SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_default_passwd_cb(context, &no_passphrase);
    SSL_CTX_set_alpn_select_cb(context, &choose_protocol, nullptr);
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file_.c_str()) != 1) {
      fail("the certificate '" + certificate_file_ + "' can't be used");
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_file_.c_str(), SSL_FILETYPE_PEM) != 1) {
      fail("the private key '" + key_file_ + "' can't be used");
    }
    if (SSL_CTX_check_private_key(context) != 1) {
      fail("the private key '" + key_file_ + "' is not the one of '" + certificate_file_ + "'");
    }
    return made;
  }

  const std::string certificate_file_;
  const std::string key_file_;
  std::mutex mutex_;
  ContextPtr context_;  // under mutex_
};

}  // namespace ordercast::net
