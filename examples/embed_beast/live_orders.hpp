// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <memory>
#include <string>

/// ordercast beside a server of another make. Nothing of Asio is seen from here: Boost 1.74's and
/// the standalone one don't go together in one translation unit, so `main.cpp` has the one and
/// `live_orders.cpp` the other.
class LiveOrders {
 public:
  LiveOrders();
  LiveOrders(const LiveOrders&) = delete;
  LiveOrders& operator=(const LiveOrders&) = delete;
  ~LiveOrders();

  /// Serves a WebSocket whose handshake another server has read, with what came behind it. The
  /// socket is ours from here on. Any thread.
  void adopt(int fd, const ordercast::HttpRequest& handshake, const std::string& bytes_behind);

  /// Gives order-1 a note and tells who may see it. One thread at a time.
  void change_note(const std::string& note);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};
