// SPDX-License-Identifier: MIT
#include "process/signals.hpp"

#include "process/crash_report.hpp"
#include "process/log_sink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

namespace order_server {
namespace {

using Clock = std::chrono::steady_clock;

/// How long a forced end waits for the last log lines.
constexpr std::chrono::milliseconds last_words{100};

[[noreturn]] void end_at_once(int code) {
  flush_log(last_words);
  _exit(code);
}

void ignore_if_default(int signal) noexcept {
  struct sigaction current {};
  if (::sigaction(signal, nullptr, &current) != 0) return;
  if ((current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_DFL) {
    ::signal(signal, SIG_IGN);
  }
}

}  // namespace

void open_standard_descriptors() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // open() returns the lowest free number, and all lower ones are open by now.
    static_cast<void>(::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY));
  }
}

void ignore_harmless_signals() noexcept {
  for (const int signal : {
           SIGPIPE,  // a client that hangs up, or a closed stdout
           SIGXFSZ,  // RLIMIT_FSIZE
           SIGXCPU,  // RLIMIT_CPU's soft limit
           SIGALRM,
           SIGVTALRM,
           SIGPROF,  // timers survive execve(2)
           SIGIO,
           SIGUSR1,
           SIGUSR2,
#ifdef SIGPWR
           SIGPWR,
#endif
#ifdef SIGSTKFLT
           SIGSTKFLT,
#endif
       }) {
    ignore_if_default(signal);
  }
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) ignore_if_default(signal);
}

Signals::Signals(std::chrono::seconds drain) : drain_(drain) {
  sigemptyset(&set_);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  signals_ = ::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK);
  end_ = ::eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || end_ < 0) {
    throw std::system_error(errno, std::generic_category(), "signalfd");
  }
  thread_ = std::thread([this] {
    use_signal_stack();
    watch();
  });
}

Signals::~Signals() {
  const std::uint64_t one = 1;
  // An eventfd whose counter is 0 always accepts this.
  static_cast<void>(::write(end_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::close(signals_);
  ::close(end_);
}

void Signals::act(SignalActions actions) {
  const std::lock_guard lock(mutex_);
  actions_ = std::move(actions);
}

int Signals::next(int timeout_ms) const {
  const auto until = Clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    int left = -1;
    if (timeout_ms >= 0) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
      left = rest > 0 ? static_cast<int>(rest) : 0;
    }
    pollfd both[] = {{signals_, POLLIN, 0}, {end_, POLLIN, 0}};
    const int ready = ::poll(both, 2, left);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || both[1].revents != 0) return 0;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) == sizeof info) {
      return static_cast<int>(info.ssi_signo);
    }
  }
}

void Signals::watch() {
  int signal = next(-1);
  for (; signal == SIGHUP; signal = next(-1)) reload();
  if (signal == 0) return;
  const auto deadline = Clock::now() + drain_;
  drain(signal);
  do {  // A SIGHUP that comes now must not end the process.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    signal = next(left.count() > 0 ? static_cast<int>(left.count()) : 0);
  } while (signal == SIGHUP);
  if (signal != 0) end_at_once(128 + signal);
  if (Clock::now() < deadline) return;  // drained
  spdlog::warn("not drained in time; ending now");
  end_at_once(0);
}

void Signals::reload() {
  const std::lock_guard lock(mutex_);
  if (!actions_.reload) return;
  try {
    actions_.reload();
  } catch (const std::exception& error) {
    spdlog::error("SIGHUP: {}", error.what());
  }
}

void Signals::drain(int signal) {
  const std::lock_guard lock(mutex_);
  if (!actions_.drain) end_at_once(128 + signal);
  try {
    actions_.drain(signal);
  } catch (const std::exception& error) {
    // The deadline below still ends the process.
    spdlog::error("{}: {}", strsignal(signal), error.what());
  }
}

}  // namespace order_server
