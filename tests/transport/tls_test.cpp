// SPDX-License-Identifier: MIT
#include "recording_server.hpp"
#include <ordercast/net/tls.hpp>

#include <catch2/catch.hpp>
#include <support/process.hpp>
#include <support/tls_client.hpp>
#include <sys/stat.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";

/// A server with a certificate of its own.
struct Secure {
  explicit Secure(RecordingServer::Setup setup = {}) : server(with_tls(std::move(setup))) {}

  RecordingServer::Setup with_tls(RecordingServer::Setup setup) {
    files.write(first);
    tls = std::make_shared<net::TlsContext>(files.certificate, files.key);
    setup.options.tls = tls;
    return setup;
  }

  TempDir folder;
  CertificateFiles files{folder.path()};
  Certificate first = make_certificate("first");
  std::shared_ptr<net::TlsContext> tls;
  RecordingServer server;
};

bool echoes(RecordingServer& server, Handle handle, WsClient& client) {
  if (!client.send_text("over")) return false;
  const auto heard = server.next();
  if (!heard || heard->kind != Event::Kind::message || heard->text != "over") return false;
  return server.send(handle, "and back") == SendResult::accepted &&
         client.next_text() == "and back";
}

/// A ClientHello as OpenSSL writes it, taken off a connection to nowhere.
std::string client_hello() {
  const std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
  const std::unique_ptr<SSL, FreeWith<SSL_free>> ssl(SSL_new(context.get()));
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_connect(ssl.get());
  return pem_text(SSL_get_wbio(ssl.get()));
}

/// Plain requests get their body back.
RecordingServer::Setup echoing() {
  RecordingServer::Setup setup;
  setup.http = [](const HttpRequest& request, const HttpResponder& respond) {
    respond({200, {}, request.body});
  };
  return setup;
}

}  // namespace

TEST_CASE("messages go both ways over TLS 1.2 and 1.3", "[tls]") {
  Secure secure;
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  WsClient client(tls_to(secure.first, version));
  REQUIRE(client.connect(host, secure.server.port(), "/ws?token=alice"));
  const auto handle = secure.server.opened();
  CHECK(echoes(secure.server, handle, client));
  CHECK(client.close());
  CHECK(secure.server.expect(Event::Kind::close, handle));
}

TEST_CASE("TLS below 1.2 is refused", "[tls]") {
  Secure secure;
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    RawSocket client(tls_to(secure.first, version));
    CHECK_FALSE(client.connect(host, secure.server.port()));
  }
}

TEST_CASE("TLS 1.2 without forward secrecy or authenticated encryption is refused", "[tls]") {
  Secure secure;
  const auto connects = [&](const char* ciphers) {
    RawSocket client(tls_to(secure.first, TLS1_2_VERSION,
                            [&](SSL_CTX* context) { SSL_CTX_set_cipher_list(context, ciphers); }));
    return client.connect(host, secure.server.port());
  };
  for (const auto* good : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                           "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    CAPTURE(good);
    CHECK(connects(good));
  }
  for (const auto* bad :
       {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "AES128-SHA", "AES128-GCM-SHA256",
        "DHE-RSA-AES128-GCM-SHA256", "kRSA", "AECDH-AES128-SHA", "ECDHE-ECDSA-AES128-CCM8"}) {
    CAPTURE(bad);
    CHECK_FALSE(connects(bad));
  }
}

TEST_CASE(
    "a client whose protocols are none of ours gets an alert, and one that names ours goes on",
    "[tls]") {
  Secure secure;
  const auto connects = [&](const std::string& protocols) {
    RawSocket client(tls_to(secure.first, 0, [&](SSL_CTX* context) {
      SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                              static_cast<unsigned>(protocols.size()));
    }));
    const bool connected = client.connect(host, secure.server.port());
    // The last error of the handshake is the alert that came.
    const bool alert =
        ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL;
    CHECK(connected != alert);
    return connected;
  };
  CHECK_FALSE(connects("\x02h2"));
  CHECK_FALSE(connects("\x02h2\x08http/1.0"));
  CHECK(connects("\x08http/1.1"));
  CHECK(connects("\x02h2\x08http/1.1"));
}

