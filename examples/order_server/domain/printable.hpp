// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Makes text from outside safe to log. Pure functions; O(length); any thread.
namespace order_server {

/// The most bytes of outside text that one field of a log line shows.
inline constexpr std::size_t max_printable_bytes = 256;

/// Returns `text` for a log line, with every unprintable character as \xNN: control characters (C0,
/// DEL, C1), bytes that are not UTF-8, line and paragraph separators, direction marks and the byte
/// order mark. So nobody can forge a line, move a terminal's cursor or reverse the text (CWE-117).
/// Doubles backslashes, so that the result is unambiguous. Cuts text longer than `most` bytes and
/// ends it in "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = max_printable_bytes);

/// The most bytes of one log line, without its time and level.
inline constexpr std::size_t max_line_bytes = 4096;

/// The same for a whole message. Keeps backslashes, so that text which `printable` has escaped is
/// not escaped twice.
[[nodiscard]] std::string one_line(std::string_view message, std::size_t most = max_line_bytes);

}  // namespace order_server
