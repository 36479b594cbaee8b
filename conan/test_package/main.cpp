// SPDX-License-Identifier: MIT
#include <ordercast/asio/server.hpp>
#include <ordercast/auth/jwt_authenticator.hpp>
#include <ordercast/version.hpp>
#include <ordercast/websocketpp/server.hpp>

#include <iostream>
#include <string>
#include <variant>

/// Binds a port, and ends.
template <template <class> class Server>
int listen_once() {
  Server<ordercast::DefaultServices> server(
      {}, [](const auto&) { return ordercast::DefaultServices{}; });
  const auto port = server.listen();
  server.stop();
  server.run();
  return port;
}

/// Uses each component once: a token that verifies, and a server on each transport.
int main() {
  const std::string secret(ordercast::min_hmac_secret_bytes, 's');
  ordercast::JwtIssuerOptions issuer;
  issuer.secret = secret;
  issuer.roles = {{"BUYER", ordercast::Reach::own}};
  const auto token =
      ordercast::JwtIssuer(issuer).issue_access({"alice", "BUYER"}, "alice@example.com");
  ordercast::JwtOptions options;
  options.keys = {{"", ordercast::JwtAlgorithm::hs256, secret, true}};
  options.roles = issuer.roles;
  const auto who = ordercast::JwtAuthenticator(options).authenticate(token);
  if (!std::holds_alternative<ordercast::Identity>(who)) return 1;

  std::cout << "ordercast " << ORDERCAST_VERSION_STRING << " listened on ports "
            << listen_once<ordercast::websocketpp::Server>() << " and "
            << listen_once<ordercast::asio::Server>() << '\n';
}
