// SPDX-License-Identifier: MIT
#pragma once

#include "serving/server.hpp"
#include <ordercast/net/server.hpp>

#include <utility>

/// A `RealtimeServer` on any transport. Each transport has a translation unit of its own, since
/// each takes long to compile.
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
  void publish_hint(const ordercast::OrderEvent& event) override {
    server_.publish(event, ordercast::ChangeMessages::hints);
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
  [[nodiscard]] std::size_t shards() const override { return server_.shards(); }
  void watched(std::size_t shard, std::uint32_t from, std::uint32_t most,
               std::function<void(Piece<WatchedVersion>)> done) override {
    server_.visit(shard, [from, most, done = std::move(done)](auto& manager) {
      Piece<WatchedVersion> piece;
      piece.next = manager.registry().for_each_order(from, most, [&](std::string_view id) {
        piece.items.push_back({std::string(id), manager.oldest_version(id)});
      });
      done(std::move(piece));
    });
  }
  void users(std::size_t shard, std::uint32_t from, std::uint32_t most,
             std::function<void(Piece<std::string>)> done) override {
    server_.visit(shard, [from, most, done = std::move(done)](auto& manager) {
      Piece<std::string> piece;
      piece.next = manager.registry().for_each_user(
          from, most, [&](std::string_view id) { piece.items.emplace_back(id); });
      done(std::move(piece));
    });
  }
  void organizations(std::size_t shard,
                     std::function<void(std::vector<std::string>)> done) override {
    server_.visit(shard, [done = std::move(done)](auto& manager) {
      std::vector<std::string> ids;
      manager.registry().for_each_organization([&](std::string_view id) { ids.emplace_back(id); });
      if (manager.registry().has_all_seeing()) ids.emplace_back();
      done(std::move(ids));
    });
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
