// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <memory>
#include <string>

/// ordercast beside a Boost.Beast server. This header includes no Asio: Boost's Asio and the
/// standalone one can't share a translation unit, so `main.cpp` uses Boost's and `live_orders.cpp`
/// the standalone one.
class LiveOrders {
 public:
  LiveOrders();
  LiveOrders(const LiveOrders&) = delete;
  LiveOrders& operator=(const LiveOrders&) = delete;
  ~LiveOrders();

  /// Serves a WebSocket whose handshake another server has read. `bytes_behind`: input that was
  /// read after the handshake. Takes the socket over. Any thread.
  void adopt(int fd, const ordercast::HttpRequest& handshake, const std::string& bytes_behind);

  /// Sets order-1's note and publishes the change. One thread at a time.
  void change_note(const std::string& note);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};
