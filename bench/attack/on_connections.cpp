// SPDX-License-Identifier: MIT
// Attacks on the table of connections, on handshakes and on their deadlines.
#include "field.hpp"

#include <functional>
#include <string>

namespace ordercast::bench {
namespace {

using std::chrono::milliseconds;

/// A control: any difference is noise.
void nothing(Field& field) {
  field.rest(std::chrono::hours(1));
}

/// Another control: keeps a processor busy without touching the server.
void spin(Field& field) {
  while (!field.over()) field.note("turns");
}

void connect_reset(Field& field) {
  for (; !field.over(); field.pace(2'000)) {
    field.connect().close();
    field.note("connections");
  }
}

/// Holds connections from many addresses without sending anything.
void hold_silent(Field& field, std::uint32_t first_source, std::size_t most) {
  std::vector<Wire> held;
  for (std::uint32_t i = 0; !field.over(); ++i, field.pace(1'000)) {
    if (held.size() >= most) held.erase(held.begin(), held.begin() + 100);
    held.push_back(field.connect(first_source + i % 60'000));
    field.note(held.back().open() ? "connections" : "not connected");
  }
}
void silent(Field& field) {
  hold_silent(field, 0x7F000002, 8'000);
}
void silent_of_addresses(Field& field) {
  hold_silent(field, 0x0A4D0001, 8'000);
}

/// Sends handshakes and logins from 60,000 addresses: each takes an entry in the tables by address.
void many_addresses(Field& field) {
  const auto login = Field::request("POST", "/api/v1/auth/login", "", R"({"email":"x"})");
  for (std::uint32_t i = 0; !field.over(); ++i, field.pace(1'500)) {
    auto wire = field.connect(0x0A4D0001 + i % 60'000);
    wire.send(i % 2 == 0 ? Wire::handshake("x") : login);
    wire.wait(5);
    field.note("requests");
  }
}

/// One address takes as many connections as it can get.
void one_address(Field& field) {
  std::vector<Wire> held;
  for (; !field.over(); field.pace(1'500)) {
    auto wire = field.connect(0x0A4D0505);
    if (field.notes["handshakes"] % 2 == 0) {
      wire.send(Wire::handshake(field.stranger(held.size() / 20)));
      wire.wait(5);
    }
    held.push_back(std::move(wire));
    field.note("handshakes");
    if (held.size() > 6'000) held.clear();
  }
}

/// Sends `text` at a byte a second over each of many connections, and replaces closed ones.
void drip(Field& field, std::size_t count, const std::function<std::string(std::size_t)>& text) {
  std::vector<Wire> wires;
  for (std::size_t at = 0; !field.over(); ++at) {
    field.note("ended", drop_ended(wires));
    while (wires.size() < count && !field.over()) {
      wires.push_back(field.connect());
      wires.back().send(text(wires.size()).substr(0, 40));
      field.note("connections");
    }
    for (std::size_t i = 0; i < wires.size(); ++i) {
      const auto whole = text(i);
      wires[i].send(whole.substr(40 + at % (whole.size() - 40), 1));
      wires[i].drop_input();
    }
    field.rest(milliseconds(1'000));
  }
}
void slow_heads(Field& field) {
  drip(field, 3'000, [](std::size_t) {
    return "GET /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + std::string(400, 'x');
  });
}
void slow_bodies(Field& field) {
  drip(field, 3'000, [](std::size_t i) {
    return std::string(i % 2 == 0 ? "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\n"
                                    "Content-Length: 60000\r\n\r\n"
                                  : "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\n"
                                    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n1;ext=") +
           std::string(400, 'y');
  });
}

/// Sends a part of a handshake on each connection, then nothing.
void half_handshakes(Field& field) {
  const auto whole = Wire::handshake(field.customer(0));
  std::vector<Wire> held;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(1'000)) {
    if (held.size() >= 8'000) held.erase(held.begin(), held.begin() + 100);
    held.push_back(field.connect());
    held.back().send(whole.substr(0, i * 7 % whole.size()));
    field.note("connections");
  }
}

/// Sends a request, shuts its sending side down, and reads nothing.
void half_closed(Field& field) {
  const auto list = Field::request("GET", "/api/v1/orders?pageSize=100", field.customer(0));
  std::vector<Wire> held;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(500)) {
    if (held.size() >= 3'000) held.erase(held.begin(), held.begin() + 100);
    held.push_back(field.connect(0, 2'048));
    auto& wire = held.back();
    wire.send(i % 3 == 0   ? list
              : i % 3 == 1 ? Wire::handshake(field.stranger(i))
                           : Wire::handshake(field.stranger(i)).substr(0, 60));
    wire.shut();
    field.note("connections");
  }
}

/// Sends whole handshakes and resets the connection when the answer comes, or before.
void handshakes(Field& field) {
  for (std::size_t i = 0; !field.over(); ++i, field.pace(600)) {
    auto wire = field.connect();
    wire.send(Wire::handshake(field.stranger(i % 500)));
    if (i % 2 == 0) wire.wait(100);
    field.note("handshakes");
  }
}

/// Handshakes with invalid tokens: the server closes with 4001, and the client never answers.
void bad_tokens(Field& field) {
  std::vector<Wire> held;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(600)) {
    if (held.size() >= 4'000) held.erase(held.begin(), held.begin() + 100);
    held.push_back(field.connect());
    held.back().send(
        Wire::handshake(field.customer(0).substr(0, 30 + i % 100) + std::string(i % 3'000, 'A')));
    field.note("handshakes");
  }
}

/// Opens more connections of a user than allowed: the server closes with 4008, and the client never
/// does.
void too_many_of_a_user(Field& field) {
  std::vector<Wire> held;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(600)) {
    if (held.size() >= 4'000) held.erase(held.begin() + 20, held.begin() + 120);
    held.push_back(field.connect());
    held.back().send(Wire::handshake(field.customer(0)));
    field.note("handshakes");
  }
}

/// Thousands of clients connect, subscribe and leave at once, again and again.
void crowds(Field& field) {
  const auto unknown = text_frame(R"({"type":"subscribe","orderId":"nothing"})");
  while (!field.over()) {
    auto crowd = field.sockets(2'500, &Field::stranger);
    for (auto& wire : crowd) wire.send(unknown);
    field.rest(milliseconds(500));
    for (auto& wire : crowd) wire.drop_input();
    crowd.clear();
    field.note("crowds");
    field.rest(milliseconds(1'500));
  }
}

/// Holds keep-alive connections up to the connection limit; none is silent for long.
void idle_keep_alive(Field& field) {
  const auto request = Field::request("GET", "/healthz", "");
  std::vector<Wire> held;
  while (!field.over()) {
    field.note("ended", drop_ended(held));
    for (int i = 0; i < 200; ++i) {
      held.push_back(field.connect());
      held.back().send(request);
      field.note("connections");
    }
    for (auto& wire : held) wire.drop_input();
    field.rest(milliseconds(200));
  }
}

/// The same with WebSockets of many users.
void full_house(Field& field) {
  auto wires = field.sockets(1'940, &Field::stranger);
  for (; !field.over(); field.pace(300)) {
    auto late = field.connect();
    late.send(Wire::handshake(field.stranger(5'000)).substr(0, 20));
    late.wait(5);
    field.note("latecomers");
    field.note("ended", drop_ended(wires));
  }
}

}  // namespace

std::vector<Attack> attacks_on_connections() {
  using Setting = Attack::Setting;
  const std::vector<std::string> small = {"--max-connections", "2000"};
  return {
      {"nothing", "Nothing: the control.", &nothing},
      {"spin", "A thread that keeps a processor busy: another control.", &spin},
      {"connect-reset", "Connects and resets at once, 2,000 times a second.", &connect_reset},
      {"silent", "Holds 8,000 silent connections from 60,000 loopback addresses.", &silent},
      {"silent-addresses",
       "The same from non-loopback addresses.",
       &silent_of_addresses,
       {},
       Setting::addresses},
      {"many-addresses",
       "Handshakes and logins from 60,000 non-loopback addresses.",
       &many_addresses,
       {},
       Setting::addresses},
      {"one-address",
       "One non-loopback address holds as many handshakes and sockets as it gets.",
       &one_address,
       {},
       Setting::addresses},
      {"slow-heads", "3,000 requests whose head arrives at a byte a second.", &slow_heads},
      {"slow-bodies", "3,000 requests whose body, chunked or not, arrives at a byte a second.",
       &slow_bodies},
      {"half-handshakes", "Holds handshakes that stop at every possible byte.", &half_handshakes},
      {"half-closed", "Requests and handshakes followed by a half-close; answers never read.",
       &half_closed},
      {"handshakes", "Good handshakes that are reset at once.", &handshakes},
      {"bad-tokens", "Handshakes with bad tokens; the close with 4001 is never answered.",
       &bad_tokens},
      {"4008", "Handshakes of one user far above the limit; the close with 4008 is never answered.",
       &too_many_of_a_user},
      {"crowds", "2,500 sockets connect and leave at once, again and again.", &crowds},
      {"idle", "Keep-alive connections beyond the connection limit, idle after one request.",
       &idle_keep_alive, small},
      {"full-house", "Sockets take almost all connections; newcomers send incomplete handshakes.",
       &full_house, small},
  };
}

}  // namespace ordercast::bench
