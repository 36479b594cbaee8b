// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A client for tests that talks to a real port and trusts nobody: plain sockets, no WebSocket
/// library, so that it can send what a well-behaved client never would.
///
/// Every call blocks in poll(2) for at most its timeout, so a test never sleeps and never hangs.
/// Nothing throws: a failure is an empty answer. One object belongs to one thread at a time.
///
///     WsClient client;
///     REQUIRE(client.connect("127.0.0.1", port, "/ws?token=" + token));
///     client.send_text(R"({"type":"ping"})");
///     REQUIRE(client.next_text() == R"({"type":"pong"})");
namespace ordercast::test {

using Timeout = std::chrono::milliseconds;

/// Long enough for a sanitizer build on a busy machine; only a failing test ever waits for it.
inline constexpr Timeout default_timeout{10'000};

/// One TCP connection with a read buffer.
class RawSocket {
 public:
  /// What stands between the bytes and the socket (TLS, see tls_client.hpp). Its calls are send(2)
  /// and recv(2) on a non-blocking socket.
  class Layer {
   public:
    virtual ~Layer() = default;
    virtual ssize_t send(const char* from, std::size_t size) = 0;
    virtual ssize_t receive(char* into, std::size_t size) = 0;
  };
  /// Makes the layer of a connected socket; null when the two sides don't come together.
  using MakeLayer = std::function<std::unique_ptr<Layer>(int fd)>;

  RawSocket() = default;
  explicit RawSocket(MakeLayer make_layer) : make_layer_(std::move(make_layer)) {}
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;
  RawSocket(RawSocket&& other) noexcept
      : make_layer_(std::move(other.make_layer_)),
        layer_(std::move(other.layer_)),
        fd_(std::exchange(other.fd_, -1)),
        eof_(other.eof_),
        reset_(other.reset_),
        buffer_(std::move(other.buffer_)) {}
  RawSocket& operator=(RawSocket&& other) noexcept {
    if (this != &other) {
      close();
      make_layer_ = std::move(other.make_layer_);
      layer_ = std::move(other.layer_);
      fd_ = std::exchange(other.fd_, -1);
      eof_ = other.eof_;
      reset_ = other.reset_;
      buffer_ = std::move(other.buffer_);
    }
    return *this;
  }
  ~RawSocket() { close(); }

  /// Opens the connection. `receive_buffer_bytes` over 0 keeps the kernel's buffer small, so that a
  /// client which does not read soon pushes back on the server.
  bool connect(const std::string& host, std::uint16_t port, Timeout timeout = default_timeout,
               int receive_buffer_bytes = 0) {
    close();
    eof_ = reset_ = false;
    buffer_.clear();
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
      return false;
    }
    for (auto* at = found; at != nullptr && fd_ < 0; at = at->ai_next) {
      fd_ = ::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (fd_ < 0) continue;
      if (receive_buffer_bytes > 0) set_option(SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
      set_option(IPPROTO_TCP, TCP_NODELAY, 1);
      const bool started = ::connect(fd_, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS;
      if (!started || !wait(POLLOUT, deadline(timeout)) || socket_error() != 0) close();
    }
    ::freeaddrinfo(found);
    if (fd_ >= 0 && make_layer_) {
      layer_ = make_layer_(fd_);
      if (!layer_) close();
    }
    return fd_ >= 0;
  }

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// True once the peer has ended the stream (and everything before that has been read).
  [[nodiscard]] bool eof() const noexcept { return eof_ && buffer_.empty(); }
  /// True when the stream ended with a reset instead of an orderly end.
  [[nodiscard]] bool was_reset() const noexcept { return reset_; }

  /// Writes all of it, or answers false (peer gone, or the time is up).
  bool send_bytes(std::string_view bytes, Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    while (!bytes.empty()) {
      const auto n = fd_ < 0  ? -1
                     : layer_ ? layer_->send(bytes.data(), bytes.size())
                              : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      } else if (fd_ < 0 || (errno != EAGAIN && errno != EINTR) || !wait(POLLOUT, until)) {
        return false;
      }
    }
    return true;
  }

  /// Exactly `count` bytes; nothing at the end of the stream or of the time.
  std::optional<std::string> read_exact(std::size_t count, Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    while (buffer_.size() < count) {
      if (!fill(until)) return std::nullopt;
    }
    return take(count);
  }

  /// Everything up to and including `delimiter`.
  std::optional<std::string> read_until(std::string_view delimiter,
                                        Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    std::size_t at = 0;
    while ((at = buffer_.find(delimiter)) == std::string::npos) {
      if (!fill(until)) return std::nullopt;
    }
    return take(at + delimiter.size());
  }

  /// Everything until the peer ends the stream (or the time is up: see `eof`).
  std::string read_to_end(Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    while (fill(until)) {
    }
    return take(buffer_.size());
  }

  /// True when the peer ends the stream within the time; what still arrives is thrown away.
  bool wait_for_end(Timeout timeout = default_timeout) {
    const auto until = deadline(timeout);
    while (fill(until)) buffer_.clear();
    buffer_.clear();
    return eof_;
  }

  /// Ends our half of the stream.
  void shutdown_send() noexcept {
    if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
  }

  void close() noexcept {
    layer_.reset();
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  /// Closes with a TCP reset, as a client does whose process or network dies badly.
  void reset() noexcept {
    const linger now{1, 0};
    if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  static Deadline deadline(Timeout timeout) { return std::chrono::steady_clock::now() + timeout; }

  void set_option(int level, int name, int value) noexcept {
    ::setsockopt(fd_, level, name, &value, sizeof value);
  }

  int socket_error() noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
  }

  bool wait(short events, Deadline until) noexcept {
    for (;;) {
      const auto left = std::chrono::ceil<Timeout>(until - std::chrono::steady_clock::now());
      if (left.count() < 0) return false;
      pollfd one{fd_, events, 0};
      const int ready = ::poll(&one, 1, static_cast<int>(left.count()));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

  bool fill(Deadline until) {
    char chunk[16 * 1024];
    while (fd_ >= 0 && !eof_) {
      const auto n =
          layer_ ? layer_->receive(chunk, sizeof chunk) : ::recv(fd_, chunk, sizeof chunk, 0);
      if (n > 0) {
        buffer_.append(chunk, static_cast<std::size_t>(n));
        return true;
      }
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) {
        if (!wait(POLLIN, until)) return false;
        continue;
      }
      eof_ = true;
      reset_ = n < 0;
    }
    return false;
  }

  std::string take(std::size_t count) {
    std::string out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return out;
  }

  MakeLayer make_layer_;
  std::unique_ptr<Layer> layer_;
  int fd_ = -1;
  bool eof_ = false;
  bool reset_ = false;
  std::string buffer_;
};

/// Header fields as (name, value) pairs.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// An HTTP answer; status 0 when none came.
struct HttpReply {
  int status = 0;
  std::string reason;
  Headers headers;
  std::string body;

  /// The first header of that name, compared without case; "" when absent.
  [[nodiscard]] std::string header(std::string_view name) const {
    const auto lower = [](std::string_view text) {
      std::string out(text);
      for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      }
      return out;
    };
    for (const auto& [key, value] : headers) {
      if (lower(key) == lower(name)) return value;
    }
    return {};
  }
};

/// Reads one response. The body ends by Content-Length, else with the stream; answers to HEAD,
/// 1xx, 204 and 304 have none.
inline HttpReply read_http_reply(RawSocket& socket, bool to_head = false,
                                 Timeout timeout = default_timeout) {
  HttpReply reply;
  const auto head = socket.read_until("\r\n\r\n", timeout);
  if (!head || head->compare(0, 9, "HTTP/1.1 ") != 0) return reply;
  const auto first_end = head->find("\r\n");
  const int status = std::atoi(head->c_str() + 9);
  reply.reason = first_end > 13 ? head->substr(13, first_end - 13) : std::string{};
  for (auto at = first_end + 2; at + 2 < head->size();) {
    const auto end = head->find("\r\n", at);
    const auto colon = head->find(':', at);
    if (colon < end) {
      auto begin = colon + 1;
      while (begin < end && (*head)[begin] == ' ') ++begin;
      reply.headers.emplace_back(head->substr(at, colon - at), head->substr(begin, end - begin));
    }
    at = end + 2;
  }
  const bool bodiless = to_head || status < 200 || status == 204 || status == 304;
  if (!bodiless) {
    const auto length = reply.header("Content-Length");
    if (length.empty()) {
      reply.body = socket.read_to_end(timeout);
    } else {
      auto body = socket.read_exact(std::strtoul(length.c_str(), nullptr, 10), timeout);
      if (!body) return {};
      reply.body = std::move(*body);
    }
  }
  reply.status = status;
  return reply;
}

/// The text of a request. Content-Length is added when there is a body or the method usually has
/// one; `headers` are sent as they are.
inline std::string http_request_text(std::string_view method, std::string_view target,
                                     const Headers& headers = {}, std::string_view body = {}) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
  for (const auto& [name, value] : headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  return text.append("\r\n").append(body);
}

/// One request on a connection of its own.
inline HttpReply http_request(const std::string& host, std::uint16_t port, std::string_view method,
                              std::string_view target, const Headers& headers = {},
                              std::string_view body = {}, Timeout timeout = default_timeout) {
  RawSocket socket;
  if (!socket.connect(host, port, timeout) ||
      !socket.send_bytes(http_request_text(method, target, headers, body), timeout)) {
    return {};
  }
  return read_http_reply(socket, method == "HEAD", timeout);
}

/// RFC 6455 section 5.2.
enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

struct WsFrame {
  Opcode opcode = Opcode::text;
  bool fin = true;
  bool masked = false;   ///< A server must never mask.
  std::uint8_t rsv = 0;  ///< The three reserved bits; 0 without extensions.
  std::string payload;
};

/// How a connection ended. Code 1005: a close frame without code; 1006: no close frame at all.
struct CloseInfo {
  std::uint16_t code = 1006;
  std::string reason;
};

/// The wire bytes of a frame, with the shortest length form. Masked with a fixed key.
inline std::string ws_frame_bytes(Opcode opcode, bool fin, bool masked, std::string_view payload) {
  std::string out;
  out.push_back(static_cast<char>((fin ? 0x80U : 0U) | static_cast<unsigned>(opcode)));
  const unsigned mask_bit = masked ? 0x80U : 0U;
  const auto append_big_endian = [&out](std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      out.push_back(static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xFFU));
    }
  };
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(mask_bit | payload.size()));
  } else if (payload.size() <= 0xFFFF) {
    out.push_back(static_cast<char>(mask_bit | 126U));
    append_big_endian(payload.size(), 2);
  } else {
    out.push_back(static_cast<char>(mask_bit | 127U));
    append_big_endian(payload.size(), 8);
  }
  if (!masked) return out.append(payload);
  constexpr char key[] = {0x12, 0x34, 0x56, 0x78};
  out.append(key, 4);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out.push_back(static_cast<char>(payload[i] ^ key[i % 4]));
  }
  return out;
}

