// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text from outside, made fit for a log. Pure; linear; any thread.
namespace order_server {

/// Bytes of outside text that one place in a log line shows at most.
inline constexpr std::size_t max_printable_bytes = 256;

/// Returns `text` for a log line: what is not printable is written as \xNN, so that nobody can
/// begin a line of their own, move a terminal's cursor or turn the direction of what follows
/// (CWE-117): control characters (C0, DEL, C1), bytes that are no UTF-8, line and paragraph
/// separators, marks of direction and the byte order mark. A backslash is doubled, so that the
/// result is unambiguous. What is longer than `most` bytes ends in "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = max_printable_bytes);

/// Bytes of one line of the log, its time and level aside.
inline constexpr std::size_t max_line_bytes = 4096;

/// The same for a whole message, whatever went into it: its backslashes stay as they are, so that
/// what `printable` has escaped is not escaped again.
[[nodiscard]] std::string one_line(std::string_view message, std::size_t most = max_line_bytes);

}  // namespace order_server
