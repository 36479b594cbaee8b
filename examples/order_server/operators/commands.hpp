// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace order_server {

/// Runs an operators' command if the command line (without the program's name) is one; returns the
/// process' exit code: 0, 1 for a failure, 2 for a wrong command line. nullopt: it asks for a
/// server.
[[nodiscard]] std::optional<int> run_command(const std::vector<std::string>& arguments);

}  // namespace order_server