/// A WebSocket client. Answers pings by itself unless told not to.
class WsClient {
 public:
  /// The example of RFC 6455 section 1.3: its answer is known, so no SHA-1 is needed here.
  static constexpr const char* key = "dGhlIHNhbXBsZSBub25jZQ==";
  static constexpr const char* accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

  WsClient() = default;
  explicit WsClient(RawSocket::MakeLayer make_layer) : socket_(std::move(make_layer)) {}

  /// Connects and upgrades; true on a correct 101. `handshake()` has the answer either way.
  /// `headers` are sent beside the five of the handshake.
  bool connect(const std::string& host, std::uint16_t port, const std::string& target,
               const Headers& headers = {}, Timeout timeout = default_timeout,
               int receive_buffer_bytes = 0) {
    handshake_ = {};
    Headers all = {{"Upgrade", "websocket"},
                   {"Connection", "Upgrade"},
                   {"Sec-WebSocket-Key", key},
                   {"Sec-WebSocket-Version", "13"}};
    all.insert(all.end(), headers.begin(), headers.end());
    if (!socket_.connect(host, port, timeout, receive_buffer_bytes) ||
        !socket_.send_bytes(http_request_text("GET", target, all), timeout)) {
      return false;
    }
    handshake_ = read_http_reply(socket_, false, timeout);
    return handshake_.status == 101 && handshake_.header("Sec-WebSocket-Accept") == accept;
  }

