// SPDX-License-Identifier: MIT
#include "serving/server_on.hpp"
#include <ordercast/asio/transport.hpp>

namespace order_server {

RealtimeTransport asio_transport() {
  return realtime_transport<ordercast::asio::Transport>();
}

}  // namespace order_server
