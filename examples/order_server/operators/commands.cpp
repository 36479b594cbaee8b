// SPDX-License-Identifier: MIT
#include "operators/commands.hpp"

#include "operators/password_input.hpp"

#include <cstdio>

namespace order_server {
namespace {

std::optional<int> run(const std::vector<std::string>& arguments) {
  if (is_backup_command(arguments)) return run_backup_command(arguments, stdout, stderr);
  if (is_catalog_command(arguments)) return run_catalog_command(arguments, stdout, stderr);
  if (is_outbox_command(arguments)) return run_outbox_command(arguments, stdout, stderr);
  if (is_user_command(arguments)) {
    return run_user_command(arguments, &ask_password, PasswordHasher(), stdout, stderr);
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> run_command(const std::vector<std::string>& arguments) {
  const auto code = run(arguments);
  // The output is the result: an id that was not written is lost.
  if (code == 0 && std::fflush(stdout) != 0) {
    std::fputs("order_server: cannot write to stdout\n", stderr);
    return 1;
  }
  return code;
}

}  // namespace order_server
