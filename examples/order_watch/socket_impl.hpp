// SPDX-License-Identifier: MIT
#pragma once

#include "socket.hpp"
#include <ordercast/websocketpp/client.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace order_watch {

template <class OrderSocket>
class SocketOf final : public Socket {
 public:
  SocketOf(asio::io_context& io, const std::string& url, SocketHandlers handlers)
      : socket_(io, {url}, translated(std::move(handlers))) {}

  void start(std::string token) override { socket_.start(std::move(token)); }
  void stop() override { socket_.stop(); }
  void subscribe(std::string_view order_id, std::uint64_t version) override {
    socket_.subscribe(order_id, version);
  }
  void unsubscribe(std::string_view order_id) override { socket_.unsubscribe(order_id); }
  void fetched(std::string_view order_id, std::uint64_t version, std::string json) override {
    socket_.fetched(order_id, version, std::move(json));
  }
  void set_token(std::string token, std::optional<ordercast::TimePoint> renew_at) override {
    socket_.set_token(std::move(token), renew_at);
  }
  void token_failed() override { socket_.token_failed(); }
  void token_refused() override { socket_.token_refused(); }

 private:
  static ordercast::websocketpp::OrderSocketHandlers translated(SocketHandlers handlers) {
    ordercast::websocketpp::OrderSocketHandlers out;
    out.on_state = std::move(handlers.on_state);
    out.on_order = std::move(handlers.on_order);
    out.on_changed = std::move(handlers.on_changed);
    out.on_error = std::move(handlers.on_error);
    out.on_need_token = std::move(handlers.on_need_token);
    out.on_poll = std::move(handlers.on_poll);
    out.on_lost = std::move(handlers.on_lost);
    return out;
  }

  OrderSocket socket_;
};

}  // namespace order_watch
