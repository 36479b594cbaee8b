// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <string>
#include <vector>

/// `order_server store add|list` and `product add|list`: what is sold and where, for operators.
/// Works on the database of a server that runs, which sells it at once, or of one that does not.
namespace order_server {

/// Whether the command line (without the program's name) asks for this instead of a server.
[[nodiscard]] bool is_catalog_command(const std::vector<std::string>& arguments);

/// Runs it; returns the process' exit code: 0, 1 for a failure, 2 for a wrong command line. The id
/// of what was added goes to `out` alone.
[[nodiscard]] int run_catalog_command(const std::vector<std::string>& arguments, std::FILE* out,
                                      std::FILE* err);

}  // namespace order_server
