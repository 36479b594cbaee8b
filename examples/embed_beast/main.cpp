// SPDX-License-Identifier: MIT
// An asynchronous Boost.Beast server as there are many. It answers HTTP itself and hands WebSockets
// to ordercast: `hand_over` below is all that is new in it.
//
//     embed_beast [PORT]    then connect to ws://127.0.0.1:PORT/ws?token=alice
//     curl -d "at the back door" http://127.0.0.1:PORT/
#include "live_orders.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;

namespace {

template <class Text>
std::string copy(const Text& text) {
  return {text.data(), text.size()};
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, LiveOrders& live) : stream_(std::move(socket)), live_(live) {}

  void read() {
    request_ = {};
    stream_.expires_after(std::chrono::seconds(30));
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code error, std::size_t /*bytes*/) {
                       if (!error) self->answer();
                     });
  }

 private:
  void answer() try {
    if (beast::websocket::is_upgrade(request_)) return hand_over();
    const bool is_post = request_.method() == http::verb::post;
    if (is_post) live_.change_note(request_.body());
    response_ = {is_post ? http::status::ok : http::status::method_not_allowed, request_.version()};
    response_.body() = is_post ? "order-1 has a note\n" : "Try POST\n";
    response_.keep_alive(request_.keep_alive());
    response_.prepare_payload();
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code error, std::size_t /*bytes*/) {
                        if (!error && self->response_.keep_alive()) self->read();
                      });
  } catch (const std::exception& error) {  // Ends this connection only.
    std::cerr << "a connection ended: " << error.what() << std::endl;
  }

  /// From here on ordercast answers the handshake and serves the socket.
  void hand_over() {
    ordercast::HttpRequest handshake;
    handshake.method = copy(request_.method_string());
    handshake.target = copy(request_.target());
    for (const auto& field : request_) {
      handshake.headers.push_back({copy(field.name_string()), copy(field.value())});
    }
    const auto behind = beast::buffers_to_string(buffer_.data());
    live_.adopt(stream_.release_socket().release(), handshake, behind);
  }

  beast::tcp_stream stream_;
  LiveOrders& live_;
  beast::flat_buffer buffer_{64 * 1024};
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

void accept(tcp::acceptor& acceptor, LiveOrders& live) {
  acceptor.async_accept([&](beast::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket), live)->read();
    accept(acceptor, live);
  });
}

}  // namespace

int main(int argc, char** argv) try {
  LiveOrders live;
  boost::asio::io_context io(1);
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 7004);
  tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), port});
  accept(acceptor, live);
  std::cout << "listening on ws://127.0.0.1:" << acceptor.local_endpoint().port() << "/ws"
            << std::endl;
  io.run();
} catch (const std::exception& error) {
  std::cerr << "embed_beast: " << error.what() << '\n';
  return 1;
}
