// SPDX-License-Identifier: MIT
#include <ordercast/websocketpp/server.hpp>

#include <atomic>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

using namespace ordercast;

struct MyUsers {  // Your own login. Here the token is the user's name.
  AuthResult authenticate(std::string_view token) const {
    if (token.empty()) return AuthFailure{"Missing token"};
    return Identity{std::string(token), Reach::own};
  }
};
struct MyDatabase {  // Your own database. Each change raises the order's version, in its JSON too.
  OrderSnapshot read() const { return order_at(version); }
  OrderSnapshot change() { return order_at(++version); }
  static OrderSnapshot order_at(std::uint64_t version) {
    const std::string status = version == 1 ? "PENDING" : "CONFIRMED";
    return {version, R"({"id":"order-1","status":")" + status + R"(","version":)" +
                         std::to_string(version) + "}"};
  }
  std::atomic<std::uint64_t> version{1};
};
struct MyRules {  // Your own rule about who may watch what. Here order-1 belongs to alice.
  template <class Done>
  void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
    done(order_id == "order-1" && who.user_id == "alice");
  }
};
struct MyOrders {  // Recovery: a client says which version it has, and gets this if it is newer.
  template <class Done>
  void fetch(std::string_view /*order_id*/, Done done) const {
    done(std::optional(database->read()));
  }
  const MyDatabase* database;
};
using MyServices = Services<MyUsers, MyRules, MyOrders>;

std::uint16_t port_of(const std::string& text) {
  const bool is_number = !text.empty() && text.size() <= 5 &&
                         text.find_first_not_of("0123456789") == std::string::npos;
  if (is_number && std::stoi(text) <= 65535) return static_cast<std::uint16_t>(std::stoi(text));
  throw std::invalid_argument("port '" + text + "': allowed is a number from 0 to 65535");
}

int main(int argc, char** argv) try {
  ordercast::websocketpp::ServerOptions options;
  options.port = port_of(argc > 1 ? argv[1] : "7003");
  MyDatabase database;
  ordercast::websocketpp::Server<MyServices> server(options, [&](const auto& /*post*/) {
    return MyServices{{}, {}, MyOrders{&database}, {}, {}};
  });
  server.set_http_handler([&](const HttpRequest&, const HttpResponder& respond) {
    const auto [version, json] = database.change();
    server.publish({"order-1", OwnerId("alice"), OrganizationId("org-1"), "CONFIRMED", version,
                    json});  // That is all.
    respond({200, {}, "order-1 is confirmed\n"});
  });
  const auto port = server.listen();
  std::cout << "listening on ws://127.0.0.1:" << port << "/ws" << std::endl;
  server.run();
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
