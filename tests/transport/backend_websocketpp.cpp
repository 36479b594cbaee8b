// SPDX-License-Identifier: MIT
#include "backend_on.hpp"
#include <ordercast/websocketpp/transport.hpp>

namespace ordercast::test {

Backends websocketpp_backends() {
  return backends_on<websocketpp::Transport>();
}

}  // namespace ordercast::test
