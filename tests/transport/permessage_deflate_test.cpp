// SPDX-License-Identifier: MIT
// permessage-deflate between a real socket and each transport.
#include "recording_server.hpp"
#include <ordercast/net/deflater.hpp>

#include <catch2/catch.hpp>
#include <support/raw_deflate.hpp>
#include <support/ws_client.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;

namespace {

const std::string host = "127.0.0.1";
const Headers offer = {{"Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"}};
constexpr const char* agreed =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// A client and its handle at the server.
struct Opened {
  std::unique_ptr<WsClient> client;
  Handle handle = 0;
};

Opened open(RecordingServer& server, const Headers& headers = offer) {
  Opened opened{std::make_unique<WsClient>(), 0};
  REQUIRE(opened.client->connect(host, server.port(), "/ws", headers));
  opened.handle = server.opened();
  return opened;
}

bool send_deflated(WsClient& client, std::string_view compressed,
                   test::Opcode opcode = test::Opcode::text, bool final = true) {
  return client.socket().send_bytes(with_rsv1(ws_frame_bytes(opcode, final, true, compressed)));
}

/// The next frame's message; `compressed` says whether it has to be.
std::string next_message(WsClient& client, bool compressed, int window_bits = 15) {
  const auto frame = client.next_frame();
  if (!frame) return "nothing";
  CHECK(frame->rsv == (compressed ? 4 : 0));
  CHECK(frame->fin);
  if (!compressed) return frame->payload;
  return raw_inflate(frame->payload, window_bits).value_or("corrupt");
}

std::uint16_t close_code(WsClient& client) {
  const auto info = client.expect_close();
  return info ? info->code : std::uint16_t{0};
}

/// What the server hears of one message; a close code where it refuses it.
std::string heard(std::string_view compressed, net::TransportOptions options = {}) {
  RecordingServer::Setup setup;
  setup.options = std::move(options);
  RecordingServer server(std::move(setup));
  auto [client, handle] = open(server);
  REQUIRE(send_deflated(*client, compressed));
  const auto event = server.next();
  if (event && event->kind == Event::Kind::message) return event->text;
  return std::to_string(close_code(*client));
}

}  // namespace

TEST_CASE("permessage-deflate is answered where it is offered and allowed, and nowhere else",
          "[deflate]") {
  const auto answer = [](bool allowed, const Headers& headers) {
    RecordingServer::Setup setup;
    setup.options.permessage_deflate = allowed;
    RecordingServer server(std::move(setup));
    WsClient client;
    REQUIRE(client.connect(host, server.port(), "/ws", headers));
    return client.handshake().header("Sec-WebSocket-Extensions");
  };
  CHECK(answer(true, offer) == agreed);
  CHECK(answer(true, {{"Sec-WebSocket-Protocol", "ordercast.v1"},
                      {"Sec-WebSocket-Extensions", "permessage-deflate; x"},
                      {"Sec-WebSocket-Extensions",
                       "foo, permessage-deflate; server_max_window_bits=10"}}) ==
        std::string(agreed) + "; server_max_window_bits=10");
  CHECK(answer(true, {}).empty());
  CHECK(answer(true, {{"Sec-WebSocket-Extensions", "permessage-deflate; x"}}).empty());
  CHECK(answer(false, offer).empty());
}

TEST_CASE("a handshake without an offer is answered as ever", "[deflate]") {
  RecordingServer server;
  const auto names = [&](const Headers& headers) {
    WsClient client;
    REQUIRE(client.connect(host, server.port(), "/ws", headers));
    std::vector<std::string> all;
    for (const auto& header : client.handshake().headers) all.push_back(header.first);
    return all;
  };
  const auto plain = names({});
  CHECK(plain.size() == 3);
  CHECK(names({{"Sec-WebSocket-Extensions", "foo"}}) == plain);
  CHECK(names(offer).size() == 4);
}

