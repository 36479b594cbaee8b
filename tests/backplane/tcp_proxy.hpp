// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

/// Stands between one node and a server, and cuts the two off from each other: by a reset, or in
/// silence, as a network does that drops packets. One thread of its own; small, not fast.
namespace ordercast::test {

class TcpProxy {
 public:
  explicit TcpProxy(std::uint16_t target) : target_(target) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    if (listener_ < 0 ||
        ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
        ::pipe2(wake_, O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "proxy");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;
  ~TcpProxy() {
    set(Mode::ended);
    thread_.join();
    ::close(listener_);
    ::close(wake_[0]);
    ::close(wake_[1]);
  }

  [[nodiscard]] std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

  void pass() { set(Mode::pass); }
  /// Connections are reset, and new ones refused.
  void refuse() { set(Mode::refuse); }
  /// Nothing is forwarded, and nothing closed.
  void drop_silently() { set(Mode::drop); }

 private:
  enum class Mode : std::uint8_t { pass, refuse, drop, ended };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  void set(Mode mode) {
    mode_ = mode;
    [[maybe_unused]] const auto written = ::write(wake_[1], "w", 1);
  }

  void accept() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(target_);
    if (mode_ != Mode::pass ||
        ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(client);
      ::close(server);
      return;
    }
    pairs_.emplace_back(client, server);
  }

  static bool forward(int from, int to) {
    char bytes[65536];
    const auto n = ::recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n <= 0) return n < 0 && (errno == EAGAIN || errno == EINTR);
    for (ssize_t sent = 0; sent < n;) {
      const auto more = ::send(to, bytes + sent, static_cast<std::size_t>(n - sent), MSG_NOSIGNAL);
      if (more <= 0) return false;
      sent += more;
    }
    return true;
  }

  void close_all() {
    for (const auto& [client, server] : pairs_) {
      ::close(client);
      ::close(server);
    }
    pairs_.clear();
  }

  void run() {
    while (mode_ != Mode::ended) {
      std::vector<pollfd> wanted{{wake_[0], POLLIN, 0}};
      if (mode_ != Mode::drop) wanted.push_back({listener_, POLLIN, 0});
      if (mode_ == Mode::pass) {
        for (const auto& [client, server] : pairs_) {
          wanted.push_back({client, POLLIN, 0});
          wanted.push_back({server, POLLIN, 0});
        }
      }
      ::poll(wanted.data(), static_cast<nfds_t>(wanted.size()), -1);
      char ignored[64];
      if (wanted[0].revents != 0) [[maybe_unused]]
        const auto n = ::read(wake_[0], ignored, 64);
      if (mode_ == Mode::refuse) close_all();
      if (mode_ == Mode::pass) {
        for (std::size_t i = 0; i < pairs_.size();) {
          const auto [client, server] = pairs_[i];
          if (forward(client, server) && forward(server, client)) {
            ++i;
          } else {
            ::close(client);
            ::close(server);
            pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
          }
        }
      }
      if (wanted.size() > 1 && wanted[1].fd == listener_ && wanted[1].revents != 0) accept();
    }
    close_all();
  }

  const std::uint16_t target_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::atomic<Mode> mode_{Mode::pass};
  std::vector<std::pair<int, int>> pairs_;
  std::thread thread_;
};

}  // namespace ordercast::test
