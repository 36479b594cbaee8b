// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"

#include <cstdio>
#include <string>
#include <vector>

/// `order_server check-config`: finds what a start would refuse, without starting.
namespace order_server {

/// Whether `arguments`, those of the command line without the program's name, ask for the check.
[[nodiscard]] bool is_check_command(const std::vector<std::string>& arguments);

/// Reads the options after `check-config`, the environment and the config file as a start would,
/// then looks at what they name: certificates, the service account, pages, address and database.
/// Writes each problem to `err`, on a line that begins with the setting's name. Returns the exit
/// code: 0, 1 if what a setting names can't be used, 2 if a setting is wrong.
///
/// Changes nothing: creates no database, and listens on no port. Asks a PostgreSQL server for its
/// tables; calls no other service. Blocks for up to 5 s.
[[nodiscard]] int run_check_command(const std::vector<std::string>& arguments,
                                    const Environment& environment, std::FILE* out, std::FILE* err);

}  // namespace order_server