TEST_CASE("a compressed message is heard as it was before, whole or in fragments", "[deflate]") {
  RecordingServer server;
  auto [client, handle] = open(server);
  const auto order = order_like(2000);
  const auto packed = raw_deflate(order);
  REQUIRE(send_deflated(*client, packed));
  CHECK(server.next()->text == order);
  REQUIRE(client->send_text("plain"));
  CHECK(server.next()->text == "plain");
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, packed.size() / 2, packed.size()}) {
    REQUIRE(send_deflated(*client, packed.substr(0, cut), test::Opcode::text, false));
    REQUIRE(client->send_frame(test::Opcode::ping, true, true, "between"));
    REQUIRE(client->send_frame(test::Opcode::continuation, true, true, packed.substr(cut)));
    CHECK(server.next()->text == order);
    CHECK(next_message(*client, false) == "between");
  }
}

TEST_CASE("compressed messages keep the limits and rules of all messages", "[deflate]") {
  net::TransportOptions options;
  options.max_message_bytes = 4096;
  CHECK(heard(raw_deflate(std::string(4096, 'x')), options) == std::string(4096, 'x'));
  CHECK(heard(raw_deflate(std::string(4097, 'x')), options) == "1009");
  CHECK(heard(raw_deflate(std::string(4 << 20, 'x'), 9).substr(0, 4000), options) == "1009");
  CHECK(heard(std::string(5000, '\0'), options) == "1009");
  CHECK(heard("no deflate") == "1007");
  CHECK(heard("") == "1007");
  CHECK(heard(raw_deflate("\xC3(")) == "1007");
  CHECK(heard(raw_deflate("cut \xE2\x82")) == "1007");
  std::string blocks;
  for (int i = 0; i < 500; ++i) blocks.append("\x00\x00\x00\xFF\xFF", 5);
  CHECK(heard(blocks + '\0') == "1008");
  // What can't be compressed is longer on the wire.
  options.max_message_bytes = 300;
  const auto stored = order_like(300);
  REQUIRE(raw_deflate(stored, 0).size() > 300);
  CHECK(heard(raw_deflate(stored, 0), options) == stored);
}

TEST_CASE("a plain message has its own limit beside compressed ones", "[deflate]") {
  RecordingServer server;
  auto [client, handle] = open(server);
  REQUIRE(client->send_text(std::string(4096, 'x')));
  CHECK(server.next()->text.size() == 4096);
  REQUIRE(client->send_text(std::string(4097, 'x')));
  CHECK(close_code(*client) == 1009);
}

TEST_CASE("RSV1 where it does not belong is a protocol error", "[deflate]") {
  RecordingServer server;
  const auto packed = raw_deflate("Hello");
  {
    auto [client, handle] = open(server, {});
    REQUIRE(send_deflated(*client, packed));
    CHECK(close_code(*client) == 1002);
  }
  for (const auto opcode : {test::Opcode::ping, test::Opcode::pong, test::Opcode::close}) {
    auto [client, handle] = open(server);
    REQUIRE(send_deflated(*client, "", opcode));
    CHECK(close_code(*client) == 1002);
  }
  for (const bool is_final : {true, false}) {
    auto [client, handle] = open(server);
    REQUIRE(send_deflated(*client, packed.substr(0, 3), test::Opcode::text, false));
    REQUIRE(send_deflated(*client, packed.substr(3), test::Opcode::continuation, is_final));
    CHECK(close_code(*client) == 1002);
  }
}

TEST_CASE("a bad RSV1 in what comes with the handshake is answered at once", "[deflate]") {
  RecordingServer server;
  const auto packed = raw_deflate("Hello");
  Headers headers = {{"Upgrade", "websocket"},
                     {"Connection", "Upgrade"},
                     {"Sec-WebSocket-Key", WsClient::key},
                     {"Sec-WebSocket-Version", "13"}};
  headers.insert(headers.end(), offer.begin(), offer.end());
  RawSocket socket;
  REQUIRE(socket.connect(host, server.port()));
  REQUIRE(socket.send_bytes(
      http_request_text("GET", "/ws", headers) +
      with_rsv1(ws_frame_bytes(test::Opcode::text, false, true, packed.substr(0, 3))) +
      with_rsv1(ws_frame_bytes(test::Opcode::continuation, true, true, packed.substr(3)))));
  CHECK(read_http_reply(socket, false).status == 101);
  CHECK(socket.read_exact(4) == std::string("\x88\x02\x03\xEA"));
}

