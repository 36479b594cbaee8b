// SPDX-License-Identifier: MIT
// Attacks on subscriptions, look-ups, broadcasts and the queues of slow readers.
#include "field.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace ordercast::bench {
namespace {

using std::chrono::milliseconds;

std::string subscribe(const std::string& id) {
  return text_frame(R"({"type":"subscribe","orderId":")" + id + R"(","since":0})");
}
std::string unsubscribe(const std::string& id) {
  return text_frame(R"({"type":"unsubscribe","orderId":")" + id + R"("})");
}

/// Changes the status of one order a call, until each is delivered.
class Mover {
 public:
  explicit Mover(std::vector<std::string> ids) : ids_(std::move(ids)), stages_(ids_.size()) {}

  void move(Field& field) {
    constexpr std::array<const char*, 5> way{"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY",
                                             "DELIVERED"};
    if (ids_.empty()) return;
    const auto i = next_++ % ids_.size();
    if (stages_[i] == way.size()) return;
    auto wire = field.connect();
    wire.send(Field::request("PATCH", "/api/v1/orders/" + ids_[i] + "/status",
                             field.admin(next_ % 4),
                             R"({"status":")" + std::string(way[stages_[i]]) + "\"}"));
    if (!wire.wait(2'000) || wire.read(12) != "HTTP/1.1 200") return;
    ++stages_[i];
    field.note("changes");
  }

 private:
  std::vector<std::string> ids_;
  std::vector<std::size_t> stages_;
  std::size_t next_ = 0;
};

std::vector<std::string> orders_of(Field& field, std::size_t customers) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < customers; ++i) {
    for (auto& id : field.place_orders(i, 50)) ids.push_back(std::move(id));
  }
  return ids;
}