TEST_CASE("a client that asks first is told to go on over TLS too", "[tls]") {
  Secure secure(echoing());
  RawSocket client(tls_to(secure.first));
  REQUIRE(client.connect(host, secure.server.port()));
  client.send_bytes(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send_bytes("ok");
  CHECK(read_http_reply(client).body == "ok");
}

TEST_CASE("requests are answered over TLS, and the stream ends in order", "[tls]") {
  Secure secure(echoing());
  RawSocket client(tls_to(secure.first));
  REQUIRE(client.connect(host, secure.server.port()));
  const std::string body(60'000, 'x');  // four records in, four out
  REQUIRE(client.send_bytes(http_request_text("POST", "/", {{"Connection", "close"}}, body)));
  CHECK(read_http_reply(client).body == body);
  CHECK(client.wait_for_end());
  CHECK_FALSE(client.was_reset());  // a stream that ends without close_notify may have been cut
}

TEST_CASE("what TLS has decrypted already is read without waiting for the socket", "[tls]") {
  Secure secure;
  WsClient client(tls_to(secure.first));
  REQUIRE(client.connect(host, secure.server.port(), "/ws?token=alice"));
  const auto handle = secure.server.opened();
  // One record, many reads: the transport reads 512 bytes at a time.
  std::string frames;
  for (int i = 0; i < 40; ++i) {
    frames +=
        ws_frame_bytes(Opcode::text, true, true, std::string(200, static_cast<char>('A' + i)));
  }
  REQUIRE(client.socket().send_bytes(frames));
  for (int i = 0; i < 40; ++i) {
    const auto event = secure.server.next();
    REQUIRE(event.has_value());
    CHECK(event->text == std::string(200, static_cast<char>('A' + i)));
  }
  CHECK(echoes(secure.server, handle, client));
}

TEST_CASE("a client that does not read pushes back over TLS, and gets all of it later", "[tls]") {
  Secure secure;
  WsClient client(tls_to(secure.first));
  REQUIRE(client.connect(host, secure.server.port(), "/ws?token=alice", {}, default_timeout, 4096));
  const auto handle = secure.server.opened();
  const std::string text(5'000, 'x');
  const auto sent = secure.server.send_until_backpressure(handle, text);
  CHECK(secure.server.buffered_bytes(handle) > 0);
  for (std::size_t i = 0; i < sent; ++i) REQUIRE(client.next_text() == text);
  CHECK(secure.server.expect(Event::Kind::writable, handle));
  CHECK(echoes(secure.server, handle, client));
}

TEST_CASE("plain HTTP on a TLS port is hung up on", "[tls]") {
  Secure secure;
  RawSocket client;
  REQUIRE(client.connect(host, secure.server.port()));
  REQUIRE(client.send_bytes(http_request_text("GET", "/")));
  CHECK(client.wait_for_end());
  WsClient next(tls_to(secure.first));
  CHECK(next.connect(host, secure.server.port(), "/ws?token=alice"));
}

TEST_CASE("a TLS handshake that does not go on is cut off in time", "[tls]") {
  RecordingServer::Setup setup;
  setup.options.handshake_timeout = 100ms;
  Secure secure(std::move(setup));
  const auto hello = client_hello();
  REQUIRE(hello.size() > 100);
  for (const std::size_t sent : {std::size_t{0}, std::size_t{1}, hello.size() / 2, hello.size()}) {
    CAPTURE(sent);
    RawSocket client;
    REQUIRE(client.connect(host, secure.server.port()));
    REQUIRE(client.send_bytes(hello.substr(0, sent)));
    CHECK(client.wait_for_end());
  }
  // The request has no clock of its own: the handshake's has run since the connection came.
  RawSocket silent(tls_to(secure.first));
  REQUIRE(silent.connect(host, secure.server.port()));
  CHECK(silent.wait_for_end());
}

TEST_CASE("a connection that is reset within a record is reported once", "[tls]") {
  Secure secure;
  WsClient client(tls_to(secure.first));
  REQUIRE(client.connect(host, secure.server.port(), "/ws?token=alice"));
  const auto handle = secure.server.opened();
  REQUIRE(echoes(secure.server, handle, client));
  // The first half of a record: a header that announces more than follows.
  const std::string half("\x17\x03\x03\x01\x00half", 9);
  REQUIRE(::send(client.socket().fd(), half.data(), half.size(), MSG_NOSIGNAL) == 9);
  client.socket().reset();
  CHECK(secure.server.expect(Event::Kind::close, handle));
  CHECK(secure.server.unread() == 0);
}

TEST_CASE("bytes that are no TLS end an encrypted connection and no other", "[tls]") {
  Secure secure;
  WsClient bystander(tls_to(secure.first));
  REQUIRE(bystander.connect(host, secure.server.port(), "/ws?token=bob"));
  const auto by = secure.server.opened();
  WsClient client(tls_to(secure.first));
  REQUIRE(client.connect(host, secure.server.port(), "/ws?token=alice"));
  const auto handle = secure.server.opened();
  const std::string noise(64, '\x17');
  REQUIRE(::send(client.socket().fd(), noise.data(), noise.size(), MSG_NOSIGNAL) == 64);
  CHECK(secure.server.expect(Event::Kind::close, handle));
  CHECK(echoes(secure.server, by, bystander));
}

TEST_CASE("a reload changes the certificate of new connections and of no other", "[tls]") {
  Secure secure;
  WsClient old(tls_to(secure.first));
  REQUIRE(old.connect(host, secure.server.port(), "/ws?token=alice"));
  const auto handle = secure.server.opened();

  const auto second = make_certificate("second");
  secure.files.write(second);
  secure.tls->reload();
  CHECK_FALSE(RawSocket(tls_to(secure.first)).connect(host, secure.server.port()));
  CHECK(RawSocket(tls_to(second)).connect(host, secure.server.port()));
  CHECK(echoes(secure.server, handle, old));
}

TEST_CASE("files that can't be used leave the certificate as it is, and say why", "[tls]") {
  Secure secure;
  std::string named;
  SECTION("a certificate that is none") {
    secure.files.write({"nonsense", secure.first.key});
    named = "server.crt";
  }
  SECTION("a key that is none") {
    secure.files.write({secure.first.certificate, "nonsense"});
    named = "server.key";
  }
  SECTION("the key of another certificate") {
    secure.files.write({secure.first.certificate, make_certificate("second").key});
    named = "server.key";
  }
  SECTION("a pipe that nobody writes to") {
    std::filesystem::remove(secure.files.key);
    REQUIRE(::mkfifo(secure.files.key.c_str(), 0600) == 0);
    named = "is not a regular file";
  }
  SECTION("no files at all") {
    std::filesystem::remove(secure.files.certificate);
    named = "server.crt";
  }
  CHECK_THROWS_WITH(secure.tls->reload(), Catch::Contains(named));
  CHECK(RawSocket(tls_to(secure.first)).connect(host, secure.server.port()));
}

TEST_CASE("a server ends cleanly with TLS connections in every state", "[tls]") {
  Secure secure;
  RawSocket silent;
  REQUIRE(silent.connect(host, secure.server.port()));
  RawSocket half;
  REQUIRE(half.connect(host, secure.server.port()));
  REQUIRE(half.send_bytes(client_hello()));
  RawSocket shaken(tls_to(secure.first));
  REQUIRE(shaken.connect(host, secure.server.port()));
  WsClient open(tls_to(secure.first));
  REQUIRE(open.connect(host, secure.server.port(), "/ws?token=alice"));
  static_cast<void>(secure.server.opened());
  secure.server.stop();
  CHECK(secure.server.open_sockets() == 0);
}
