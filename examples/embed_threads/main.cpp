// SPDX-License-Identifier: MIT
// The core in your own server: plain sockets and a thread for each connection. It uses only headers
// of the transports that do no I/O, and no Asio.
//
//     embed_threads [PORT]    then connect to ws://127.0.0.1:PORT/ws?token=alice
//     curl -d "at the back door" http://127.0.0.1:PORT/
#include "../embed_shop.hpp"
#include "thread_server.hpp"
#include <ordercast/ordercast.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

using namespace ordercast;

namespace {

using Manager = ConnectionManager<embed::ThreadTransport, embed::Shop>;

}  // namespace

int main(int argc, char** argv) try {
  embed::ThreadTransport transport;
  Manager manager(transport);
  std::uint64_t version = 1;  // Guarded by the server's lock, so that changes go out in order.

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
          const auto json = embed::order_json(request.body, ++version);
          to.publish(embed::order_event(json, version));
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
