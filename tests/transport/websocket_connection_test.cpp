// SPDX-License-Identifier: MIT
#include <ordercast/asio/websocket_connection.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using ordercast::CloseCode;
using ordercast::asio::FrameParserPool;
using ordercast::asio::WebSocketConnection;
using ordercast::net::Frame;
using ordercast::net::Opcode;

namespace {

/// Records the connection's calls.
class Owner {
 public:
  void on_message(std::string_view text) { note("message " + std::string(text)); }
  void on_binary(std::string_view bytes) { note("binary " + std::string(bytes)); }
  void on_control() { note("control"); }
  void on_pong() { note("pong"); }
  void send(const Frame& frame) {
    const auto opcode = static_cast<unsigned char>(frame.bytes()[0]) & 0x0FU;
    auto payload = std::string(frame.bytes().substr(2));
    if (opcode == 8 && payload.size() >= 2) {
      const auto code =
          static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
      payload = std::to_string(code) + payload.substr(2);
    }
    note("send " + std::to_string(opcode) + " " + payload);
  }
  [[nodiscard]] bool has_room() const { return room; }
  void on_end() { note("end"); }

  std::vector<std::string> take() { return std::exchange(calls_, {}); }

  bool room = true;
  std::function<void()> during;

 private:
  void note(std::string call) {
    calls_.push_back(std::move(call));
    if (auto action = std::exchange(during, nullptr)) action();
  }
  std::vector<std::string> calls_;
};

/// A client's frame; the mask is zeros.
std::string frame(unsigned opcode, std::string_view payload, bool final = true) {
  std::string wire{static_cast<char>((final ? 0x80U : 0U) | opcode),
                   static_cast<char>(0x80U | payload.size())};
  return wire.append(4, '\0').append(payload);
}
std::string close_frame(unsigned code) {
  return frame(8, std::string{static_cast<char>(code / 256), static_cast<char>(code % 256)});
}

struct Opened {
  Opened() { socket.open(); }
  std::vector<std::string> read(std::string bytes) {
    socket.read({bytes.data(), bytes.size()}, parsers, owner);
    return owner.take();
  }
  Owner owner;
  FrameParserPool parsers;
  WebSocketConnection socket;
};

using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE("messages are told whole, however they come", "[websocket_connection]") {
  Opened it;
  CHECK(it.read(frame(1, "one") + frame(1, "two")) == Calls{"message one", "message two"});
  CHECK(it.read(frame(1, "th", false)).empty());
  CHECK(it.read(frame(9, "ping")) == Calls{"control", "send 10 ping"});
  CHECK(it.read(frame(0, "", false)) == Calls{"control"});
  CHECK(it.read(frame(0, "ree")) == Calls{"message three"});
  const auto bytes = frame(1, "text");
  Calls calls;
  for (const char byte : bytes) {
    for (auto& call : it.read({byte})) calls.push_back(call);
  }
  CHECK(calls == Calls{"message text"});
  CHECK(it.read(frame(10, "")) == Calls{"pong", "control"});
}

TEST_CASE("a client that pings and never reads gets no pongs", "[websocket_connection]") {
  Opened it;
  it.owner.room = false;
  CHECK(it.read(frame(9, "x")) == Calls{"control"});
}

TEST_CASE("the client's close frame is answered, and ends the connection",
          "[websocket_connection]") {
  Opened it;
  CHECK(it.read(frame(1, "a") + close_frame(1001) + frame(1, "b")) ==
        Calls{"message a", "send 8 1001", "end"});
  CHECK_FALSE(it.socket.is_live());
  CHECK(it.socket.was_opened());
  CHECK(it.socket.take_close_report());
  CHECK_FALSE(it.socket.take_close_report());
}

TEST_CASE("our close frame waits for the client's, and nothing else is told meanwhile",
          "[websocket_connection]") {
  Opened it;
  it.socket.close(CloseCode::normal, "bye", it.owner);
  CHECK(it.owner.take() == Calls{"send 8 1000bye"});
  CHECK_FALSE(it.socket.is_open());
  CHECK(it.socket.is_live());
  CHECK(it.read(frame(1, "a") + frame(9, "") + frame(10, "")).empty());
  CHECK(it.read(close_frame(1000)) == Calls{"end"});
  CHECK_FALSE(it.socket.is_live());
}

TEST_CASE("a broken rule ends the connection behind a close frame", "[websocket_connection]") {
  Opened it;
  CHECK(it.read(frame(1, "\xFF") + frame(1, "b")) == Calls{"send 8 1007", "end"});
  Opened closing;
  closing.socket.close(CloseCode::normal, "", closing.owner);
  closing.owner.take();
  CHECK(closing.read(frame(3, "")) == Calls{"end"});
}

TEST_CASE("the owner may close from inside a call", "[websocket_connection]") {
  Opened it;
  it.owner.during = [&] { it.socket.close(CloseCode::normal, "", it.owner); };
  CHECK(it.read(frame(1, "a") + frame(1, "b") + close_frame(1000)) ==
        Calls{"message a", "send 8 1000", "end"});

  Opened gone;
  gone.owner.during = [&] { gone.socket.end(); };  // The socket is closed.
  CHECK(gone.read(frame(1, "a") + frame(1, "b")) == Calls{"message a"});

  Opened failed;
  failed.owner.during = [&] { failed.socket.fail(CloseCode::internal_error, failed.owner); };
  CHECK(failed.read(frame(9, "") + frame(1, "b")) == Calls{"control", "send 8 1011", "end"});
}

TEST_CASE("a connection that never opened has no end to report", "[websocket_connection]") {
  WebSocketConnection socket;
  socket.end();
  CHECK_FALSE(socket.was_opened());
  CHECK_FALSE(socket.take_close_report());
  CHECK_FALSE(socket.is_live());
}

TEST_CASE("a connection between two messages keeps 16 bytes", "[websocket_connection]") {
  CHECK(sizeof(WebSocketConnection) <= 16);
}
