// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

/// Evidence of an end that nobody wanted.
namespace order_server {

/// How every report begins; tests look for it in a server's log.
inline constexpr std::string_view crash_mark = "order_server: fatal signal";

/// From now on SEGV, BUS, FPE, ILL and ABRT (std::terminate too) write one line with the signal and
/// a backtrace to stderr, and then end the process by that signal as if nothing had been caught.
/// The handler allocates nothing and never waits for stderr. Sanitizer builds keep their own
/// reports. Once, at the start of main; `use_signal_stack` is called for the calling thread.
void report_crashes();

/// Gives the calling thread a stack of its own for the handler, so that even an overflow of the
/// usual one is reported. At the start of a thread; again is nothing. Ends with the thread.
void use_signal_stack() noexcept;

}  // namespace order_server
