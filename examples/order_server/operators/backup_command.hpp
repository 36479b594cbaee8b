// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <string>
#include <vector>

/// `order_server backup FILE`: a whole copy of a database, of a server that runs or of one that
/// does not.
namespace order_server {

/// Whether the command line (without the program's name) asks for this instead of a server.
[[nodiscard]] bool is_backup_command(const std::vector<std::string>& arguments);

/// Runs it; returns the process' exit code: 0, 1 for a failure (then there is no FILE), 2 for a
/// wrong command line.
[[nodiscard]] int run_backup_command(const std::vector<std::string>& arguments, std::FILE* out,
                                     std::FILE* err);

}  // namespace order_server
