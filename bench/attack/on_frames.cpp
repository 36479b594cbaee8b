// SPDX-License-Identifier: MIT
// Attacks on WebSockets: frames, closes, floods and the deadlines of pings.
#include "field.hpp"

#include <functional>
#include <string>

namespace ordercast::bench {
namespace {

using std::chrono::milliseconds;

constexpr const char* ping_text = R"({"type":"ping"})";

/// Keeps `count` sockets open and calls `act` on one after another.
void each_socket(Field& field, std::size_t count, double per_second,
                 const std::function<void(Wire&, std::size_t turn)>& act, bool read = true) {
  auto wires = field.sockets(count, &Field::stranger);
  for (std::size_t i = 0; !field.over(); ++i, field.pace(per_second)) {
    if (wires.size() < count && i % 4 == 0) {
      field.note("ended", drop_ended(wires));
      auto wire = field.connect();
      if (wire.upgrade(field.stranger(i % 5'000))) wires.push_back(std::move(wire));
    }
    if (wires.empty()) continue;
    auto& wire = wires[i % wires.size()];
    if (wire.send()) act(wire, i);
    if (read) wire.drop_input();
    if (!wire.open()) field.note("ended", drop_ended(wires));
  }
}

void one_byte_frames(Field& field) {
  const auto whole = text_frame(ping_text);
  each_socket(field, 300, 2'000, [&](Wire& wire, std::size_t turn) {
    wire.send(whole.substr(turn / 300 % whole.size(), 1));
    field.note("bytes");
  });
}

/// A message of endless empty fragments: it never reaches a byte limit.
void empty_fragments(Field& field) {
  std::string many;
  for (int i = 0; i < 500; ++i) many += frame(Opcode::continuation, "", false);
  each_socket(field, 20, 200, [&](Wire& wire, std::size_t turn) {
    if (turn < 20) wire.send(frame(Opcode::text, "{", false));
    wire.send(many);
    field.note("fragments", 500);
  });
}

void endless_messages(Field& field) {
  const auto first = frame(Opcode::text, std::string(2'000, ' '), false);
  const auto next = frame(Opcode::continuation, std::string(100, ' '), false);
  each_socket(field, 1'000, 1'000, [&](Wire& wire, std::size_t turn) {
    wire.send(turn < 1'000 ? first : next);
    field.note("fragments");
  });
}

void pings(Field& field, Opcode opcode, bool read) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += frame(opcode, std::string(125, 'p'));
  each_socket(
      field, 50, 200,
      [&](Wire& wire, std::size_t) {
        wire.send(many);
        field.note("frames", 100);
      },
      read);
}
void ping_flood(Field& field) {
  pings(field, Opcode::ping, true);
}
void pings_unread(Field& field) {
  pings(field, Opcode::ping, false);
}
void pong_flood(Field& field) {
  pings(field, Opcode::pong, false);
}

/// Stays below every rate limit and reads nothing.
void polite_unread(Field& field) {
  auto wires = std::vector<Wire>();
  for (std::size_t i = 0; i < 1'000 && !field.over(); ++i) {
    auto wire = field.connect(0, 2'048);
    if (wire.upgrade(field.stranger(i))) wires.push_back(std::move(wire));
  }
  const auto ping = text_frame(ping_text);
  for (std::size_t i = 0; !field.over() && !wires.empty(); ++i, field.pace(8'000)) {
    auto& wire = wires[i % wires.size()];
    wire.send(i % 2 == 0 ? ping : frame(Opcode::ping, "x"));
    field.note("messages");
  }
}

/// Breaks the protocol in many ways; each costs a handshake.
void broken_frames(Field& field) {
  const std::vector<std::string> bad = {
      std::string("\xC1\x83", 2) + "mask" + "abc",  // RSV1: compressed, not agreed
      std::string("\x81\x03", 2) + "abc",           // not masked
      std::string("\x83\x80", 2) + "mask",          // a reserved opcode
      std::string("\x80\x80", 2) + "mask",          // continues nothing
      std::string("\x09\x80", 2) + "mask",          // a ping in fragments
      std::string("\x89\xFE\x00\x7E", 4) + "mask",  // a ping that is too long
      std::string("\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10) + "mask",  // 2^64 - 1 bytes
      std::string("\x81\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10) + "mask",
      std::string("\x88\x81", 2) + "mask" + "m",  // a close of one byte
      frame(Opcode::text, "\xFF\xFE"),            // not UTF-8
      frame(Opcode::binary, "x"),
      frame(Opcode::close, std::string("\x03\xEC", 2)),  // 1004
      frame(Opcode::text, std::string(60'000, 'x')),
      frame(Opcode::text, "x", false) + frame(Opcode::text, "x")};
  for (std::size_t i = 0; !field.over(); ++i, field.pace(500)) {
    auto wire = field.connect();
    wire.send(Wire::handshake(field.stranger(i % 1'000)) + bad[i % bad.size()]);
    wire.wait(20);
    field.note("connections");
  }
}

/// Sends texts that may break a decoder, and keeps using the connections.
void broken_texts(Field& field) {
  const std::vector<std::string> bad = {
      std::string(4'000, '['),
      R"({"type":"subscribe"})",
      R"({"type":"subscribe","orderId":""})",
      R"({"type":"subscribe","orderId":")" + std::string(3'900, 'x') + "\"}",
      R"({"type":"subscribe","orderId":"a","since":1e400})",
      R"({"type":"nothing"})",
      R"({"type":"subscribe","orderId":"a","since":-1,"type":"ping"})",
      "",
      "null",
      "{\"type\":\"subscribe\",\"orderId\":\"" + std::string(128, '\x01') + "\"}"};
  each_socket(field, 100, 1'500, [&](Wire& wire, std::size_t turn) {
    wire.send(text_frame(bad[turn % bad.size()]));
    field.note("texts");
  });
}

void message_flood(Field& field) {
  std::string many;
  for (int i = 0; i < 300; ++i) many += text_frame(ping_text);
  each_socket(field, 50, 100, [&](Wire& wire, std::size_t) {
    wire.send(many);
    field.note("messages", 300);
  });
}

/// Every socket sends its whole burst at the same moment.
void bursts_together(Field& field) {
  auto wires = field.sockets(2'000, &Field::stranger);
  std::string burst;
  for (int i = 0; i < 190; ++i) burst += text_frame(ping_text);
  while (!field.over()) {
    for (auto& wire : wires) wire.send(burst);
    field.note("bursts");
    for (int i = 0; i < 200 && !field.over(); ++i) {
      for (auto& wire : wires) wire.drop_input();
      field.rest(milliseconds(25));
    }
    field.note("ended", drop_ended(wires));
  }
}

/// Clients that send after their close, never answer a close, or leave in mid-frame.
void bad_ends(Field& field) {
  const auto close = frame(Opcode::close, std::string("\x03\xE8", 2));
  std::vector<Wire> held;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(600)) {
    if (held.size() >= 3'000) held.erase(held.begin(), held.begin() + 100);
    auto wire = field.connect();
    wire.send(Wire::handshake(field.stranger(i % 2'000)));
    wire.wait(50);
    wire.read();
    switch (i % 4) {
      case 0:
        wire.send(close + text_frame(ping_text) + close);
        held.push_back(std::move(wire));
        break;
      case 1:
        wire.send(frame(Opcode::binary, "x"));  // 1003, never answered
        held.push_back(std::move(wire));
        break;
      case 2:
        wire.send(text_frame(std::string(200, ' ')).substr(0, 50));
        break;
      default:
        wire.shut();
        held.push_back(std::move(wire));
        break;
    }
    field.note("connections");
  }
}

/// Thousands connect at the same moment, so that their pings and deadlines coincide. Half never
/// answer.
void pings_together(Field& field) {
  while (!field.over()) {
    auto wires = field.sockets(3'000, &Field::stranger);
    std::vector<std::size_t> still;
    for (int round = 0; round < 8 && !field.over(); ++round) {
      field.rest(milliseconds(500));
      for (std::size_t i = 0; i < wires.size(); ++i) {
        const auto input = wires[i].read(4'096);
        if (i % 2 == 0 && !input.empty()) {
          wires[i].send(
              frame(Opcode::pong, input.substr(2, input.size() > 2 ? input[1] & 0x7F : 0)));
          field.note("pongs");
        }
      }
    }
    field.note("ended", drop_ended(wires));
  }
}

/// The same, after the server has just sent all of them an answer that they don't read.
void deadlines_together(Field& field) {
  const auto subscribe = text_frame(R"({"type":"subscribe","orderId":"nothing"})");
  while (!field.over()) {
    auto wires = field.sockets(2'000, &Field::stranger);
    for (auto& wire : wires) wire.send(subscribe);
    field.rest(milliseconds(4'500));
    field.note("rounds");
  }
}

}  // namespace

std::vector<Attack> attacks_on_frames() {
  const std::vector<std::string> quick = {"--ping-seconds",        "1", "--pong-seconds", "1",
                                          "--write-stall-seconds", "2"};
  return {
      {"one-byte-frames", "300 sockets send frames byte by byte, 2,000 bytes a second.",
       &one_byte_frames},
      {"empty-fragments", "Messages of endless empty fragments, 100,000 a second.",
       &empty_fragments},
      {"endless-messages", "1,000 sockets with endless messages below the size limit.",
       &endless_messages},
      {"ping-flood", "20,000 pings a second on 50 sockets, answers read.", &ping_flood},
      {"pings-unread", "The same, nothing read.", &pings_unread},
      {"pong-flood", "20,000 pongs a second that answer nothing.", &pong_flood},
      {"polite-unread", "1,000 sockets stay below the rate limits and read nothing.",
       &polite_unread},
      {"broken-frames", "Fourteen ways to break the protocol, 500 handshakes a second.",
       &broken_frames},
      {"broken-texts", "Invalid messages, 1,500 a second, until 1008.", &broken_texts},
      {"message-flood", "Messages far above the rate limit, until 1008.", &message_flood},
      {"bursts-together", "2,000 sockets send their burst of 190 messages at once.",
       &bursts_together},
      {"bad-ends", "Data after a close, unanswered closes, resets in mid-frame, half-closes.",
       &bad_ends},
      {"pings-together", "3,000 sockets whose pings coincide; half never answer.", &pings_together,
       quick},
      {"deadlines-together", "2,000 sockets with unread answers whose deadlines coincide.",
       &deadlines_together, quick},
  };
}

}  // namespace ordercast::bench
