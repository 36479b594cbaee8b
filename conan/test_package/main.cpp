// SPDX-License-Identifier: MIT
#include <ordercast/auth/jwt_authenticator.hpp>
#include <ordercast/version.hpp>
#include <ordercast/websocketpp/server.hpp>

#include <iostream>
#include <string>
#include <variant>

/// Uses each component once: a token that verifies, and a server that binds a port and ends.
int main() {
  const std::string secret(ordercast::min_hmac_secret_bytes, 's');
  ordercast::JwtIssuerOptions issuer;
  issuer.secret = secret;
  const auto token = ordercast::JwtIssuer(issuer).issue_access(
      {"alice", ordercast::Role::customer, ""}, "alice@example.com");
  ordercast::JwtOptions options;
  options.keys = {{"", ordercast::JwtAlgorithm::hs256, secret, true}};
  const auto who = ordercast::JwtAuthenticator(options).authenticate(token);
  if (!std::holds_alternative<ordercast::Identity>(who)) return 1;

  ordercast::wspp::Server<> server({}, [](const auto&) { return ordercast::DefaultServices{}; });
  const auto port = server.listen();
  server.stop();
  server.run();
  std::cout << "ordercast " << ORDERCAST_VERSION_STRING << " listened on port " << port << '\n';
}
