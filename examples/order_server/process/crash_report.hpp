// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

/// Reports crashes.
namespace order_server {

/// The beginning of every report; tests search a server's log for it.
inline constexpr std::string_view crash_mark = "order_server: fatal signal";

/// Makes SEGV, BUS, FPE, ILL and ABRT (also from std::terminate) write a line with the signal's
/// name and a backtrace to stderr, and then end the process by that signal. The handler allocates
/// nothing and never waits for stderr. Sanitizer builds keep their own reports. Call once, at the
/// start of main; calls `use_signal_stack` for the calling thread.
void report_crashes();

/// Gives the calling thread a separate stack for the handler, so that even a stack overflow is
/// reported. Call at the start of a thread; repeated calls do nothing. The stack is freed when the
/// thread ends.
void use_signal_stack() noexcept;

}  // namespace order_server
