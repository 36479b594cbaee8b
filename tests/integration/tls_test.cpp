// SPDX-License-Identifier: MIT
#include "../support/tls_client.hpp"
#include "order_server.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace ordercast::test;

namespace {

/// A server with its own certificate.
struct SecureServer {
  TempDir folder;
  CertificateFiles files{folder.path()};
  Certificate first = [this] {
    auto made = make_certificate("first");
    files.write(made);
    return made;
  }();
  OrderServer server{{"--tls-cert", files.certificate, "--tls-key", files.key}};

  [[nodiscard]] bool trusts(const Certificate& certificate) const {
    return RawSocket(tls_to(certificate)).connect("127.0.0.1", server.port());
  }
  void hang_up() { server.process().signal(SIGHUP); }
  [[nodiscard]] bool log_has(const std::string& text) const {
    return server.log().find(text) != std::string::npos;
  }
};

bool alive(WsClient& client) {
  return client.send_text(R"({"type":"ping"})") &&
         client.next_text(patience) == R"({"type":"pong"})";
}

HttpReply get(const SecureServer& secure, const std::string& target) {
  RawSocket socket(tls_to(secure.first));
  if (!socket.connect("127.0.0.1", secure.server.port()) ||
      !socket.send_bytes(http_request_text("GET", target, {{"Connection", "close"}}))) {
    return {};
  }
  return read_http_reply(socket, false, patience);
}

}  // namespace

TEST_CASE("with a certificate the server speaks https and wss, and nothing else", "[tls]") {
  SecureServer secure;
  WsClient client(tls_to(secure.first));
  REQUIRE(client.connect("127.0.0.1", secure.server.port(), ws_target(demo().customer.token)));
  CHECK(alive(client));
  const auto healthy = get(secure, "/healthz");
  CHECK(healthy.status == 200);
  CHECK(healthy.header("Strict-Transport-Security") == "max-age=31536000");
  CHECK(secure.server.anonymous().get("/healthz").status == 0);
  CHECK(alive(client));
  secure.server.process().signal(SIGTERM);
  CHECK(client.expect_close(patience).value_or(CloseInfo{}).code == 1012);
  CHECK(secure.server.process().wait(patience).value_or(ExitStatus{}).code == 0);
}

TEST_CASE("SIGHUP takes a renewed certificate and keeps who is connected", "[tls]") {
  SecureServer secure;
  WsClient old(tls_to(secure.first));
  REQUIRE(old.connect("127.0.0.1", secure.server.port(), ws_target(demo().customer.token)));
  REQUIRE(alive(old));

  const auto second = make_certificate("second");
  secure.files.write(second);
  secure.hang_up();
  CHECK(eventually([&] { return secure.trusts(second); }));
  CHECK_FALSE(secure.trusts(secure.first));
  CHECK(alive(old));

  secure.files.write({"nonsense", second.key});
  secure.hang_up();
  CHECK(eventually([&] {
    return secure.trusts(second) &&
           secure.log_has("certificate not reloaded, the old one stays in use: the certificate '" +
                          secure.files.certificate.string());
  }));
  CHECK(secure.trusts(second));
}

TEST_CASE("without TLS there is no promise of it, and SIGHUP ends nothing", "[tls]") {
  OrderServer server;
  server.process().signal(SIGHUP);
  CHECK(eventually([&] {
    return server.anonymous().get("/healthz").status == 200 &&
           server.log().find("no certificate to reload") != std::string::npos;
  }));
  CHECK(server.anonymous().get("/healthz").header("Strict-Transport-Security").empty());
}

TEST_CASE("a certificate that can't be used is an error at the start", "[tls]") {
  const TempDir folder;
  const CertificateFiles files(folder.path());
  files.write({"nonsense", "nonsense"});
  auto command = order_server_command(folder.path() / "orders.db", folder.path() / "stderr.log");
  command.argv.insert(command.argv.end(),
                      {"--tls-cert", files.certificate, "--tls-key", files.key});
  ChildProcess process(command);
  const auto ended = process.wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code == 1);
  CHECK(read_file(command.stderr_file).find("server.crt") != std::string::npos);
}
