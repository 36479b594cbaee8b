// SPDX-License-Identifier: MIT
#pragma once

#include "realtime/resync.hpp"
#include "realtime/services.hpp"
#include <ordercast/error.hpp>
#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/sharded.hpp>
#include <ordercast/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The server's sockets, on the transport that the command line names. A process uses one
/// transport, so this interface wraps the whole server, and sending to a recipient needs no virtual
/// call.
namespace order_server {

/// The interface of `net::Server`; see there for threads and costs.
class RealtimeServer {
 public:
  using MakeServices = std::function<RealtimeServices(const Post& post)>;
  using Done = std::function<void(ordercast::PublishOutcome)>;
  using Closed = std::function<void(std::size_t connections)>;

  RealtimeServer() = default;
  RealtimeServer(const RealtimeServer&) = delete;
  RealtimeServer& operator=(const RealtimeServer&) = delete;
  virtual ~RealtimeServer() = default;

  virtual void set_http_handler(const ordercast::HttpHandler& handler) = 0;
  virtual void set_handshake_filter(const ordercast::HandshakeFilter& filter) = 0;
  virtual void set_epoch(const std::string& epoch, const std::string& node) = 0;
  virtual std::uint16_t listen() = 0;
  virtual void run() = 0;
  virtual void publish(const ordercast::OrderEvent& event, Done done) = 0;
  /// `orders:changed` alone.
  virtual void publish_hint(const ordercast::OrderEvent& event) = 0;
  virtual void disconnect_user(std::string user_id, ordercast::CloseCode code, std::string reason,
                               Closed done) = 0;
  virtual void disconnect_session(std::string user_id, std::string session_id,
                                  ordercast::CloseCode code, std::string reason, Closed done) = 0;
  virtual void last_heard(const std::string& user_id, bool ping,
                          std::function<void(std::optional<ordercast::TimePoint>)> done) = 0;
  /// What connections watch, who they are, and whose orders they hear of: each a piece at a time,
  /// on the thread of one of the `shards()`, answered there. See `Resync`. Where that thread has
  /// ended, `done` is destroyed uncalled.
  [[nodiscard]] virtual std::size_t shards() const = 0;
  virtual void watched(std::size_t shard, std::uint32_t from, std::uint32_t most,
                       std::function<void(Piece<WatchedVersion>)> done) = 0;
  virtual void users(std::size_t shard, std::uint32_t from, std::uint32_t most,
                     std::function<void(Piece<std::string>)> done) = 0;
  virtual void organizations(std::size_t shard,
                             std::function<void(std::vector<std::string>)> done) = 0;
  virtual void drain(std::chrono::milliseconds window) = 0;
  virtual void stop() = 0;
  [[nodiscard]] virtual std::size_t connections() const = 0;
};

/// Makes servers on one transport.
struct RealtimeTransport {
  /// A server whose WebSocket connections authenticate and watch orders.
  std::unique_ptr<RealtimeServer> (*make)(const ordercast::net::ServerOptions& options,
                                          const RealtimeServer::MakeServices& make_services);
  /// An HTTP server that refuses every WebSocket.
  std::unique_ptr<RealtimeServer> (*make_plain)(const ordercast::net::ServerOptions& options);
};

[[nodiscard]] RealtimeTransport websocketpp_transport();
[[nodiscard]] RealtimeTransport asio_transport();

}  // namespace order_server