  [[nodiscard]] const HttpReply& handshake() const noexcept { return handshake_; }
  [[nodiscard]] RawSocket& socket() noexcept { return socket_; }
  void answer_pings(bool yes) noexcept { answer_pings_ = yes; }

  bool send_text(std::string_view text) { return send_frame(Opcode::text, true, true, text); }

  bool send_frame(Opcode opcode, bool fin, bool masked, std::string_view payload) {
    return socket_.send_bytes(ws_frame_bytes(opcode, fin, masked, payload));
  }

  bool send_close(std::uint16_t code = 1000, std::string_view reason = {}) {
    std::string payload;
    payload.push_back(static_cast<char>(code >> 8U));
    payload.push_back(static_cast<char>(code & 0xFFU));
    return send_frame(Opcode::close, true, true, payload.append(reason));
  }

  /// The next frame of any kind, exactly as it came. Nothing at the end of stream or time.
  std::optional<WsFrame> next_frame(Timeout timeout = default_timeout) {
    const auto until = std::chrono::steady_clock::now() + timeout;
    const auto read = [&](std::size_t count) {
      const auto left = std::chrono::ceil<Timeout>(until - std::chrono::steady_clock::now());
      return socket_.read_exact(count, left.count() > 0 ? left : Timeout{0});
    };
    const auto head = read(2);
    if (!head) return std::nullopt;
    const auto byte = [](const std::string& text, std::size_t i) {
      return static_cast<unsigned>(static_cast<unsigned char>(text[i]));
    };
    WsFrame frame;
    frame.fin = (byte(*head, 0) & 0x80U) != 0;
    frame.rsv = static_cast<std::uint8_t>((byte(*head, 0) >> 4U) & 0x7U);
    frame.opcode = static_cast<Opcode>(byte(*head, 0) & 0xFU);
    frame.masked = (byte(*head, 1) & 0x80U) != 0;
    std::uint64_t length = byte(*head, 1) & 0x7FU;
    if (length >= 126) {
      const auto extended = read(length == 126 ? 2 : 8);
      if (!extended) return std::nullopt;
      length = 0;
      for (std::size_t i = 0; i < extended->size(); ++i) {
        length = (length << 8U) | byte(*extended, i);
      }
    }
    if (frame.masked && !read(4)) return std::nullopt;
    auto payload = read(length);
    if (!payload) return std::nullopt;
    frame.payload = std::move(*payload);
    return frame;
  }

