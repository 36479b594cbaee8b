// SPDX-License-Identifier: MIT
// Sends every message back, text and binary, up to 64 MiB: for suites of RFC 6455 cases that come
// from elsewhere. Environment: PORT (0: a free one) and TRANSPORT (websocketpp or asio).
#include <ordercast/asio/transport.hpp>
#include <ordercast/net/acceptor.hpp>
#include <ordercast/websocketpp/transport.hpp>

#include <asio/io_context.hpp>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace): a program, not a header.

template <class Transport>
struct Echo {
  using Handle = typename Transport::Handle;

  void on_open(Handle /*handle*/, std::string_view /*token*/) {}
  void on_message(Handle handle, std::string_view text) {
    transport->send(handle, Transport::prepare(std::string(text)));
  }
  void on_binary(Handle handle, std::string_view bytes) {
    transport->send(handle, Transport::prepare_binary(std::string(bytes)));
  }
  void on_pong(Handle /*handle*/) {}
  void on_writable(Handle /*handle*/) {}
  void on_close(Handle /*handle*/) {}
  TimePoint tick(TimePoint /*now*/) { return TimePoint::max(); }

  Transport* transport;
};

template <class Transport>
int serve(std::uint16_t port) {
  ::asio::io_context io{1};
  net::TransportOptions options;
  options.max_message_bytes = 64 * 1024 * 1024;
  options.high_water_bytes = 256 * 1024 * 1024;
  Transport transport(io, std::move(options));
  transport.set_handshake_filter([](const HttpRequest&) { return std::nullopt; });
  Echo<Transport> echo{&transport};
  transport.bind(echo);
  net::Acceptor acceptor(
      io,
      {{&io,
        [&](auto socket, auto ticket) { transport.adopt(std::move(socket), std::move(ticket)); }}},
      net::AcceptLimits{});
  std::cout << "listening on ws://127.0.0.1:" << acceptor.listen("127.0.0.1", port) << "/"
            << std::endl;
  io.run();
  return 0;
}

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread.
  return value == nullptr ? otherwise : value;
}

}  // namespace

int main() {
  try {
    const auto port = static_cast<std::uint16_t>(std::stoul(environment("PORT", "9001")));
    const auto transport = environment("TRANSPORT", "asio");
    if (transport == "asio") return serve<ordercast::asio::Transport>(port);
    if (transport == "websocketpp") return serve<ordercast::websocketpp::Transport>(port);
    throw std::invalid_argument("TRANSPORT must be websocketpp or asio, not " + transport);
  } catch (const std::exception& error) {
    std::cerr << "echo_server: " << error.what() << '\n';
    return 1;
  }
}