/// Subscribes and unsubscribes at the rate limit.
void subscribe_churn(Field& field) {
  const auto ids = orders_of(field, 2);
  auto wires = field.sockets(40, &Field::admin);
  for (std::size_t i = 0; !field.over() && !wires.empty() && !ids.empty(); ++i, field.pace(1'500)) {
    auto& wire = wires[i % wires.size()];
    const auto turn = i / wires.size();
    const auto& id = ids[turn / 2 % ids.size()];
    if (wire.send()) wire.send(turn % 2 == 0 ? subscribe(id) : unsubscribe(id));
    wire.drop_input();
    field.note("messages");
  }
}

/// The same with as many orders a message as fit.
void batch_churn(Field& field) {
  auto ids = orders_of(field, 2);
  ids.resize(std::min<std::size_t>(ids.size(), 75));
  std::string entries;
  for (const auto& id : ids) entries += R"({"orderId":")" + id + R"("},)";
  if (entries.empty()) return;
  entries.back() = ']';
  const auto batch = [&](const char* type) {
    return text_frame(R"({"type":")" + std::string(type) + R"(","orders":[)" + entries + "}");
  };
  const auto in = batch("subscribe");
  const auto out = batch("unsubscribe");
  auto wires = field.sockets(40, &Field::admin);
  for (std::size_t i = 0; !field.over() && !wires.empty(); ++i, field.pace(1'500)) {
    auto& wire = wires[i % wires.size()];
    if (wire.send()) wire.send(i / wires.size() % 2 == 0 ? in : out);
    wire.drop_input();
    field.note("messages");
  }
}

/// Every connection asks for unknown orders up to the abuse limit, then reconnects.
void unknown_orders(Field& field) {
  std::size_t made_up = 0;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(150)) {
    auto wire = field.connect();
    if (!wire.upgrade(field.stranger(i % 3'000))) continue;
    std::string many;
    for (int n = 0; n < 99; ++n) many += subscribe("unknown-" + std::to_string(++made_up));
    wire.send(many);
    field.note("subscriptions", 99);
  }
}

/// The same on connections that stay and read their answers.
void unknown_held(Field& field) {
  auto wires = field.sockets(1'000, &Field::stranger);
  std::size_t made_up = 0;
  for (auto& wire : wires) {
    std::string many;
    for (int n = 0; n < 90; ++n) many += subscribe("unknown-" + std::to_string(++made_up));
    wire.send(many);
    field.note("subscriptions", 90);
    if (field.over()) break;
    field.pace(1'000);
  }
  for (std::size_t i = 0; !field.over() && !wires.empty(); ++i, field.pace(2'000)) {
    wires[i % wires.size()].drop_input();
  }
}

/// Requests snapshots of large orders at the rate limit.
void snapshots(Field& field) {
  const auto ids = orders_of(field, 1);
  auto wires = field.sockets(20, &Field::admin);
  for (std::size_t i = 0; !field.over() && !wires.empty() && !ids.empty(); ++i, field.pace(800)) {
    auto& wire = wires[i % wires.size()];
    if (wire.send()) wire.send(subscribe(ids[i % ids.size()]));
    wire.drop_input();
    field.note("subscriptions");
  }
}

/// One order, a thousand sockets.
void one_order(Field& field) {
  auto ids = orders_of(field, 1);
  if (ids.empty()) return;
  auto wires = field.sockets(1'000, &Field::stranger);
  const auto staff = field.sockets(200, &Field::admin);
  wires.clear();
  wires = field.sockets(1'000, &Field::admin);
  for (auto& wire : wires) wire.send(subscribe(ids[0]));
  Mover mover({ids.begin(), ids.begin() + 1});
  for (std::size_t i = 0; !field.over(); ++i, field.pace(200)) {
    if (i % 100 == 0) mover.move(field);
    for (std::size_t n = 0; n < 50; ++n) wires[(i * 50 + n) % wires.size()].drop_input();
  }
}

/// Watches 100 large orders with each socket, and reads a few bytes at a time.
void slow_readers(Field& field, std::size_t count, std::size_t bytes, milliseconds pause) {
  const auto ids = orders_of(field, 2);
  auto wires = field.sockets(count, &Field::admin, 2'048);
  for (auto& wire : wires) {
    for (const auto& id : ids) wire.send(subscribe(id));
  }
  Mover mover(ids);
  auto next_read = Field::Clock::now();
  for (; !field.over(); field.pace(30)) {
    mover.move(field);
    if (Field::Clock::now() < next_read) continue;
    next_read = Field::Clock::now() + pause;
    for (auto& wire : wires) field.note("bytes", wire.read(bytes).size());
    field.note("ended", drop_ended(wires));
  }
}
void one_byte_readers(Field& field) {
  slow_readers(field, 200, 1, milliseconds(1'000));
}
void zero_windows(Field& field) {
  slow_readers(field, 300, 1, milliseconds(5'000));
}
void steady_slow_readers(Field& field) {
  slow_readers(field, 300, 2'000, milliseconds(250));
}

/// Answers pings but reads none of its data.
void alive_and_deaf(Field& field) {
  const auto ids = orders_of(field, 2);
  auto wires = field.sockets(200, &Field::admin, 2'048);
  for (auto& wire : wires) {
    for (const auto& id : ids) wire.send(subscribe(id));
  }
  Mover mover(ids);
  for (std::size_t i = 0; !field.over() && !wires.empty(); ++i, field.pace(400)) {
    if (i % 20 == 0) mover.move(field);
    wires[i % wires.size()].send(frame(Opcode::pong, ""));
    field.note("pongs");
    if (i % 400 == 0) field.note("ended", drop_ended(wires));
  }
}

/// Staff who read nothing, for whom every change is a hint.
void hints_unread(Field& field) {
  const auto ids = orders_of(field, 2);
  auto wires = field.sockets(1'000, &Field::admin, 2'048);
  Mover mover(ids);
  for (std::size_t i = 0; !field.over(); ++i, field.pace(40)) {
    mover.move(field);
    if (i % 40 == 0) field.note("ended", drop_ended(wires));
  }
}

/// The same with staff who connect, get hints and leave.
void hints_left(Field& field) {
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(400)) {
    if (wires.size() >= 400) wires.erase(wires.begin(), wires.begin() + 20);
    auto wire = field.connect(0, 2'048);
    wire.send(Wire::handshake(field.admin(i % 1'000)));
    wires.push_back(std::move(wire));
    field.note("sockets");
  }
}

/// Fills the queues of slow connections, drains them, and fills them again.
void fill_and_drain(Field& field) {
  const auto ids = orders_of(field, 2);
  auto wires = field.sockets(100, &Field::admin, 2'048);
  Mover mover(ids);
  for (std::size_t round = 0; !field.over() && !wires.empty(); ++round) {
    for (auto& wire : wires) {
      for (const auto& id : ids) wire.send(round % 2 == 0 ? subscribe(id) : unsubscribe(id));
    }
    for (int i = 0; i < 20 && !field.over(); ++i, field.pace(30)) mover.move(field);
    if (round % 3 == 2) {
      for (int i = 0; i < 10; ++i) {
        for (auto& wire : wires) field.note("bytes", wire.drop_input());
      }
    }
    field.note("rounds");
    field.note("ended", drop_ended(wires));
  }
}

}  // namespace

std::vector<Attack> attacks_on_queues() {
  return {
      {"subscribe-churn", "40 sockets subscribe and unsubscribe at the rate limit.",
       &subscribe_churn},
      {"batch-churn", "The same with 75 orders in each message.", &batch_churn},
      {"unknown-orders", "99 unknown orders on each of 150 connections a second.", &unknown_orders},
      {"unknown-held", "90 unknown orders on each of 1,000 connections, at once.", &unknown_held},
      {"snapshots", "800 snapshots of large orders a second.", &snapshots},
      {"one-order", "An order with 1,000 watchers changes again and again.", &one_order},
      {"one-byte-readers", "200 sockets with 100 large orders each read a byte a second.",
       &one_byte_readers},
      {"zero-windows", "300 such sockets read a byte every five seconds.", &zero_windows},
      {"steady-slow-readers", "300 such sockets read 8 kB a second.", &steady_slow_readers},
      {"alive-and-deaf", "200 such sockets send pongs and read nothing.", &alive_and_deaf},
      {"hints-unread", "1,000 staff sockets read no hints, with 60 changes a second.",
       &hints_unread},
      {"hints-left", "400 staff sockets a second connect and leave while hints come.", &hints_left},
      {"fill-and-drain", "Fills, drains and refills the queues of slow readers.", &fill_and_drain},
  };
}

}  // namespace ordercast::bench
