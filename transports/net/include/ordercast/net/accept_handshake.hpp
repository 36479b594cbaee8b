// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/deflate_terms.hpp>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

/// The server's half of the opening handshake (RFC 6455 section 4.2.2). Pure functions.
///
/// The digest is OpenSSL's: link OpenSSL::Crypto, which `ordercast::asio` and `ordercast::tls`
/// bring.
namespace ordercast::net {

/// Sec-WebSocket-Accept for a client's key.
[[nodiscard]] inline std::string accept_key(std::string_view key) {
  const auto text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 32> encoded{};
  const int size = ::EVP_EncodeBlock(encoded.data(), digest.data(), SHA_DIGEST_LENGTH);
  return {encoded.begin(), encoded.begin() + size};
}

/// The answer to a valid handshake, with what was agreed on about compression.
[[nodiscard]] inline std::string accept_handshake(const HttpRequest& request,
                                                  const DeflateTerms& deflate = {}) {
  std::string wire =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  wire.append(accept_key(request.header("Sec-WebSocket-Key"))).append("\r\n");
  const auto subprotocol = select_subprotocol(request);
  if (!subprotocol.empty()) {
    wire.append("Sec-WebSocket-Protocol: ").append(subprotocol).append("\r\n");
  }
  if (deflate) {
    wire.append("Sec-WebSocket-Extensions: ").append(to_answer(deflate)).append("\r\n");
  }
  return wire.append("\r\n");
}

}  // namespace ordercast::net
