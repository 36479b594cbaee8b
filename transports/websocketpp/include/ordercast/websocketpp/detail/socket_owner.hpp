// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>

namespace ordercast::websocketpp::detail {

class SocketConnection;

/// How long the phases of a connection may take.
struct SocketTimeouts {
  std::chrono::milliseconds secure;  ///< The TLS handshake.
  std::chrono::milliseconds linger;  ///< 0: the socket closes without waiting for its client.
  std::chrono::milliseconds write;   ///< While the client takes nothing of what the kernel holds.
};

/// A connection's calls to its owner, on the connection's thread, and never from inside an
/// `async_write` or `async_shutdown` that the owner caused.
class SocketOwner {
 public:
  /// The TLS handshake is done; the request follows.
  virtual void on_secured(SocketConnection& connection) = 0;
  /// The kernel took bytes.
  virtual void on_progress(SocketConnection& connection) = 0;
  /// Frames came that websocketpp does not report; see `FragmentCounter`.
  virtual void on_fragments(SocketConnection& connection, std::size_t count) = 0;
  /// One of websocketpp's handlers threw, so its state is unknown. Terminate the connection.
  virtual void on_fault(SocketConnection& connection) noexcept = 0;
  /// The socket is closed, and the connection is over.
  virtual void on_socket_closed(SocketConnection& connection) = 0;

 protected:
  ~SocketOwner() = default;
};

}  // namespace ordercast::websocketpp::detail
