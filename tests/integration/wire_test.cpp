// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace ordercast::test;

namespace {

struct Connection {
  OrderServer server;
  Watcher watcher{server, demo().customer};

  /// Returns the server's close code after these bytes.
  std::uint16_t close_code(const std::string& bytes) {
    watcher.ws().socket().send_bytes(bytes);
    return watcher.ws().expect_close(patience).value_or(CloseInfo{}).code;
  }
};

std::string frame(Opcode opcode, const std::string& payload) {
  return ws_frame_bytes(opcode, true, true, payload);
}

/// The same frame with other first bits (RFC 6455 section 5.2: FIN, RSV1-3, opcode).
std::string with_first_byte(std::string bytes, unsigned char first) {
  bytes[0] = static_cast<char>(first);
  return bytes;
}

const std::string ping = R"({"type":"ping"})";

}  // namespace

TEST_CASE("a binary frame closes with 1003", "[wire]") {
  CHECK(Connection().close_code(frame(Opcode::binary, ping)) == 1003);
}

TEST_CASE("a message over 4 KiB closes with 1009, one of 4 KiB is read", "[wire]") {
  Connection connection;
  const auto padded = [](std::size_t size) { return ping + std::string(size - ping.size(), ' '); };
  REQUIRE(connection.watcher.ws().send_text(padded(4096)));
  CHECK(connection.watcher.next() == Json{{"type", "pong"}});
  SECTION("in one frame") {
    CHECK(connection.close_code(frame(Opcode::text, padded(4097))) == 1009);
  }
  SECTION("in fragments") {
    std::string bytes = ws_frame_bytes(Opcode::text, false, true, padded(2000));
    for (int i = 0; i < 3; ++i) {
      bytes += ws_frame_bytes(Opcode::continuation, i == 2, true, std::string(2000, ' '));
    }
    CHECK(connection.close_code(bytes) == 1009);
  }
  SECTION("announced only") {
    // The header announces 2^63 - 1 bytes: the server neither waits for them nor reserves memory.
    const std::string header = "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + std::string("mask");
    CHECK(connection.close_code(header) == 1009);
  }
}

TEST_CASE("text that is not UTF-8 closes with 1007", "[wire]") {
  const std::string text = GENERATE(std::string("\xff\xfe"), std::string("\xc0\xaf"),
                                    std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80"),
                                    std::string("{\"type\":\"ping\",\"x\":\"\xe2\x82\"}"));
  CHECK(Connection().close_code(frame(Opcode::text, text)) == 1007);
}

TEST_CASE("an unmasked frame closes with 1002", "[wire]") {
  CHECK(Connection().close_code(ws_frame_bytes(Opcode::text, true, false, ping)) == 1002);
}

TEST_CASE("frames that break the protocol close with 1002", "[wire]") {
  std::string bytes;
  SECTION("a reserved bit") {
    bytes = with_first_byte(frame(Opcode::text, ping), 0xC1);
  }
  SECTION("a reserved opcode") {
    bytes = with_first_byte(frame(Opcode::text, ping), 0x83);
  }
  SECTION("a fragmented ping") {
    bytes = with_first_byte(frame(Opcode::ping, "x"), 0x09);
  }
  SECTION("a ping over 125 bytes") {
    bytes = frame(Opcode::ping, std::string(126, 'x'));
  }
  SECTION("a continuation of nothing") {
    bytes = frame(Opcode::continuation, ping);
  }
  SECTION("a second message inside a fragmented one") {
    bytes = ws_frame_bytes(Opcode::text, false, true, "{") + frame(Opcode::text, ping);
  }
  CHECK(Connection().close_code(bytes) == 1002);
}

TEST_CASE("a message in fragments with a ping between is one message", "[wire]") {
  Connection connection;
  auto& client = connection.watcher.ws();
  REQUIRE(client.socket().send_bytes(
      ws_frame_bytes(Opcode::text, false, true, R"({"type":)") + frame(Opcode::ping, "between") +
      ws_frame_bytes(Opcode::continuation, true, true, R"("ping"})")));
  const auto pong = client.next_frame(patience);
  REQUIRE(pong.has_value());
  CHECK(pong->opcode == Opcode::pong);
  CHECK(pong->payload == "between");
  CHECK(connection.watcher.next() == Json{{"type", "pong"}});
}

TEST_CASE("a client's close is answered with its own code", "[wire]") {
  Connection connection;
  CHECK(connection.watcher.ws().close(1000));
  CHECK(connection.server.metric_becomes("ordercast_connections", 0));
}

TEST_CASE("a connection that is cut leaves nothing behind", "[wire]") {
  Connection connection;
  const auto id = text_of(connection.server.new_order(demo().customer), "id");
  connection.watcher.follow(id);
  REQUIRE(connection.server.metric_becomes("ordercast_subscriptions", 1));
  connection.watcher.ws().socket().reset();
  CHECK(connection.server.metric_becomes("ordercast_connections", 0));
  CHECK(connection.server.metric_becomes("ordercast_subscriptions", 0));
  CHECK(connection.server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
}
