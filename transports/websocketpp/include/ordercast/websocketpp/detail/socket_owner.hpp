// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>

namespace ordercast::websocketpp::detail {

class SocketConnection;

/// How long the phases of a connection may take.
struct SocketTimeouts {
  std::chrono::milliseconds secure;  ///< The TLS handshake.
  std::chrono::milliseconds linger;  ///< 0: the socket closes with no wait for its client.
  std::chrono::milliseconds write;   ///< A client that takes nothing of what the kernel holds.
};

/// What a connection tells its owner, on the connection's thread, never from inside `async_write`
/// or `async_shutdown` that the owner caused.
class SocketOwner {
 public:
  /// The TLS handshake is done; the request follows.
  virtual void on_secured(SocketConnection& connection) = 0;
  /// The kernel took bytes.
  virtual void on_progress(SocketConnection& connection) = 0;
  /// So many fragments without payload came; websocketpp does not tell.
  virtual void on_fragments(SocketConnection& connection, std::size_t count) = 0;
  /// A handler of websocketpp threw; what it left undone is unknown. Terminate the connection.
  virtual void on_fault(SocketConnection& connection) noexcept = 0;
  /// The socket is closed. The connection is of no use any more.
  virtual void on_socket_closed(SocketConnection& connection) = 0;

 protected:
  ~SocketOwner() = default;
};

}  // namespace ordercast::websocketpp::detail
