// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/client/order_client.hpp>

#include <asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace order_watch {

/// The events of a socket. The same as in ordercast/websocketpp/client.hpp, which takes long to
/// compile.
struct SocketHandlers {
  std::function<void(ordercast::client::State state, ordercast::TimePoint retry_at)> on_state;
  std::function<void(const ordercast::client::OrderUpdate&)> on_order;
  std::function<void(const ordercast::client::OrderHint&)> on_changed;
  std::function<void(const ordercast::client::ServerError&)> on_error;
  std::function<void(ordercast::client::NeedToken::Reason)> on_need_token;
  std::function<void(ordercast::client::Poll::Reason)> on_poll;
  std::function<void(std::uint16_t code, const std::string& why)> on_lost;
};

/// An `ordercast::websocketpp::OrderSocket`, over TCP or TLS.
class Socket {
 public:
  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  virtual ~Socket() = default;

  virtual void start(std::string token) = 0;
  virtual void stop() = 0;
  virtual void subscribe(std::string_view order_id, std::uint64_t version) = 0;
  virtual void unsubscribe(std::string_view order_id) = 0;
  virtual void fetched(std::string_view order_id, std::uint64_t version, std::string json) = 0;
  virtual void set_token(std::string token, std::optional<ordercast::TimePoint> renew_at) = 0;
  virtual void token_failed() = 0;
  virtual void token_refused() = 0;
};

/// For `ws://` URLs.
[[nodiscard]] std::unique_ptr<Socket> make_tcp_socket(asio::io_context& io, const std::string& url,
                                                      SocketHandlers handlers);
/// For `wss://` URLs. The server's certificate must be good for its name.
[[nodiscard]] std::unique_ptr<Socket> make_tls_socket(asio::io_context& io, const std::string& url,
                                                      SocketHandlers handlers);

}  // namespace order_watch
