// SPDX-License-Identifier: MIT
#include <ordercast/websocketpp/server.hpp>

#include <iostream>
#include <string>

using namespace ordercast;

struct MyUsers {  // Your own log-in. Here the token is the user's name.
  AuthResult authenticate(std::string_view token) const {
    if (token.empty()) return AuthFailure{"Missing token"};
    return Identity{std::string(token), Role::customer, ""};
  }
};
struct MyOrders {  // Your own rule on who may watch what. Here order-1 is alice's.
  template <class Done>
  void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
    done(order_id == "order-1" && who.user_id == "alice");
  }
};

int main(int argc, char** argv) try {
  wspp::ServerOptions options;
  options.port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 7001);
  wspp::Server<Services<MyUsers, MyOrders>> server(
      options, [](const auto& /*post*/) { return Services<MyUsers, MyOrders>{}; });
  server.set_http_handler([&](const HttpRequest&, const HttpResponder& respond) {
    const auto* json = R"({"id":"order-1","status":"CONFIRMED"})";
    server.publish({"order-1", "alice", "org-1", "CONFIRMED", 0, json});  // That is all.
    respond({200, {}, "order-1 is confirmed\n"});
  });
  std::cout << "listening on ws://127.0.0.1:" << server.listen() << "/ws" << std::endl;
  server.run();
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
