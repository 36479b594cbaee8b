// SPDX-License-Identifier: MIT
#include "admin.hpp"

#include <sys/socket.h>

#include <stdexcept>
#include <utility>

namespace ordercast::bench {

/// One HTTP connection.
class Admin::Exchange final : public Source {
 public:
  Exchange(Admin& admin, int fd) : admin_(admin), fd_(fd) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() override { ::close(fd_); }

  void send(const std::string& requests) const { send_now(fd_, requests.data(), requests.size()); }

  void on_readable() override {
    static std::array<char, 65'536> buffer;
    for (;;) {
      const auto got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) {
        if (admin_.pipelined_)
          throw std::runtime_error("the server closed a keep-alive connection");
        return;  // Its answer is already counted.
      }
      input_.append(buffer.data(), static_cast<std::size_t>(got));
      std::size_t used = 0;
      while (const auto size = answer_size(std::string_view(input_).substr(used))) used += size;
      input_.erase(0, used);
    }
  }

  std::list<Exchange>::iterator self;

 private:
  /// Counts a complete answer at the front and returns its size; 0 if it is incomplete.
  std::size_t answer_size(std::string_view input) {
    const auto end = input.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    const auto head = input.substr(0, end);
    if (head.substr(0, 12) != "HTTP/1.1 200") {
      throw std::runtime_error("a PATCH was answered: " + std::string(head.substr(0, 80)));
    }
    std::size_t at = head.find("Content-Length: ");
    if (at == std::string_view::npos) at = head.find("content-length: ");
    if (at == std::string_view::npos) throw std::runtime_error("an answer has no Content-Length");
    const auto size = end + 4 + std::stoul(std::string(head.substr(at + 16, 10)));
    if (input.size() < size) return 0;
    ++admin_.answered_;
    if (!admin_.pipelined_) admin_.finished_.push_back(self);
    return size;
  }

  Admin& admin_;
  int fd_;
  std::string input_;
};

Admin::Admin(Loop& loop, std::uint16_t port, std::string token, bool pipelined)
    : loop_(loop), port_(port), token_(std::move(token)), pipelined_(pipelined) {}

Admin::~Admin() = default;

void Admin::change(std::string_view order_id) {
  const auto body = R"({"status":"CONFIRMED","note":""})";
  waiting_.push_back("PATCH /api/v1/orders/" + std::string(order_id) +
                     "/status HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
                     "\r\nAuthorization: Bearer " + token_ +
                     "\r\nContent-Type: application/json\r\nContent-Length: " +
                     std::to_string(std::string_view(body).size()) + "\r\n\r\n" + body);
}

void Admin::flush() {
  // Close them here, not while one of them is on the stack.
  for (const auto at : std::exchange(finished_, {})) exchanges_.erase(at);
  const auto connect = [&]() -> Exchange& {
    const int fd = connect_to(port_);
    auto& exchange = exchanges_.emplace_back(*this, fd);
    exchange.self = std::prev(exchanges_.end());
    loop_.add(fd, exchange);
    return exchange;
  };
  sent_ += waiting_.size();
  if (pipelined_) {
    if (exchanges_.empty()) connect();
    std::string all;
    for (const auto& request : waiting_) all += request;
    exchanges_.front().send(all);
  } else {
    for (const auto& request : waiting_) connect().send(request);
  }
  waiting_.clear();
}

}  // namespace ordercast::bench
