// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/websocketpp/config.hpp>

namespace ordercast::websocketpp::detail {

/// Ends a connection at once, with no handshake and without lingering.
inline void end_connection(Connection& connection) noexcept {
  try {
    connection.skip_linger();
    connection.terminate(::websocketpp::transport::error::make_error_code(
        ::websocketpp::transport::error::operation_aborted));
  } catch (...) {  // Out of memory.
  }
  connection.lose();  // Acts only on a connection that is still open because there was no memory to
                      // end it.
}

}  // namespace ordercast::websocketpp::detail
