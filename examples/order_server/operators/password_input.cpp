// SPDX-License-Identifier: MIT
#include "operators/password_input.hpp"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <stdexcept>

namespace order_server {
namespace {

/// Keeps a terminal from showing what is typed.
class WithoutEcho {
 public:
  WithoutEcho() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_set_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  WithoutEcho(const WithoutEcho&) = delete;
  WithoutEcho& operator=(const WithoutEcho&) = delete;
  ~WithoutEcho() {
    if (!is_set_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);
  }

 private:
  termios before_{};
  bool is_set_ = false;
};

std::string read_line(const char* prompt, bool is_terminal) {
  std::string line;
  if (is_terminal) std::fputs(prompt, stderr);
  const WithoutEcho silent;
  if (!std::getline(std::cin, line)) throw std::runtime_error("no password was given");
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
