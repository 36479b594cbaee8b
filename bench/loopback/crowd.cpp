// SPDX-License-Identifier: MIT
#include "crowd.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/socket.h>

#include <array>
#include <ctime>

namespace ordercast::bench {

namespace {

std::string base64url(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

/// A user id as long as those that databases make (a cuid has 25 characters).
std::string user_name(std::size_t number) {
  const auto digits = std::to_string(number);
  return "user-" + std::string(20 - digits.size(), '0') + digits;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Blocking: on loopback it completes at once.
  while (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) fail("connect");
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Closes with a reset, so that no port waits for two minutes.
  const linger hard{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  return fd;
}

void send_now(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const auto sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) fail("send");
    if (sent <= 0) continue;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

std::string token_for(std::string_view user, std::string_view role, std::string_view secret) {
  const auto now = static_cast<long long>(std::time(nullptr));
  const auto input = base64url(R"({"alg":"HS256","typ":"JWT"})") + "." +
                     base64url(R"({"sub":")" + std::string(user) + R"(","role":")" +
                               std::string(role) + R"(","iat":)" + std::to_string(now) +
                               R"(,"exp":)" + std::to_string(now + 3600) + "}");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  ::HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data(), &size);
  return input + "." + base64url({reinterpret_cast<const char*>(digest.data()), size});
}

void Crowd::open(std::size_t count, std::string_view role) {
  // A few at a time, because a server's listen queue is bounded.
  constexpr std::size_t wave = 100;
  for (const auto wanted = clients_.size() + count; clients_.size() < wanted;) {
    const auto until = std::min(wanted, clients_.size() + wave);
    while (clients_.size() < until) {
      const int fd = connect_to(port_);
      auto& client = clients_.emplace_back(*this, fd);
      const auto request =
          "GET /ws?token=" + token_for(user_name(clients_.size()), role, secret_) +
          " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
          "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
      send_now(fd, request.data(), request.size());
      loop_.add(fd, client);
    }
    loop_.run_until([&] { return open_ == clients_.size(); }, "handshakes");
  }
}

void Crowd::subscribe(std::size_t client, std::string_view order_id) {
  clients_[client].send_text(R"({"type":"subscribe","orderId":")" + std::string(order_id) +
                             R"("})");
}

void Crowd::settle() {
  const auto wanted = tally_.pongs + clients_.size();
  for (const auto& client : clients_) client.send_text(R"({"type":"ping"})");
  loop_.run_until([&] { return tally_.pongs == wanted; }, "pongs");
}

void Crowd::settle_last() {
  const auto wanted = tally_.pongs + 1;
  clients_.back().send_text(R"({"type":"ping"})");
  loop_.run_until([&] { return tally_.pongs == wanted; }, "a pong");
}

void Crowd::on_text(std::string_view text) {
  constexpr std::string_view updated = R"({"type":"order:updated","orderId":")";
  constexpr std::string_view changed = R"({"type":"orders:changed","orderId":")";
  std::string_view rest;
  if (text.substr(0, updated.size()) == updated) {
    ++tally_.updates;
    tally_.update_bytes += text.size();
    rest = text.substr(updated.size());
  } else if (text.substr(0, changed.size()) == changed) {
    ++tally_.hints;
    rest = text.substr(changed.size());
  } else if (text == R"({"type":"pong"})") {
    ++tally_.pongs;
    return;
  } else {
    throw std::runtime_error("the server sent: " + std::string(text.substr(0, 100)));
  }
  if (on_delivery_) on_delivery_(rest.substr(0, rest.find('"')));
}

void Crowd::Client::on_readable() {
  static std::array<char, 262'144> buffer;
  for (;;) {
    const auto got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw std::runtime_error("the server closed a connection");
    std::string_view input(buffer.data(), static_cast<std::size_t>(got));
    std::string whole;
    if (!rest_.empty()) {
      whole = std::exchange(rest_, {}).append(input);
      input = whole;
    }
    while (!input.empty()) {
      const auto used = take(input);
      if (used == 0) break;
      input.remove_prefix(used);
    }
    if (!input.empty()) rest_ = std::string(input);
    // A short read has emptied the socket; later input triggers another event.
    if (static_cast<std::size_t>(got) < buffer.size()) return;
  }
}

std::size_t Crowd::Client::take(std::string_view input) {
  if (!open_) {
    const auto end = input.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    const auto head = input.substr(0, end);
    if (head.substr(0, 12) != "HTTP/1.1 101" ||
        head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == std::string_view::npos) {
      throw std::runtime_error("no handshake: " + std::string(head.substr(0, 80)));
    }
    open_ = true;
    ++crowd_.open_;
    return end + 4;
  }
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(input[at]); };
  if (input.size() < 2) return 0;
  std::size_t header = 2;
  std::size_t size = byte(1) & 0x7FU;
  if (size == 126) {
    header = 4;
    if (input.size() < header) return 0;
    size = std::size_t{byte(2)} << 8U | byte(3);
  } else if (size == 127) {
    throw std::runtime_error("a frame of more than 64 KiB");
  }
  if (input.size() < header + size) return 0;
  on_frame(byte(0) & 0x0FU, input.substr(header, size));
  return header + size;
}

void Crowd::Client::on_frame(unsigned opcode, std::string_view payload) {
  switch (opcode) {
    case 0x1:
      return crowd_.on_text(payload);
    case 0x9:
      return send_frame(0xA, payload);
    case 0xA:
      return;
    default:
      throw std::runtime_error("the server closed: " + std::string(payload.substr(2)));
  }
}

void Crowd::Client::send_frame(unsigned opcode, std::string_view payload) const {
  constexpr std::array<unsigned char, 4> mask{0x37, 0xfa, 0x21, 0x3d};
  std::string frame;
  frame.reserve(6 + payload.size());
  frame.push_back(static_cast<char>(0x80U | opcode));
  frame.push_back(static_cast<char>(0x80U | payload.size()));
  for (const auto byte : mask) frame.push_back(static_cast<char>(byte));
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % 4]));
  }
  send_now(fd_, frame.data(), frame.size());
}

}  // namespace ordercast::bench
