// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"

#include <cstddef>

/// What can be told before a database is created: a start that is refused leaves no file behind.
/// Used at the start, before there are threads.
namespace order_server {

/// Throws std::runtime_error if the limit on open files leaves no room for clients beside the
/// `open` files and sockets of the server itself.
void require_descriptors(std::size_t open);

/// Returns how many files and sockets the process has open; 0 if the system does not tell.
[[nodiscard]] std::size_t open_descriptors();

/// Throws std::runtime_error that names the setting if the server can't listen at --host, --port
/// and --ops-port, or if it would refuse the new, empty database of --db.
void check_start(const Config& config);

}  // namespace order_server
