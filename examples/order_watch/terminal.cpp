// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace order_watch {

bool is_capable_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb" &&
         *term != '\0';
}

TerminalSize terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return {};
  }
  return {size.ws_col, size.ws_row};
}

bool is_stdout_a_pipe() {
  struct stat status {};
  return fstat(STDOUT_FILENO, &status) == 0 &&
         (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

std::string read_password(const std::string& prompt) {
  termios before{};
  if (tcgetattr(STDIN_FILENO, &before) != 0) return {};
  auto silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  (void)!::write(STDERR_FILENO, prompt.data(), prompt.size());
  auto password = read_line_of_stdin();
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  (void)!::write(STDERR_FILENO, "\n", 1);
  return password;
}

std::string read_line_of_stdin() {
  std::string line;
  char c = 0;
  while (line.size() < 4096) {
    const auto count = ::read(STDIN_FILENO, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || c == '\n') break;
    line.push_back(c);
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

bool write_out(std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      pollfd out{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&out, 1, -1);
      continue;
    }
    if (count < 0 && errno == EPIPE) return false;
    if (count < 0) throw std::system_error(errno, std::generic_category(), "stdout");
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string fit(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  for (const char c : text) {
    const bool is_tail = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (!is_tail && used++ == columns) return out;
    out.push_back(c);
  }
  return out.append(columns - used, ' ');
}

}  // namespace order_watch
