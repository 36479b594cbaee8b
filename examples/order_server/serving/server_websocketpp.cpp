// SPDX-License-Identifier: MIT
#include "serving/server_on.hpp"
#include <ordercast/websocketpp/transport.hpp>

namespace order_server {

RealtimeTransport websocketpp_transport() {
  return realtime_transport<ordercast::websocketpp::Transport>();
}

}  // namespace order_server
