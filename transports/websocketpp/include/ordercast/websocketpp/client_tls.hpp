// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/websocketpp/client.hpp>

#include <asio/ssl/context.hpp>
#include <asio/ssl/host_name_verification.hpp>
#include <asio/ssl/verify_mode.hpp>
#include <websocketpp/config/asio_client.hpp>
#include <websocketpp/uri.hpp>

#include <memory>
#include <utility>

/// `OrderSocket` over TLS: `wss://`. Link OpenSSL::SSL and OpenSSL::Crypto.
///
/// The server's certificate must be valid for the host in the URL, and its chain must end in a
/// certificate that the system trusts (OpenSSL's default paths; the environment variable
/// SSL_CERT_FILE names others). Everything else is as in client.hpp.
namespace ordercast::websocketpp {

class TlsOrderSocket
    : public BasicOrderSocket<detail::ClientConfig<::websocketpp::config::asio_tls_client>> {
 public:
  TlsOrderSocket(::asio::io_context& io, const OrderSocketOptions& options,
                 OrderSocketHandlers handlers)
      : BasicOrderSocket(io, options, std::move(handlers)) {
    const auto host = ::websocketpp::uri(options.url).get_host();
    core().endpoint().set_tls_init_handler([host](const ::websocketpp::connection_hdl&) {
      auto context = std::make_shared<::asio::ssl::context>(::asio::ssl::context::tls_client);
      context->set_default_verify_paths();
      context->set_verify_mode(::asio::ssl::verify_peer);
      context->set_verify_callback(::asio::ssl::host_name_verification(host));
      return context;
    });
  }
};

}  // namespace ordercast::websocketpp
