// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace order_watch {

/// True when stdout is a terminal that can move its cursor.
[[nodiscard]] bool is_capable_terminal();

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
[[nodiscard]] TerminalSize terminal_size();

/// Asks on the terminal, without echo. Empty at its end.
[[nodiscard]] std::string read_password(const std::string& prompt);

/// One line of stdin without its end, at most 4 KiB.
[[nodiscard]] std::string read_line_of_stdin();

/// True when somebody at the other end of stdout can go away.
[[nodiscard]] bool is_stdout_a_pipe();

/// Writes all of it to stdout at once; false when nobody reads any more. Throws std::system_error
/// when it can't be written (a full disk).
bool write_out(std::string_view text);

/// Cuts or fills a text to so many columns, one a code point.
[[nodiscard]] std::string fit(std::string_view text, std::size_t columns);

}  // namespace order_watch
