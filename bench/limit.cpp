// SPDX-License-Identifier: MIT
// Measures what a fan-out costs in the kernel alone: a server with nothing between a change and its
// bare send(2) or io_uring calls. It implements just enough of the contract for the driver of the
// benchmarks, which measures it like every other server. It accepts every token and has no limits:
// never expose it to a network. Environment: PORT, TRANSPORT=send|uring.
#include "environment.hpp"
#include "order_text.hpp"
#include <ordercast/net/accept_handshake.hpp>
#include <ordercast/net/frame_head.hpp>

#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <vector>

namespace {

using ordercast::bench::environment;
using ordercast::bench::Json;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A text frame of a server (RFC 6455, section 5.2).
std::string framed(std::string_view text) {
  const ordercast::net::FrameHead head(ordercast::net::Opcode::text, text.size());
  return std::string(head.bytes()).append(text);
}

/// Sends all of it; waits for the peer if its window is full.
void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      pollfd one{fd, POLLOUT, 0};
      ::poll(&one, 1, -1);
    } else if (errno != EINTR) {
      return;  // The peer has disconnected.
    }
  }
}

/// One send(2) a recipient.
class Sender {
 public:
  Sender() = default;
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  virtual ~Sender() = default;
  virtual void to_all(const std::vector<int>& fds, const std::string& frame) {
    for (const int fd : fds) send_all(fd, frame);
  }
};

/// Up to 1,024 sends in one io_uring_enter(2). They don't block, so they are done when it returns.
class RingSender final : public Sender {
 public:
  RingSender() {
    const int error = ::io_uring_queue_init(batch, &ring_, IORING_SETUP_SINGLE_ISSUER);
    if (error < 0) {
      throw std::system_error(-error, std::generic_category(), "io_uring is not available");
    }
  }
  RingSender(const RingSender&) = delete;
  RingSender& operator=(const RingSender&) = delete;
  ~RingSender() override { ::io_uring_queue_exit(&ring_); }

  void to_all(const std::vector<int>& fds, const std::string& frame) override {
    for (std::size_t first = 0; first < fds.size(); first += batch) {
      const auto count = std::min<std::size_t>(batch, fds.size() - first);
      for (std::size_t i = 0; i < count; ++i) {
        io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
        const int fd = fds[first + i];
        ::io_uring_prep_send(entry, fd, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        entry->user_data = static_cast<std::uint64_t>(fd);
      }
      ::io_uring_submit_and_wait(&ring_, static_cast<unsigned>(count));
      finish(static_cast<unsigned>(count), frame);
    }
  }

 private:
  static constexpr unsigned batch = 1024;

  void finish(unsigned count, const std::string& frame) {
    for (unsigned done = 0; done < count;) {
      io_uring_cqe* entry = nullptr;
      if (::io_uring_wait_cqe(&ring_, &entry) != 0) continue;
      const auto sent = static_cast<std::size_t>(std::max(entry->res, 0));
      const bool gone = entry->res < 0 && entry->res != -EAGAIN;
      if (!gone && sent < frame.size()) {
        send_all(static_cast<int>(entry->user_data), std::string_view(frame).substr(sent));
      }
      ::io_uring_cqe_seen(&ring_, entry);
      ++done;
    }
  }

  io_uring ring_{};
};

/// Returns the value of a header. The name must be spelled as the driver spells it.
std::string_view header(std::string_view head, std::string_view name) {
  const auto at = head.find(name);
  if (at == std::string_view::npos) return {};
  const auto value = head.substr(at + name.size());
  return value.substr(0, value.find('\r'));
}

std::string between(std::string_view text, std::string_view before, char after) {
  const auto at = text.find(before);
  if (at == std::string_view::npos) return {};
  const auto value = text.substr(at + before.size());
  return std::string(value.substr(0, value.find(after)));
}

/// Returns true if a token claims to be an admin's. Does not check the signature.
bool is_admin(std::string_view token) {
  const auto start = token.find('.') + 1;
  auto payload = std::string(token.substr(start, token.find('.', start) - start));
  std::replace(payload.begin(), payload.end(), '-', '+');
  std::replace(payload.begin(), payload.end(), '_', '/');
  payload.resize((payload.size() + 3) / 4 * 4, '=');
  std::string claims(payload.size(), '\0');
  ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(claims.data()),
                    reinterpret_cast<const unsigned char*>(payload.data()),
                    static_cast<int>(payload.size()));
  return claims.find("\"SUPER_ADMIN\"") != std::string::npos;
}

class Server {
 public:
  explicit Server(std::unique_ptr<Sender> sender) : sender_(std::move(sender)) {}

