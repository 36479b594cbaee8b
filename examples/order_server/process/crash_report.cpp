// SPDX-License-Identifier: MIT
#include "process/crash_report.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <execinfo.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>

namespace order_server {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif
#else
constexpr bool is_sanitized = false;
#endif

constexpr std::size_t signal_stack_bytes = 64 * 1024;
constexpr int most_frames = 64;

struct FatalSignal {
  int number;
  const char* name;
};
constexpr std::array<FatalSignal, 5> fatal_signals{{{SIGSEGV, "SIGSEGV"},
                                                    {SIGBUS, "SIGBUS"},
                                                    {SIGFPE, "SIGFPE"},
                                                    {SIGILL, "SIGILL"},
                                                    {SIGABRT, "SIGABRT"}}};

/// Builds a line without allocation. Cuts what does not fit.
class Line {
 public:
  void add(std::string_view text) noexcept {
    const auto count = std::min(text.size(), text_.size() - size_);
    std::memcpy(text_.data() + size_, text.data(), count);
    size_ += count;
  }
  void add_number(std::uintptr_t value, unsigned base) noexcept {
    std::array<char, 20> digits{};
    std::size_t at = digits.size();
    do {
      digits[--at] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value != 0);
    add({digits.data() + at, digits.size() - at});
  }
  [[nodiscard]] const char* data() const noexcept { return text_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::array<char, 512> text_{};
  std::size_t size_ = 0;
};

/// Why std::terminate was called; set before SIGABRT is raised.
std::array<char, 256> uncaught{};

std::atomic<pid_t> reporter{0};

pid_t thread_id() noexcept {
  return static_cast<pid_t>(::syscall(SYS_gettid));
}

void write_report(int signal, const void* address) noexcept {
  Line line;
  line.add(crash_mark);
  line.add(" ");
  line.add_number(static_cast<std::uintptr_t>(signal), 10);
  for (const auto& fatal : fatal_signals) {
    if (fatal.number != signal) continue;
    line.add(" (");
    line.add(fatal.name);
    line.add(")");
  }
  if (signal != SIGABRT) {
    line.add(" at address 0x");
    line.add_number(reinterpret_cast<std::uintptr_t>(address), 16);
  }
  if (uncaught[0] != '\0') {
    line.add(", ");
    line.add(uncaught.data());
  }
  line.add("; backtrace:\n");
  // A pipe that nobody reads must not keep a dying process alive: drop what does not fit.
  const int flags = ::fcntl(STDERR_FILENO, F_GETFL);
  if (flags >= 0) ::fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
  if (::write(STDERR_FILENO, line.data(), line.size()) > 0) {
#ifdef __GLIBC__
    std::array<void*, most_frames> frames{};
    ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), most_frames), STDERR_FILENO);
#endif
  }
  // A shell may share this file description.
  if (flags >= 0) ::fcntl(STDERR_FILENO, F_SETFL, flags);
}

void on_fatal_signal(int signal, siginfo_t* info, void* /*context*/) noexcept {
  const pid_t self = thread_id();
  pid_t nobody = 0;
  if (reporter.compare_exchange_strong(nobody, self)) {
    write_report(signal, info->si_addr);
  } else if (nobody != self) {
    for (;;) ::pause();  // Another thread reports and ends the process.
  }
  // The signal is blocked until the handler returns; if the fault repeats then, the default action
  // ends the process.
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

[[noreturn]] void on_terminate() noexcept {
  const char* what = "std::terminate without an exception";
  const auto keep = [](const char* text) {
    std::strncpy(uncaught.data() + std::strlen(uncaught.data()), text,
                 uncaught.size() - 1 - std::strlen(uncaught.data()));
  };
  if (const auto escaped = std::current_exception()) {
    keep("uncaught exception: ");
    try {
      std::rethrow_exception(escaped);
    } catch (const std::exception& error) {
      keep(error.what());
    } catch (...) {
      keep("of an unknown type");
    }
    for (char& c : uncaught) {
      if (c != '\0' && (c < ' ' || c > '~')) c = '?';
    }
  } else {
    keep(what);
  }
  std::abort();
}

/// The signal stack of one thread.
struct SignalStack {
  std::unique_ptr<std::byte[]> memory;
  SignalStack() = default;
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;
  ~SignalStack() {
    if (!memory) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
  }
};

}  // namespace

void use_signal_stack() noexcept {
  if (is_sanitized) return;
  thread_local SignalStack stack;
  if (stack.memory) return;
  stack.memory.reset(new (std::nothrow) std::byte[signal_stack_bytes]);
  if (!stack.memory) return;
  stack_t wanted{};
  wanted.ss_sp = stack.memory.get();
  wanted.ss_size = signal_stack_bytes;
  ::sigaltstack(&wanted, nullptr);
}

void report_crashes() {
  if (is_sanitized) return;
#ifdef __GLIBC__
  // The first call of backtrace() loads libgcc, which allocates.
  std::array<void*, 1> frame{};
  static_cast<void>(::backtrace(frame.data(), 1));
#endif
  use_signal_stack();
  std::set_terminate(&on_terminate);
  for (const auto& fatal : fatal_signals) {
    struct sigaction action {};
    action.sa_sigaction = &on_fatal_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(fatal.number, &action, nullptr);
  }
}

}  // namespace order_server
