// SPDX-License-Identifier: MIT
#pragma once

#include "temp_dir.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// Real child processes for tests: started, listened to, signalled and always reaped.
///
/// Waiting is done in poll(2) on the child's pipe or pidfd, each time up to a deadline, so a test
/// neither sleeps nor hangs. Only own children are ever signalled, by pid. Set-up errors throw
/// `std::system_error`; a wait that is not answered in time is an empty value. One object belongs
/// to one thread. Start children from the main thread: a child dies with the thread that started
/// it.
namespace ordercast::test {

/// The whole content of a file; empty when it can't be read.
[[nodiscard]] inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The port in the line with which a server says where it listens; nullopt for any other line.
[[nodiscard]] inline std::optional<std::uint16_t> announced_port(
    const std::optional<std::string>& line) {
  const auto path = line ? line->rfind("/ws") : std::string::npos;
  if (path == std::string::npos) return std::nullopt;
  return static_cast<std::uint16_t>(std::stoul(line->substr(line->rfind(':', path) + 1)));
}

/// The resident memory of a process; 0 if it is gone.
[[nodiscard]] inline std::size_t resident_bytes(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// How a process ended: with an exit code, or by a signal.
struct ExitStatus {
  std::optional<int> code;
  std::optional<int> signal;
};

/// What to run. A variable without value is taken out of the child's environment.
struct Command {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;
  std::filesystem::path stderr_file;
};

/// One child process with its stdout in a pipe. The destructor kills and reaps it.
class ChildProcess {
 public:
  using Timeout = std::chrono::milliseconds;

  explicit ChildProcess(const Command& command) {
    // Everything that allocates happens before fork: other threads may hold the heap's lock.
    const auto environment = merged_environment(command);
    const auto envp = pointers(environment);
    const auto argv = pointers(command.argv);
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) fail("pipe2");
    const int err =
        ::open(command.stderr_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (err < 0) fail("open");
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) {
      // A server must not outlive a test that crashed.
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(127);
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(err, STDERR_FILENO);
      ::execve(argv[0], argv.data(), envp.data());
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err);
    stdout_ = out[0];
    ::fcntl(stdout_, F_SETFL, O_NONBLOCK);
    // By number: the declaration in glibc 2.36 is no C linkage.
    pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd_ < 0) fail("pidfd_open");
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() {
    if (!status_) {
      signal(SIGKILL);
      reap();
    }
    ::close(stdout_);
    ::close(pidfd_);
  }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running() { return !wait(Timeout{0}); }

  /// Sends a signal, unless the process has been reaped.
  void signal(int number) noexcept {
    if (!status_) ::kill(pid_, number);
  }

  /// How the process ended; nothing when it still runs at the end of the time.
  std::optional<ExitStatus> wait(Timeout timeout) {
    if (!status_ && readable(pidfd_, Clock::now() + timeout)) reap();
    return status_;
  }

  /// The next line of stdout without its end; nothing when none is complete in time.
  std::optional<std::string> read_line(Timeout timeout) {
    const auto until = Clock::now() + timeout;
    std::size_t end = 0;
    while ((end = output_.find('\n')) == std::string::npos) {
      if (!fill(until)) return std::nullopt;
    }
    std::string line = output_.substr(0, end);
    output_.erase(0, end + 1);
    return line;
  }

  /// All that is left on stdout, up to its end or that of the time.
  std::string read_to_end(Timeout timeout) {
    const auto until = Clock::now() + timeout;
    while (fill(until)) {
    }
    return std::exchange(output_, {});
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[noreturn]] static void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
  }

  static std::vector<std::string> merged_environment(const Command& command) {
    std::vector<std::string> merged;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text = *entry;
      const auto name = text.substr(0, text.find('='));
      bool replaced = false;
      for (const auto& [key, value] : command.environment) replaced |= key == name;
      if (!replaced) merged.emplace_back(text);
    }
    for (const auto& [key, value] : command.environment) {
      if (value) merged.push_back(key + "=" + *value);
    }
    return merged;
  }

  /// execve takes `char* const[]` for historical reasons and changes nothing.
  static std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
  }

  static bool readable(int fd, Clock::time_point until) noexcept {
    for (;;) {
      const auto left = std::chrono::ceil<Timeout>(until - Clock::now()).count();
      pollfd one{fd, POLLIN, 0};
      const int ready = ::poll(&one, 1, left > 0 ? static_cast<int>(left) : 0);
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

  bool fill(Clock::time_point until) {
    char chunk[4096];
    for (;;) {
      if (!readable(stdout_, until)) return false;
      const auto n = ::read(stdout_, chunk, sizeof chunk);
      if (n > 0) {
        output_.append(chunk, static_cast<std::size_t>(n));
        return true;
      }
      if (n == 0 || (errno != EINTR && errno != EAGAIN)) return false;
    }
  }

  void reap() noexcept {
    int raw = 0;
    while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
    }
    status_.emplace();
    if (WIFEXITED(raw)) status_->code = WEXITSTATUS(raw);
    if (WIFSIGNALED(raw)) status_->signal = WTERMSIG(raw);
  }

  pid_t pid_ = -1;
  int stdout_ = -1;
  int pidfd_ = -1;
  std::string output_;
  std::optional<ExitStatus> status_;
};

}  // namespace ordercast::test
