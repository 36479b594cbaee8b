// SPDX-License-Identifier: MIT
// A server on Boost.Beast in the style of its chat example: a session has a queue of shared
// messages and one write at a time. It speaks as much of the contract as is measured. Environment:
// PORT, JWT_SECRET.
#include "../environment.hpp"
#include "../order_text.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <cstdint>
#include <iostream>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using beast::error_code;
using ordercast::bench::environment;
using ordercast::bench::Json;

class WsSession;

struct State {
  explicit State(const ordercast::JwtOptions& options) : authenticator(options) {}

  ordercast::JwtAuthenticator authenticator;
  std::unordered_map<std::string, std::unordered_set<WsSession*>> watchers;
  std::unordered_set<WsSession*> admins;
  std::unordered_map<std::string, std::uint64_t> versions;
};

class WsSession : public std::enable_shared_from_this<WsSession> {
 public:
  WsSession(tcp::socket&& socket, State& state, ordercast::Reach reach)
      : stream_(std::move(socket)), state_(state), reach_(reach) {}
  WsSession(const WsSession&) = delete;
  WsSession& operator=(const WsSession&) = delete;
  ~WsSession() {
    state_.admins.erase(this);
    for (const auto& id : orders_) state_.watchers[id].erase(this);
  }

  void run(const http::request<http::string_body>& request) {
    stream_.async_accept(request, [self = shared_from_this()](error_code error) {
      if (error) return;
      if (self->reach_ == ordercast::Reach::everything) self->state_.admins.insert(self.get());
      self->read();
    });
  }

  void send(std::shared_ptr<const std::string> text) {
    queue_.push(std::move(text));
    if (queue_.size() == 1) write();
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return;
      self->on_text(beast::buffers_to_string(self->buffer_.data()));
      self->buffer_.consume(self->buffer_.size());
      self->read();
    });
  }
  void on_text(const std::string& text) {
    const auto message = Json::parse(text, nullptr, false);
    if (!message.is_object()) return;
    const auto type = message.value("type", "");
    if (type == "ping") send(std::make_shared<const std::string>(R"({"type":"pong"})"));
    if (type != "subscribe") return;
    const auto id = message.value("orderId", "");
    state_.watchers[id].insert(this);
    orders_.insert(id);
  }
  void write() {
    stream_.async_write(asio::buffer(*queue_.front()),
                        [self = shared_from_this()](error_code error, std::size_t) {
                          if (error) return;
                          self->queue_.pop();
                          if (!self->queue_.empty()) self->write();
                        });
  }

  websocket::stream<beast::tcp_stream> stream_;
  State& state_;
  ordercast::Reach reach_;
  beast::flat_buffer buffer_;
  std::queue<std::shared_ptr<const std::string>> queue_;
  std::unordered_set<std::string> orders_;
};

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(tcp::socket&& socket, State& state) : stream_(std::move(socket)), state_(state) {}

  void read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](error_code error, std::size_t) {
                       if (!error) self->on_request();
                     });
  }

 private:
  void on_request() {
    if (!websocket::is_upgrade(request_)) {
      answer();
      return;
    }
    const auto target = std::string(request_.target());
    const auto token = target.substr(std::min(target.find('=') + 1, target.size()));
    const auto who = state_.authenticator.authenticate(token);
    const auto* identity = std::get_if<ordercast::Identity>(&who);
    if (identity == nullptr) return;  // Closes.
    std::make_shared<WsSession>(stream_.release_socket(), state_, identity->reach)->run(request_);
  }

  void answer() {
    response_ = {};
    response_.version(request_.version());
    response_.result(http::status::not_found);
    const std::string target(request_.target());
    const std::string before = "/api/v1/orders/";
    const auto end = target.rfind("/status");
    const auto body = Json::parse(request_.body(), nullptr, false);
    if (request_.method() == http::verb::patch && target.rfind(before, 0) == 0 &&
        end != std::string::npos && body.is_object()) {
      const auto authorization = std::string(request_[http::field::authorization]);
      const auto token = authorization.substr(std::min<std::size_t>(7, authorization.size()));
      if (std::holds_alternative<ordercast::Identity>(state_.authenticator.authenticate(token))) {
        change(target.substr(before.size(), end - before.size()), body);
      } else {
        response_.result(http::status::unauthorized);
      }
    }
    response_.prepare_payload();
    http::async_write(stream_, response_,
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  void change(const std::string& id, const Json& body) {
    const auto status = body.value("status", "");
    const auto order = ordercast::bench::order_text(
        id, status, body.value("note", ""), state_.versions.try_emplace(id, 1).first->second += 1);
    const auto send = [](const std::unordered_set<WsSession*>& sessions, std::string text) {
      const auto shared = std::make_shared<const std::string>(std::move(text));
      for (auto* session : sessions) session->send(shared);
    };
    if (const auto found = state_.watchers.find(id); found != state_.watchers.end()) {
      send(found->second,
           R"({"type":"order:updated","orderId":")" + id + R"(","data":)" + order + '}');
    }
    send(state_.admins,
         R"({"type":"orders:changed","orderId":")" + id + R"(","status":")" + status + R"("})");
    response_.result(http::status::ok);
    response_.set(http::field::content_type, "application/json");
    response_.body() = R"({"success":true,"data":)" + order + '}';
  }

  beast::tcp_stream stream_;
  State& state_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

void accept(tcp::acceptor& acceptor, State& state) {
  acceptor.async_accept([&](error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<HttpSession>(std::move(socket), state)->read();
    }
    accept(acceptor, state);
  });
}

void serve() {
  ordercast::JwtOptions options;
  options.keys = {{"", ordercast::JwtAlgorithm::hs256, environment("JWT_SECRET", ""), true}};
  options.roles = {{"CUSTOMER", ordercast::Reach::own},
                   {"SUPER_ADMIN", ordercast::Reach::everything}};
  options.allow_short_secret = true;
  State state(options);
  asio::io_context context(1);
  tcp::acceptor acceptor(
      context, {asio::ip::address_v4::loopback(), ordercast::bench::port_from_environment()});
  ordercast::bench::print_address(acceptor.local_endpoint().port());
  accept(acceptor, state);
  context.run();
}

}  // namespace

int main() {
  try {
    serve();
  } catch (const std::exception& error) {
    std::cerr << "beast_peer: " << error.what() << '\n';
    return 1;
  }
}
