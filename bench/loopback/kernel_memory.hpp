// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace ordercast::bench {

/// The kernel's memory for what the sockets at this port have sent or still have to send
/// (sock_diag(7), `SK_MEMINFO_WMEM_QUEUED`). Throws std::system_error.
[[nodiscard]] std::size_t send_memory_of(std::uint16_t port);

}  // namespace ordercast::bench