TEST_CASE("long messages go out compressed to those that agreed, plain to the others",
          "[deflate]") {
  RecordingServer server;
  auto plain = open(server, {});
  auto packed = open(server);
  auto small =
      open(server, {{"Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=9"}});
  const std::vector<Handle> all = {plain.handle, packed.handle, small.handle, plain.handle,
                                   packed.handle};
  const auto send = [&](const std::string& text) {
    for (const auto result : server.send_to_all(all, text)) CHECK(result == SendResult::accepted);
  };
  const auto order = order_like(2000);
  send(order);
  send("short");
  send(order_like(500));
  for (int i = 0; i < 2; ++i) {
    if (i == 0) CHECK(next_message(*small.client, false) == order);
    CHECK(next_message(*plain.client, false) == order);
    CHECK(next_message(*packed.client, true) == order);
  }
  CHECK(next_message(*small.client, false) == "short");
  CHECK(next_message(*small.client, true, 9) == order_like(500));
  for (int i = 0; i < 2; ++i) CHECK(next_message(*plain.client, false) == "short");
  for (int i = 0; i < 2; ++i) CHECK(next_message(*plain.client, false) == order_like(500));
  for (int i = 0; i < 2; ++i) CHECK(next_message(*packed.client, false) == "short");
  for (int i = 0; i < 2; ++i) CHECK(next_message(*packed.client, true) == order_like(500));
}

TEST_CASE("the threshold is where the compressor has it", "[deflate]") {
  RecordingServer server;
  auto [client, handle] = open(server);
  const auto least = net::Deflater::least_bytes;
  CHECK(server.send(handle, std::string(least - 1, 'x')) == SendResult::accepted);
  CHECK(next_message(*client, false) == std::string(least - 1, 'x'));
  CHECK(server.send(handle, std::string(least, 'x')) == SendResult::accepted);
  CHECK(next_message(*client, true) == std::string(least, 'x'));
}

TEST_CASE("many messages of one turn arrive in their order, compressed and not", "[deflate]") {
  RecordingServer server;
  auto plain = open(server, {});
  auto packed = open(server);
  constexpr std::size_t count = 40;
  server.on_io_thread([&] {
    for (std::size_t i = 0; i < count; ++i) {
      const auto text = std::to_string(i) + (i % 3 == 0 ? "" : order_like(400 + i));
      server.send_to_all({packed.handle, plain.handle}, text);
      if (i % 4 == 0) server.send(packed.handle, "alone " + std::to_string(i));
    }
  });
  for (std::size_t i = 0; i < count; ++i) {
    const auto text = std::to_string(i) + (i % 3 == 0 ? "" : order_like(400 + i));
    CHECK(next_message(*plain.client, false) == text);
    CHECK(next_message(*packed.client, i % 3 != 0) == text);
    if (i % 4 == 0) CHECK(next_message(*packed.client, false) == "alone " + std::to_string(i));
  }
}

TEST_CASE("a client that stops reading gets the rest compressed, and bytes count as they are sent",
          "[deflate]") {
  RecordingServer::Setup setup;
  setup.options.high_water_bytes = 200'000;
  setup.accept.max_kernel_unsent_bytes = 4096;
  RecordingServer server(std::move(setup));
  WsClient client;
  REQUIRE(client.connect(host, server.port(), "/ws", offer, default_timeout, 4096));
  const auto handle = server.opened();
  const auto order = order_like(8000);
  const auto accepted = server.send_until_backpressure(handle, order);
  // Each takes at most an eighth less than its bytes, or it would not have been compressed.
  CHECK(accepted > 200'000 / (order.size() - order.size() / 8));
  CHECK(server.buffered_bytes(handle) >= 200'000);
  for (std::size_t i = 0; i < accepted; ++i) REQUIRE(next_message(client, true) == order);
}