  std::uint16_t listen(std::uint16_t port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
    if (::listen(listener_, SOMAXCONN) != 0) fail("listen");
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_);
    return ntohs(address.sin_port);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        fd == listener_ ? accept() : read(fd);
      }
    }
  }

 private:
  void watch(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  void accept() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (static_cast<std::size_t>(fd) >= upgraded_.size()) {
        upgraded_.resize(static_cast<std::size_t>(fd) * 2, false);
      }
      upgraded_[static_cast<std::size_t>(fd)] = false;
      watch(fd);
    }
  }

  void read(int fd) {
    const auto got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return close(fd);
    std::string_view input(buffer_.data(), static_cast<std::size_t>(got));
    std::string whole;
    if (const auto rest = rests_.find(fd); rest != rests_.end()) {
      whole = std::move(rest->second);
      rests_.erase(rest);
      whole.append(input);
      input = whole;
    }
    while (!input.empty()) {
      const auto used =
          upgraded_[static_cast<std::size_t>(fd)] ? take_frame(fd, input) : take_request(fd, input);
      if (used == 0) break;
      input.remove_prefix(used);
    }
    if (!input.empty()) rests_[fd] = std::string(input);
  }

  void close(int fd) {
    const auto forget = [fd](std::vector<int>& fds) {
      fds.erase(std::remove(fds.begin(), fds.end(), fd), fds.end());
    };
    if (upgraded_[static_cast<std::size_t>(fd)]) {
      forget(admins_);
      for (auto& [id, fds] : watchers_) forget(fds);
    }
    rests_.erase(fd);
    ::close(fd);
  }

  /// Handles a complete request at the front of the input. Returns its size; 0 if it is incomplete.
  std::size_t take_request(int fd, std::string_view input) {
    const auto end = input.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    const auto head = input.substr(0, end + 2);
    const auto length = header(head, "Content-Length: ");
    const auto body_size = length.empty() ? 0 : std::stoul(std::string(length));
    const auto size = end + 4 + body_size;
    if (input.size() < size) return 0;
    if (const auto key = header(head, "Sec-WebSocket-Key: "); !key.empty()) {
      upgraded_[static_cast<std::size_t>(fd)] = true;
      send_all(fd,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: " +
                   ordercast::net::accept_key(key) + "\r\n\r\n");
      if (is_admin(between(head, "token=", ' '))) admins_.push_back(fd);
    } else {
      change(fd, between(head, "/api/v1/orders/", '/'), input.substr(end + 4, body_size));
    }
    return size;
  }

  void change(int fd, const std::string& id, std::string_view body) {
    const auto json = Json::parse(body, nullptr, false);
    if (id.empty() || !json.is_object()) {
      send_all(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const auto status = json.value("status", std::string{});
    const auto order =
        ordercast::bench::order_text(id, status, json.value("note", std::string{}),
                                     versions_.try_emplace(id, 1).first->second += 1);
    if (const auto found = watchers_.find(id); found != watchers_.end()) {
      sender_->to_all(found->second, framed(R"({"type":"order:updated","orderId":")" + id +
                                            R"(","data":)" + order + '}'));
    }
    if (!admins_.empty()) {
      sender_->to_all(admins_, framed(R"({"type":"orders:changed","orderId":")" + id +
                                      R"(","status":")" + status + R"("})"));
    }
    const auto answer = R"({"success":true,"data":)" + order + "}";
    send_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                     std::to_string(answer.size()) + "\r\n\r\n" + answer);
  }

  /// Handles a complete frame at the front of the input: short and masked, as the driver sends
  /// them.
  std::size_t take_frame(int fd, std::string_view input) {
    if (input.size() < 6) return 0;
    const std::size_t size = static_cast<unsigned char>(input[1]) & 0x7FU;
    if (size >= 126) throw std::runtime_error("a frame of more than 125 bytes");
    if (input.size() < 6 + size) return 0;
    std::string text(input.substr(6, size));
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(text[i] ^ input[2 + i % 4]);
    if ((static_cast<unsigned char>(input[0]) & 0x0FU) == 1) on_text(fd, text);
    return 6 + size;
  }

  void on_text(int fd, const std::string& text) {
    if (text.find(R"("subscribe")") != std::string::npos) {
      watchers_[between(text, R"("orderId":")", '"')].push_back(fd);
    } else {
      send_all(fd, framed(R"({"type":"pong"})"));
    }
  }

  std::unique_ptr<Sender> sender_;
  int listener_ = -1;
  int epoll_ = -1;
  std::array<char, 65'536> buffer_{};
  std::vector<bool> upgraded_ = std::vector<bool>(1024);  // By descriptor.
  std::unordered_map<int, std::string> rests_;            // Incomplete input.
  std::unordered_map<std::string, std::vector<int>> watchers_;
  std::unordered_map<std::string, std::uint64_t> versions_;
  std::vector<int> admins_;
};

void serve() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);

  const auto transport = environment("TRANSPORT", "send");
  if (transport != "send" && transport != "uring") {
    throw std::invalid_argument("TRANSPORT must be send or uring, not '" + transport + "'");
  }
  std::unique_ptr<Sender> sender;
  if (transport == "uring") {
    sender = std::make_unique<RingSender>();
  } else {
    sender = std::make_unique<Sender>();
  }
  Server server(std::move(sender));
  ordercast::bench::print_address(server.listen(ordercast::bench::port_from_environment()));
  server.run();
}

}  // namespace

int main() {
  try {
    serve();
  } catch (const std::exception& error) {
    std::cerr << "limit: " << error.what() << '\n';
    return 1;
  }
}
