// SPDX-License-Identifier: MIT
#include <ordercast/net/accept_handshake.hpp>

#include <catch2/catch.hpp>

using ordercast::HttpRequest;
using ordercast::net::accept_handshake;
using ordercast::net::accept_key;

TEST_CASE("a key is answered as RFC 6455 section 1.3 does", "[accept_handshake]") {
  CHECK(accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a handshake is accepted with the subprotocol that was chosen, or with none",
          "[accept_handshake]") {
  HttpRequest request;
  request.method = "GET";
  request.headers = {{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  CHECK(accept_handshake(request) ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  request.headers.push_back({"Sec-WebSocket-Protocol", "other, ordercast.v1"});
  const auto answer = accept_handshake(request);
  CHECK(answer.find("\r\nSec-WebSocket-Protocol: ordercast.v1\r\n\r\n") != std::string::npos);
}

TEST_CASE("what was agreed on about compression is the last of the answer", "[accept_handshake]") {
  HttpRequest request;
  request.headers = {{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  const std::string plain = accept_handshake(request);
  CHECK(accept_handshake(request, {}) == plain);
  CHECK(accept_handshake(request, {10, true}) ==
        plain.substr(0, plain.size() - 2) +
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
            "client_no_context_takeover; server_max_window_bits=10\r\n\r\n");
}
