// SPDX-License-Identifier: MIT
// The core in a server of your own: plain sockets and a thread for each connection. Of the
// transports it uses what does no I/O, and nothing of Asio.
//
//     embed_threads [PORT]    then connect to ws://127.0.0.1:PORT/ws?token=alice
//     curl -d "at the back door" http://127.0.0.1:PORT/
#include "thread_server.hpp"
#include <ordercast/ordercast.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

using namespace ordercast;

namespace {

struct Users {  // The token is the user's name; a real one is signed.
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    if (token.empty()) return AuthFailure{"Missing token"};
    return Identity{std::string(token), Reach::own};
  }
};

struct Rules {
  template <class Done>
  void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
    done(order_id == "order-1" && who.user_id == "alice");
  }
};

using Manager = ConnectionManager<embed::ThreadTransport, Services<Users, Rules>>;

}  // namespace

int main(int argc, char** argv) try {
  embed::ThreadTransport transport;
  Manager manager(transport);
  std::uint64_t version = 1;  // The lock guards it as well, so that changes go out in order.

  embed::ThreadServerOptions options;
  options.port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 7003);
  options.on_error = [](const std::exception& error) {
    std::cerr << "a connection ended: " << error.what() << std::endl;
  };
  embed::ThreadServer<Manager>* self = nullptr;
  embed::ThreadServer<Manager> server(
      transport, manager,
      [&](const HttpRequest& request) {
        if (request.method != "POST") return HttpResponse{405, {{"Allow", "POST"}}, "Try POST\n"};
        self->locked([&](Manager& to) {
          const nlohmann::json order = {
              {"id", "order-1"}, {"note", request.body}, {"version", ++version}};
          const auto json = order.dump();
          to.publish(
              {"order-1", OwnerId("alice"), OrganizationId("org-1"), "CONFIRMED", version, json});
        });
        return HttpResponse{200, {}, "order-1 has a note\n"};
      },
      options);
  self = &server;
  std::cout << "listening on ws://127.0.0.1:" << server.port() << "/ws" << std::endl;
  server.run();
} catch (const std::exception& error) {
  std::cerr << "embed_threads: " << error.what() << '\n';
  return 1;
}
