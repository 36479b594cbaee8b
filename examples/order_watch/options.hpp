// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace order_watch {

/// The exit codes; `--help` lists them.
enum ExitCode : int {
  exit_ok = 0,
  exit_failure = 1,
  exit_usage = 2,
  exit_refused = 3,
  exit_not_found = 4,
};

struct Options {
  std::string http_url;  ///< `http://HOST:PORT`, without a slash at the end.
  std::string ws_url;    ///< `ws://HOST:PORT/ws`.
  std::string email;     ///< Empty if there is a token.
  std::string password;
  std::string token;
  std::string token_file;           ///< Read again if the server refuses the token.
  std::vector<std::string> orders;  ///< Empty: all that the user may see.
  std::size_t limit = 50;           ///< Of all.
  bool json = false;
  bool table = false;  ///< False: lines.
  bool color = false;
};

/// The program should end: after --help, or with an error.
struct OptionsExit {
  int code = exit_ok;
  std::string out;
  std::string error;
};

/// Reads the command line, the environment and, where a password is needed, the terminal or stdin.
[[nodiscard]] std::variant<Options, OptionsExit> parse_options(std::vector<std::string> arguments);

/// Returns the first line of a file without surrounding spaces; empty if there is none.
[[nodiscard]] std::string read_token_file(const std::string& path);

}  // namespace order_watch
