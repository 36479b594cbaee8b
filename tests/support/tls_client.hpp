// SPDX-License-Identifier: MIT
#pragma once

#include "ws_client.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

/// The client's side of TLS for tests, and certificates made on the spot.
///
///     const auto made = make_certificate("first");
///     WsClient client(tls_to(made));
namespace ordercast::test {

template <auto Function>
struct FreeWith {
  template <class T>
  void operator()(T* object) const noexcept {
    Function(object);
  }
};

/// A self-signed certificate of this machine's loopback and its key, as PEM.
struct Certificate {
  std::string certificate;
  std::string key;
};

inline std::string pem_text(BIO* bio) {
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

inline Certificate make_certificate(const std::string& common_name) {
  using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
  using X509Ptr = std::unique_ptr<X509, FreeWith<X509_free>>;
  using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
  const Key key(EVP_EC_gen("P-256"));
  const X509Ptr made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 24 * 3600);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME* const name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(made.get(), name);
  using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
  const Extension names(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"));
  X509_add_ext(made.get(), names.get(), -1);
  if (X509_sign(made.get(), key.get(), EVP_sha256()) == 0) {
    throw std::runtime_error("no certificate could be made");
  }
  const Bio certificate(BIO_new(BIO_s_mem()));
  const Bio private_key(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(certificate.get(), made.get());
  PEM_write_bio_PrivateKey(private_key.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {pem_text(certificate.get()), pem_text(private_key.get())};
}

/// A certificate in two files, as a server is given it.
struct CertificateFiles {
  explicit CertificateFiles(const std::filesystem::path& folder)
      : certificate(folder / "server.crt"), key(folder / "server.key") {}

  void write(const Certificate& made) const {
    std::ofstream(certificate) << made.certificate;
    std::ofstream(key) << made.key;
  }

  std::filesystem::path certificate;
  std::filesystem::path key;
};

/// TLS over a socket that is connected.
class TlsLayer final : public RawSocket::Layer {
 public:
  explicit TlsLayer(SSL_CTX* context, int fd) : ssl_(SSL_new(context)), fd_(fd) {
    SSL_set_fd(ssl_.get(), fd);
  }

  bool shake_hands() {
    for (;;) {
      ERR_clear_error();  // SSL_get_error(3) looks at what others have left in this thread's queue
      const int result = SSL_connect(ssl_.get());
      if (result == 1) return true;
      const int error = SSL_get_error(ssl_.get(), result);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
      pollfd one{fd_, static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
      if (::poll(&one, 1, static_cast<int>(default_timeout.count())) <= 0) return false;
    }
  }

  ssize_t send(const char* from, std::size_t size) override {
    std::size_t count = 0;
    ERR_clear_error();
    return SSL_write_ex(ssl_.get(), from, size, &count) == 1 ? static_cast<ssize_t>(count)
                                                             : failed();
  }
  ssize_t receive(char* into, std::size_t size) override {
    std::size_t count = 0;
    ERR_clear_error();
    if (SSL_read_ex(ssl_.get(), into, size, &count) == 1) return static_cast<ssize_t>(count);
    if (SSL_get_error(ssl_.get(), 0) == SSL_ERROR_ZERO_RETURN) return 0;
    return failed();
  }

 private:
  [[nodiscard]] ssize_t failed() const {
    const int error = SSL_get_error(ssl_.get(), 0);
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
  }

  std::unique_ptr<SSL, FreeWith<SSL_free>> ssl_;
  int fd_;
};

/// A layer that trusts exactly this certificate. `version` pins the protocol; 0 leaves it open.
/// `configure` has the last word on what the client offers.
inline RawSocket::MakeLayer tls_to(const Certificate& trusted, int version = 0,
                                   const std::function<void(SSL_CTX*)>& configure = {}) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (version != 0) {
    SSL_CTX_set_security_level(context.get(), 0);  // OpenSSL itself refuses what is too old
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
  }
  const std::unique_ptr<BIO, FreeWith<BIO_free_all>> bio(
      BIO_new_mem_buf(trusted.certificate.data(), static_cast<int>(trusted.certificate.size())));
  const std::unique_ptr<X509, FreeWith<X509_free>> certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), certificate.get());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (configure) configure(context.get());
  return [context](int fd) -> std::unique_ptr<RawSocket::Layer> {
    auto layer = std::make_unique<TlsLayer>(context.get(), fd);
    if (!layer->shake_hands()) return nullptr;
    return layer;
  };
}

}  // namespace ordercast::test
