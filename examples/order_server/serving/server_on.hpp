// SPDX-License-Identifier: MIT
#pragma once

#include "serving/server.hpp"
#include <ordercast/net/server.hpp>

#include <utility>

/// A `RealtimeServer` on any transport. Included by one translation unit a transport, since each
/// takes long to compile.
namespace order_server {

template <class Transport, class ServicesT>
class RealtimeServerOn final : public RealtimeServer {
 public:
  template <class Make>
  RealtimeServerOn(const ordercast::net::ServerOptions& options, const Make& make_services)
      : server_(options, make_services) {}

  void set_http_handler(const ordercast::HttpHandler& handler) override {
    server_.set_http_handler(handler);
  }
  void set_handshake_filter(const ordercast::HandshakeFilter& filter) override {
    server_.set_handshake_filter(filter);
  }
  void set_epoch(const std::string& epoch, const std::string& node) override {
    server_.set_epoch(epoch, node);
  }
  std::uint16_t listen() override { return server_.listen(); }
  void run() override { server_.run(); }
  void publish(const ordercast::OrderEvent& event, Done done) override {
    server_.publish(event, std::move(done));
  }
  void disconnect_user(std::string user_id, ordercast::CloseCode code, std::string reason,
                       Closed done) override {
    server_.disconnect_user(std::move(user_id), code, std::move(reason), std::move(done));
  }
  void disconnect_session(std::string user_id, std::string session_id, ordercast::CloseCode code,
                          std::string reason, Closed done) override {
    server_.disconnect_session(std::move(user_id), std::move(session_id), code, std::move(reason),
                               std::move(done));
  }
  void last_heard(const std::string& user_id, bool ping,
                  std::function<void(std::optional<ordercast::TimePoint>)> done) override {
    server_.last_heard(user_id, ping, std::move(done));
  }
  void drain(std::chrono::milliseconds window) override { server_.drain(window); }
  void stop() override { server_.stop(); }
  [[nodiscard]] std::size_t connections() const override { return server_.connections(); }

 private:
  ordercast::net::Server<Transport, ServicesT> server_;
};

template <class Transport>
RealtimeTransport realtime_transport() {
  using ordercast::net::ServerOptions;
  return {[](const ServerOptions& options,
             const RealtimeServer::MakeServices& make_services) -> std::unique_ptr<RealtimeServer> {
            return std::make_unique<RealtimeServerOn<Transport, RealtimeServices>>(options,
                                                                                   make_services);
          },
          [](const ServerOptions& options) -> std::unique_ptr<RealtimeServer> {
            return std::make_unique<RealtimeServerOn<Transport, ordercast::DefaultServices>>(
                options, [](const Post&) { return ordercast::DefaultServices{}; });
          }};
}

}  // namespace order_server
