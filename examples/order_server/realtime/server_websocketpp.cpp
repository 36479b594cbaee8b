// SPDX-License-Identifier: MIT
#include "realtime/server_on.hpp"
#include <ordercast/websocketpp/transport.hpp>

namespace order_server {

RealtimeTransport websocketpp_transport() {
  return realtime_transport<ordercast::wspp::Transport>();
}

}  // namespace order_server
