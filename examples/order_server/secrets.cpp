// SPDX-License-Identifier: MIT
#include "secrets.hpp"

#include "domain/shown_value.hpp"
#include "domain/sodium.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace order_server {
namespace {

constexpr std::size_t max_secret_bytes = 65536;

bool is_space(char c) {
  return std::string_view(" \t\r\n\v\f").find(c) != std::string_view::npos;
}

void drop_newline(std::string& text) {
  if (text.empty() || text.back() != '\n') return;
  text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
}

/// How long a pipe may keep the start waiting.
constexpr int pipe_patience_ms = 5000;

/// Reads at most one byte more than a secret may have. Returns nullopt if the file can't be read. A
/// pipe that nobody writes to is empty.
std::optional<std::string> read_file(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return std::nullopt;
  std::string text(max_secret_bytes + 1, '\0');
  std::size_t size = 0;
  bool is_read = false;
  while (!is_read) {
    const auto count = ::read(descriptor, &text[size], text.size() - size);
    if (count > 0) size += static_cast<std::size_t>(count);
    is_read = count == 0 || size == text.size();
    if (count >= 0 || errno == EINTR) continue;
    pollfd readable{descriptor, POLLIN, 0};
    if (errno != EAGAIN || ::poll(&readable, 1, pipe_patience_ms) != 1) break;
  }
  ::close(descriptor);
  if (!is_read) return std::nullopt;
  text.resize(size);
  return text;
}

/// Says what is wrong with a secret whose final newline has been removed; "" if it is good.
std::string complaint(std::string_view secret) {
  if (secret.empty()) return "is empty; set a value or unset it";
  if (secret.size() > max_secret_bytes) return "is longer than 65536 bytes";
  if (secret.find('\0') != std::string_view::npos) return "holds a NUL byte; it must be text";
  if (secret.substr(0, 3) == "\xEF\xBB\xBF") {
    return "begins with a byte order mark; save the file without one";
  }
  constexpr auto allowed =
      "; one newline at the end is dropped, remove all other white space there";
  if (is_space(secret.front())) return std::string("begins with white space") + allowed;
  if (is_space(secret.back())) return std::string("ends with white space") + allowed;
  return {};
}

[[noreturn]] void fail(const std::string& what, const std::string& file, int error) {
  throw std::runtime_error("JWT_SECRET is not set, and " + what + " the demo's in \"" + file +
                           "\": " + std::generic_category().message(error));
}

/// Returns the secret of an earlier start; nullopt if there was none.
std::optional<std::string> kept_secret(const std::string& file) {
  struct stat status {};
  if (lstat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    fail("can't read", file, errno);
  }
  constexpr mode_t others = S_IRWXG | S_IRWXO;
  std::optional<std::string> secret;
  if (S_ISREG(status.st_mode) && (status.st_mode & others) == 0) secret = read_file(file);
  if (secret) drop_newline(*secret);
  if (!secret || secret->size() < min_jwt_secret_bytes || !complaint(*secret).empty()) {
    throw std::runtime_error(
        "JWT_SECRET is not set, and the demo's can't be taken from \"" + file +
        "\": it must be a file of mode 0600 with at least 32 bytes and no white space at their "
        "ends. Remove it for a new one, or set JWT_SECRET");
  }
  return secret;
}

/// Writes to another name first, so that an interrupted start leaves no partial secret.
void keep_secret(const std::string& file, const std::string& secret) {
  const auto unfinished = file + ".new";
  unlink(unfinished.c_str());
  const int descriptor =
      open(unfinished.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) fail("can't keep", file, errno);
  const auto text = secret + "\n";
  const auto written = write(descriptor, text.data(), text.size());
  int error = written == static_cast<ssize_t>(text.size()) ? 0 : written < 0 ? errno : ENOSPC;
  if (error == 0 && fsync(descriptor) != 0) error = errno;
  close(descriptor);
  if (error == 0 && std::rename(unfinished.c_str(), file.c_str()) != 0) error = errno;
  if (error == 0) return;
  unlink(unfinished.c_str());
  fail("can't keep", file, error);
}

std::string random_text() {
  require_sodium();
  std::array<unsigned char, min_jwt_secret_bytes> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

}  // namespace

Secret read_secret(const Environment& environment, const std::string& name) {
  const auto by_file = name + "_FILE";
  Secret secret{environment(name.c_str()), name, {}};
  if (const auto file = environment(by_file.c_str())) {
    if (secret.value) {
      return {std::nullopt, name, name + " and " + by_file + " are both set; set one of them"};
    }
    secret = {read_file(*file), by_file, {}};
    if (!secret.value) {
      secret.wrong = by_file + ": the file " + shown_value(*file) + " can't be read";
      return secret;
    }
  }
  if (!secret.value) return secret;
  drop_newline(*secret.value);
  if (const auto what = complaint(*secret.value); !what.empty()) {
    secret.value.reset();
    secret.wrong =
        secret.from + (secret.from == name ? "" : ": the secret in that file") + " " + what;
  }
  return secret;
}

std::string demo_secret_file(const std::string& db) {
  return db + ".jwt-secret";
}

std::string signing_secret(const std::string& given, const std::string& db, bool is_demo) {
  if (!given.empty()) return given;
  if (!is_demo) throw std::runtime_error(missing_jwt_secret());
  const auto file = demo_secret_file(db);
  auto secret = kept_secret(file);
  if (!secret) {
    secret = random_text();
    keep_secret(file, *secret);
  }
  spdlog::warn("JWT_SECRET is not set: the demo uses a random one, which is kept in \"{}\"", file);
  return *secret;
}

std::string missing_jwt_secret() {
  return "JWT_SECRET is not set: give it, or JWT_SECRET_FILE, at least 32 bytes; only demo data on "
         "loopback does without";
}

}  // namespace order_server
