// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"

/// What can be told before a database is created: a start that is refused leaves no file behind.
/// Used at the start, before there are threads.
namespace order_server {

/// Throws std::runtime_error that names the setting if the server can't listen at --host, --port
/// and --ops-port, or if it would refuse the new, empty database of --db.
void check_start(const Config& config);

}  // namespace order_server
