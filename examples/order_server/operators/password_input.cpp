// SPDX-License-Identifier: MIT
#include "operators/password_input.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>

namespace order_server {
namespace {

termios echoing{};  // For `show_again`: a signal handler can use only static data.

/// Turns the terminal's echo on again if a signal ends the prompt.
extern "C" void show_again(int number) {
  tcsetattr(STDIN_FILENO, TCSANOW, &echoing);
  ::signal(number, SIG_DFL);
  ::raise(number);
}

/// Hides what is typed on a terminal. One at a time.
class WithoutEcho {
 public:
  WithoutEcho() {
    if (tcgetattr(STDIN_FILENO, &echoing) != 0) return;
    for (std::size_t i = 0; i < ends.size(); ++i) before_[i] = ::signal(ends[i], &show_again);
    termios silent = echoing;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    is_set_ = true;
  }
  WithoutEcho(const WithoutEcho&) = delete;
  WithoutEcho& operator=(const WithoutEcho&) = delete;
  ~WithoutEcho() {
    if (!is_set_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &echoing);
    for (std::size_t i = 0; i < ends.size(); ++i) ::signal(ends[i], before_[i]);
    std::fputc('\n', stderr);
  }

 private:
  static constexpr std::array<int, 4> ends{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  std::array<void (*)(int), ends.size()> before_{};
  bool is_set_ = false;
};

std::string read_line(const char* prompt, bool is_terminal) {
  std::string line;
  if (is_terminal) std::fputs(prompt, stderr);
  const WithoutEcho silent;
  if (!std::getline(std::cin, line)) throw std::runtime_error("no password was given");
  // A file with Windows line ends leaves a carriage return, which nobody can type.
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

}  // namespace

std::string ask_password() {
  const bool is_terminal = isatty(STDIN_FILENO) == 1;
  auto password = read_line("Password: ", is_terminal);
  if (is_terminal && read_line("The same again: ", is_terminal) != password) {
    throw std::runtime_error("the two passwords differ");
  }
  return password;
}

}  // namespace order_server
