// SPDX-License-Identifier: MIT
#pragma once

#include "domain/passwords.hpp"

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

/// `order_server user add|list|disable|enable|set-password`: who may sign in, for operators. Works
/// on the database of a server that runs, which acts on it within a second, or of one that does
/// not.
namespace order_server {

/// Whether the command line (without the program's name) asks for this instead of a server.
[[nodiscard]] bool is_user_command(const std::vector<std::string>& arguments);

/// Runs it; returns the process' exit code: 0, 1 for a failure, 2 for a wrong command line. A new
/// user's id alone goes to `out`. `ask_password` is called where no file names the password.
[[nodiscard]] int run_user_command(const std::vector<std::string>& arguments,
                                   const std::function<std::string()>& ask_password,
                                   const PasswordHasher& hasher, std::FILE* out, std::FILE* err);

}  // namespace order_server
