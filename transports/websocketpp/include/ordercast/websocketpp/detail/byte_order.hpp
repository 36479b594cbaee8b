// SPDX-License-Identifier: MIT
#pragma once

#include <websocketpp/common/network.hpp>

namespace ordercast::websocketpp::detail {

/// websocketpp detects the machine's byte order when it writes its first frame, and keeps it in a
/// plain static: a data race between the first two threads. Call this where sockets are made,
/// before threads use them, to detect it early. Any thread.
inline void settle_byte_order() {
  static const auto settled = ::websocketpp::lib::net::_htonll(1);
  static_cast<void>(settled);
}

}  // namespace ordercast::websocketpp::detail
