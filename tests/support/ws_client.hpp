// SPDX-License-Identifier: MIT
#pragma once

#include "http_exchange.hpp"
#include "raw_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// A client for tests that talks to a real port: plain sockets, no WebSocket
/// library, so that it can send what a well-behaved client never would.
///
///     WsClient client;
///     REQUIRE(client.connect("127.0.0.1", port, "/ws?token=" + token));
///     client.send_text(R"({"type":"ping"})");
///     REQUIRE(client.next_text() == R"({"type":"pong"})");
namespace ordercast::test {

/// RFC 6455 section 5.2. Its own, as all that is read and written here: a test that shared the
/// server's tables would share their faults.
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
