// SPDX-License-Identifier: MIT
#pragma once

#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// A real nats-server on loopback, with a folder of its own. Ended by its pid with the object.
namespace ordercast::test {

/// A port that was free a moment ago.
[[nodiscard]] inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool good = fd >= 0 &&
                    ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  ::close(fd);
  if (!good) throw std::system_error(errno, std::generic_category(), "free port");
  return ntohs(address.sin_port);
}

[[nodiscard]] inline std::string nats_server_program() {
  const char* given = std::getenv("NATS_SERVER");
  std::string found = given != nullptr ? given : NATS_SERVER_PATH;
  if (::access(found.c_str(), X_OK) == 0) return found;
  throw std::runtime_error(
      "these tests need nats-server, and there is none: './dev test' fetches it, or install "
      "Debian's package nats-server and configure again; NATS_SERVER names another");
}

class NatsServer {
 public:
  /// `arguments` are further options, such as those of a cluster.
  explicit NatsServer(std::vector<std::string> arguments = {}, std::string name = "n1")
      : arguments_(std::move(arguments)), name_(std::move(name)), port_(free_port()) {
    start();
  }

  [[nodiscard]] std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// On the same port, with what is in the folder.
  void start() {
    const auto log = folder_.path() / ("log-" + std::to_string(starts_++));
    Command command;
    command.argv = {nats_server_program(),
                    "-a",
                    "127.0.0.1",
                    "-p",
                    std::to_string(port_),
                    "-js",
                    "-sd",
                    (folder_.path() / "store").string(),
                    "-n",
                    name_};
    command.argv.insert(command.argv.end(), arguments_.begin(), arguments_.end());
    command.stderr_file = log;
    process_ = std::make_unique<ChildProcess>(command);
    log_ = log;
  }
  [[nodiscard]] bool is_ready() const {
    return read_file(log_).find("Server is ready") != std::string::npos;
  }
  [[nodiscard]] std::string log() const { return read_file(log_); }

  void kill() { process_.reset(); }
  void stop_process() { process_->signal(SIGSTOP); }
  void continue_process() { process_->signal(SIGCONT); }
  /// As after a lost disk. Not while it runs.
  void lose_store() const { std::filesystem::remove_all(folder_.path() / "store"); }

 private:
  TempDir folder_;
  std::vector<std::string> arguments_;
  std::string name_;
  std::uint16_t port_;
  int starts_ = 0;
  std::filesystem::path log_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace ordercast::test
