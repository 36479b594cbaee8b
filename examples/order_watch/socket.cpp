// SPDX-License-Identifier: MIT
#include "socket.hpp"

#include "socket_impl.hpp"
#include <ordercast/websocketpp/client.hpp>

namespace order_watch {

std::unique_ptr<Socket> make_tcp_socket(asio::io_context& io, const std::string& url,
                                        SocketHandlers handlers) {
  return std::make_unique<SocketOf<ordercast::websocketpp::OrderSocket>>(io, url,
                                                                         std::move(handlers));
}

}  // namespace order_watch
