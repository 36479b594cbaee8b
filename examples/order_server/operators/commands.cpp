// SPDX-License-Identifier: MIT
#include "operators/commands.hpp"

#include "operators/outbox_command.hpp"
#include "operators/password_input.hpp"
#include "operators/user_command.hpp"

#include <cstdio>

namespace order_server {

std::optional<int> run_command(const std::vector<std::string>& arguments) {
  if (is_outbox_command(arguments)) return run_outbox_command(arguments, stdout, stderr);
  if (is_user_command(arguments)) {
    return run_user_command(arguments, &ask_password, PasswordHasher(), stdout, stderr);
  }
  return std::nullopt;
}

}  // namespace order_server