  /// The next text message. Skips pings (answered) and pongs; nothing once a close frame, the end
  /// of the stream or of the time comes. A close frame is kept for `expect_close`.
  std::optional<std::string> next_text(Timeout timeout = default_timeout) {
    std::string message;
    const auto until = std::chrono::steady_clock::now() + timeout;
    while (!close_frame_) {
      const auto left = std::chrono::ceil<Timeout>(until - std::chrono::steady_clock::now());
      auto frame = next_frame(left.count() > 0 ? left : Timeout{0});
      if (!frame) return std::nullopt;
      switch (frame->opcode) {
        case Opcode::text:
        case Opcode::continuation:
          message += frame->payload;
          if (frame->fin) return message;
          break;
        case Opcode::ping:
          if (answer_pings_) send_frame(Opcode::pong, true, true, frame->payload);
          break;
        case Opcode::close:
          close_frame_ = std::move(*frame);
          break;
        case Opcode::pong:
        case Opcode::binary:
          break;
      }
    }
    return std::nullopt;
  }

  /// Waits for the server's close frame, answers it and waits for the end of the stream. Messages
  /// that come before it are thrown away. Nothing when the time is up first.
  std::optional<CloseInfo> expect_close(Timeout timeout = default_timeout) {
    while (!close_frame_ && next_text(timeout)) {
    }
    if (!close_frame_) {
      return socket_.eof() ? std::optional<CloseInfo>{CloseInfo{}} : std::nullopt;
    }
    const auto& payload = close_frame_->payload;
    CloseInfo info{1005, {}};
    if (payload.size() >= 2) {
      const auto byte = [&](std::size_t i) {
        return static_cast<unsigned>(static_cast<unsigned char>(payload[i]));
      };
      info.code = static_cast<std::uint16_t>((byte(0) << 8U) | byte(1));
      info.reason = payload.substr(2);
    }
    send_frame(Opcode::close, true, true, payload.substr(0, 2));
    if (!socket_.wait_for_end(timeout)) return std::nullopt;
    return info;
  }

  /// A normal close from our side: true when the server answers it and ends the stream.
  bool close(std::uint16_t code = 1000) {
    if (!send_close(code)) return false;
    const auto info = expect_close();
    socket_.close();
    return info && info->code == code;
  }

 private:
  RawSocket socket_;
  HttpReply handshake_;
  std::optional<WsFrame> close_frame_;
  bool answer_pings_ = true;
};

}  // namespace ordercast::test
