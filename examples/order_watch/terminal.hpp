// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace order_watch {

/// Returns true if stdout is a terminal that can move its cursor.
[[nodiscard]] bool is_capable_terminal();

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
[[nodiscard]] TerminalSize terminal_size();

/// Asks on the terminal, without echo. Returns "" at the end of input.
[[nodiscard]] std::string read_password(const std::string& prompt);

/// Reads one line of stdin without its newline, at most 4 KiB.
[[nodiscard]] std::string read_line_of_stdin();

/// Returns true if stdout has a reader that can go away.
[[nodiscard]] bool is_stdout_a_pipe();

/// Writes all of it to stdout at once. Returns false if the reader has gone. Throws
/// std::system_error if writing fails (a full disk).
bool write_out(std::string_view text);

/// Cuts or pads a text to this many columns, one for each code point.
[[nodiscard]] std::string fit(std::string_view text, std::size_t columns);

}  // namespace order_watch
