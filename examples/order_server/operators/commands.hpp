// SPDX-License-Identifier: MIT
#pragma once

#include "domain/passwords.hpp"

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What operators do from a shell. Every command works on the database of a server that runs, or of
/// one that does not.
///
/// `arguments` are those of the command line without the program's name. `is_..._command` says
/// whether they ask for that command instead of a server. `run_..._command` runs it and returns the
/// process' exit code: 0, 1 for a failure, 2 for a wrong command line.
namespace order_server {

/// Runs the command that `arguments` ask for and returns its exit code; nullopt if they ask for a
/// server.
[[nodiscard]] std::optional<int> run_command(const std::vector<std::string>& arguments);

/// `user add|list|disable|enable|set-password`: who may sign in. A server that runs acts on it
/// within a second. Prints a new user's id alone to `out`. Calls `ask_password` if no file names
/// the password.
[[nodiscard]] bool is_user_command(const std::vector<std::string>& arguments);
[[nodiscard]] int run_user_command(const std::vector<std::string>& arguments,
                                   const std::function<std::string()>& ask_password,
                                   const PasswordHasher& hasher, std::FILE* out, std::FILE* err);

/// `store add|list` and `product add|list`: what is sold and where. A server that runs sells it at
/// once. Prints the id of what was added alone to `out`.
[[nodiscard]] bool is_catalog_command(const std::vector<std::string>& arguments);
[[nodiscard]] int run_catalog_command(const std::vector<std::string>& arguments, std::FILE* out,
                                      std::FILE* err);

/// `outbox list|retry`: what could not be delivered.
[[nodiscard]] bool is_outbox_command(const std::vector<std::string>& arguments);
[[nodiscard]] int run_outbox_command(const std::vector<std::string>& arguments, std::FILE* out,
                                     std::FILE* err);

/// `backup FILE`: a whole copy of the database. After a failure there is no FILE.
[[nodiscard]] bool is_backup_command(const std::vector<std::string>& arguments);
[[nodiscard]] int run_backup_command(const std::vector<std::string>& arguments, std::FILE* out,
                                     std::FILE* err);

}  // namespace order_server
