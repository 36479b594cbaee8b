// SPDX-License-Identifier: MIT
#include "backend_on.hpp"
#include <ordercast/asio/transport.hpp>

namespace ordercast::test {

Backends asio_backends() {
  return backends_on<asio::Transport>();
}

}  // namespace ordercast::test
