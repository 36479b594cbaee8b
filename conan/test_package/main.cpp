// SPDX-License-Identifier: MIT
// Uses the core, and each component that it is built with, once. WITH_ASIO and so on: see
// CMakeLists.txt.
#include <ordercast/ordercast.hpp>
#include <ordercast/version.hpp>
#ifdef WITH_ASIO
#include <ordercast/asio/server.hpp>
#endif
#ifdef WITH_JWT
#include <ordercast/auth/jwt_authenticator.hpp>
#endif
#ifdef WITH_NATS
#include <ordercast/nats/backplane.hpp>
#endif
#ifdef WITH_TLS
#include <ordercast/net/tls.hpp>
#endif
#ifdef WITH_WEBSOCKETPP
#include <ordercast/websocketpp/server.hpp>
#endif

#include <exception>
#include <iostream>
#include <string>
#include <variant>

namespace {

bool failed = false;

void check(const char* component, bool works) {
  std::cout << component << (works ? " works\n" : " FAILS\n");
  failed = failed || !works;
}

/// Binds a port, and ends.
template <class Server>
bool listens() {
  Server server({}, [](const auto&) { return ordercast::DefaultServices{}; });
  const auto port = server.listen();
  server.stop();
  server.run();
  return port != 0;
}

/// Whether `action` throws.
template <class Action>
bool throws(Action action) {
  try {
    action();
    return false;
  } catch (const std::exception&) {
    return true;
  }
}

}  // namespace

int main() {
  std::cout << "ordercast " << ORDERCAST_VERSION_STRING << '\n';
  check("core", ordercast::encode(ordercast::Pong{}).find("pong") != std::string::npos);
#ifdef WITH_JWT
  ordercast::JwtIssuerOptions issuer;
  issuer.secret = std::string(ordercast::min_hmac_secret_bytes, 's');
  issuer.roles = {{"BUYER", ordercast::Reach::own}};
  const auto token =
      ordercast::JwtIssuer(issuer).issue_access({"alice", "BUYER"}, "alice@example.com");
  ordercast::JwtOptions jwt;
  jwt.keys = {{"", ordercast::JwtAlgorithm::hs256, issuer.secret, true}};
  jwt.roles = issuer.roles;
  check("jwt", std::holds_alternative<ordercast::Identity>(
                   ordercast::JwtAuthenticator(jwt).authenticate(token)));
#endif
#ifdef WITH_ASIO
  check("asio", listens<ordercast::asio::Server<ordercast::DefaultServices>>());
#endif
#ifdef WITH_WEBSOCKETPP
  check("websocketpp", listens<ordercast::websocketpp::Server<ordercast::DefaultServices>>());
#endif
#ifdef WITH_TLS
  check("tls", throws([] { ordercast::net::TlsContext("no such file", "no such file"); }));
#endif
#ifdef WITH_NATS
  check("nats", throws([] { ordercast::nats::Backplane(ordercast::nats::Options{}); }));
#endif
  return failed ? 1 : 0;
}
