// SPDX-License-Identifier: MIT
#pragma once

#include "backend.hpp"
#include <ordercast/net/acceptor.hpp>
#include <ordercast/net/server.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <atomic>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

/// The backends of backend.hpp on any transport. Included by one translation unit a transport.
namespace ordercast::test {

/// Refuses "bad"; takes every other token for a user id.
struct TokenIsUser {
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    if (token.empty() || token == "bad") return AuthFailure{};
    const bool admin = token.substr(0, 5) == "admin";
    return Identity{std::string(token), admin ? Reach::everything : Reach::own};
  }
};

struct AllowAll {
  template <class Done>
  void authorize(const IdentityView&, std::string_view, Done done) const {
    done(true);
  }
};

struct BigOrders {
  template <class Done>
  void fetch(std::string_view order_id, Done done) const {
    if (order_id.substr(0, 3) != "big") return done(std::optional<OrderSnapshot>{});
    done(OrderSnapshot{7, big_order()});
  }
};

using TestServices = Services<TokenIsUser, AllowAll, BigOrders>;

template <class Transport>
class RecordingBackendOn final : public RecordingBackend {
 public:
  explicit RecordingBackendOn(RecordingServer::Setup setup)
      : RecordingBackend(std::move(setup.hook), std::move(setup.control_hook)),
        transport_(io_, counting(std::move(setup.options))),
        acceptor_(io_,
                  {{&io_,
                    [this](auto socket, auto ticket) {
                      transport_.adopt(std::move(socket), std::move(ticket));
                    }}},
                  setup.accept) {
    transport_.bind(sink);
    if (setup.http) transport_.set_http_handler(std::move(setup.http));
    if (setup.filter) transport_.set_handshake_filter(std::move(setup.filter));
    port_ = acceptor_.listen("127.0.0.1", 0);
    thread_ = std::thread([this] { io_.run(); });
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  [[nodiscard]] std::size_t websockets() const override { return transport_.websockets(); }
  [[nodiscard]] std::size_t http_requests() const override { return transport_.http_requests(); }
  [[nodiscard]] std::size_t open_sockets() const override { return acceptor_.open(); }
  [[nodiscard]] std::size_t errors() const override { return errors_; }
  void post(std::function<void()> task) override { ::asio::post(io_, std::move(task)); }

  void stop() override {
    if (!thread_.joinable()) return;
    post([this] { end_all(); });
    thread_.join();
  }

  std::vector<SendResult> send(const std::vector<Handle>& handles,
                               const std::string& text) override {
    const auto frame = Transport::prepare(text);
    std::vector<SendResult> results;
    results.reserve(handles.size());
    for (const auto handle : handles) results.push_back(transport_.send(handle, frame));
    return results;
  }
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const override {
    return transport_.buffered_bytes(handle);
  }
  [[nodiscard]] std::size_t unacknowledged_bytes(Handle handle) const override {
    return transport_.unacknowledged_bytes(handle);
  }
  void adopt(int fd) override {
    net::Socket socket(io_);
    socket.assign(::asio::ip::tcp::v4(), fd);
    transport_.adopt(std::move(socket));
  }
  void end_all() override {
    acceptor_.close();
    transport_.stop();
  }
  void ping(Handle handle) override { transport_.ping(handle); }
  void close(Handle handle, CloseCode code, const std::string& reason) override {
    transport_.close(handle, code, reason);
  }
  void terminate(Handle handle) override { transport_.terminate(handle); }
  void begin_drain() override { transport_.begin_drain(); }

 private:
  net::TransportOptions counting(net::TransportOptions options) {
    options.on_error = [this](const std::exception_ptr&) { ++errors_; };
    return options;
  }

  std::atomic<std::size_t> errors_{0};
  ::asio::io_context io_{1};
  Transport transport_;
  net::Acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

template <class Transport>
class WholeBackendOn final : public WholeBackend {
 public:
  WholeBackendOn(net::ServerOptions options, const HttpHandler& http)
      : server_(std::move(options), [](const auto&) { return TestServices{}; }) {
    if (http) server_.set_http_handler(http);
    server_.set_epoch("epoch-1", "node-1");
    port_ = server_.listen();
    thread_ = std::thread([this] { server_.run(); });
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  void publish(const OrderEvent& event, ChangeMessages messages,
               std::function<void(PublishOutcome)> done) override {
    if (messages == ChangeMessages::all) return server_.publish(event, std::move(done));
    server_.publish(event, messages, std::move(done));
  }
  void ping_user(const std::string& user_id, std::function<void()> done) override {
    server_.last_heard(user_id, true, [done = std::move(done)](auto) { done(); });
  }
  void disconnect_user(std::string user_id, CloseCode code, std::string reason) override {
    server_.disconnect_user(std::move(user_id), code, std::move(reason));
  }
  bool adopt(int fd, std::string bytes_read) override {
    return server_.adopt(fd, std::move(bytes_read));
  }
  bool adopt(int fd, const HttpRequest& request, const std::string& bytes_behind) override {
    return server_.adopt(fd, request, bytes_behind);
  }
  bool adopt_websocket(int fd, const HttpRequest& handshake, std::string bytes_behind,
                       const net::DeflateTerms& deflate) override {
    return server_.adopt_websocket(fd, handshake, std::move(bytes_behind), deflate);
  }
  void drain(std::chrono::milliseconds window) override { server_.drain(window); }
  void stop() override { server_.stop(); }
  void join() override {
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::size_t connections() const override { return server_.connections(); }
  [[nodiscard]] std::size_t subscriptions() const override { return server_.subscriptions(); }

 private:
  net::Server<Transport, TestServices> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

template <class Transport>
class ScarceBackendOn final : public ScarceBackend {
 public:
  ScarceBackendOn(net::TransportOptions options, HttpHandler http)
      : transport_(io_, std::move(options)),
        manager_(transport_, TestServices{}),
        acceptor_(io_,
                  {{&io_,
                    [this](auto socket, auto ticket) {
                      transport_.adopt(std::move(socket), std::move(ticket));
                    }}},
                  {0, 0, 0, [](const auto&) { return false; }}) {
    transport_.bind(manager_);
    transport_.set_http_handler(std::move(http));
    port_ = acceptor_.listen("127.0.0.1", 0);
    thread_ = std::thread([this] { io_.run(); });
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  void post(std::function<void()> task) override { ::asio::post(io_, std::move(task)); }
  void stop() override {
    if (!thread_.joinable()) return;
    post([this] {
      acceptor_.close();
      transport_.stop();
    });
    thread_.join();
  }
  [[nodiscard]] ScarceServer::Counts counts() const override {
    return {transport_.websockets(), transport_.http_requests(), acceptor_.open(),
            manager_.connections(),  manager_.subscriptions(),   manager_.sessions()};
  }
  void publish(const OrderEvent& event) override { manager_.publish(event); }
  void disconnect_user(const std::string& user_id, CloseCode code) override {
    manager_.disconnect_user(user_id, code, "told to go");
  }
  void begin_drain(std::chrono::milliseconds window) override {
    transport_.begin_drain();
    manager_.begin_drain(window);
  }

 private:
  ::asio::io_context io_{1};
  Transport transport_;
  ConnectionManager<Transport, TestServices> manager_;
  net::Acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

template <class Transport>
Backends backends_on() {
  return {[](RecordingServer::Setup setup) -> std::unique_ptr<RecordingBackend> {
            return std::make_unique<RecordingBackendOn<Transport>>(std::move(setup));
          },
          [](net::ServerOptions options, HttpHandler http) -> std::unique_ptr<WholeBackend> {
            return std::make_unique<WholeBackendOn<Transport>>(std::move(options), http);
          },
          [](net::TransportOptions options, HttpHandler http) -> std::unique_ptr<ScarceBackend> {
            return std::make_unique<ScarceBackendOn<Transport>>(std::move(options),
                                                                std::move(http));
          },
          [](const std::string& host, std::uint16_t port) {
            net::ServerOptions options;
            options.host = host;
            options.port = port;
            net::Server<Transport> server(options, [](const auto&) { return DefaultServices{}; });
            server.listen();
          }};
}

}  // namespace ordercast::test
