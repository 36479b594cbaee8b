// SPDX-License-Identifier: MIT
// Attacks on what the process depends on: its database, its signals, its log, its end.
#include "../../tests/integration/sqlite_lock.hpp"
#include "field.hpp"

#include <signal.h>
#include <sqlite3.h>

#include <array>
#include <exception>
#include <string>

namespace ordercast::bench {
namespace {

using std::chrono::milliseconds;

/// Locks the database for `held` again and again, as operators' tools and backups do by mistake.
template <class Lock>
void lock_database(Field& field, milliseconds held) {
  while (!field.over()) {
    try {
      const Lock lock(field.database);
      field.note("locks");
      field.rest(held);
    } catch (const std::exception&) {
      field.note("locks not obtained");
    }
    field.rest(milliseconds(2'000));
  }
}
void locked_database(Field& field) {
  lock_database<test::SqliteLock>(field, milliseconds(2'000));
}
/// Locks readers out as well.
void locked_log(Field& field) {
  lock_database<test::SqliteTotalLock>(field, milliseconds(1'000));
}

/// Keeps a read transaction open while orders change.
void long_reader(Field& field) {
  sqlite3* reader = nullptr;
  if (sqlite3_open(field.database.c_str(), &reader) != SQLITE_OK) return;
  sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM orders;", nullptr, nullptr, nullptr);
  const std::string body =
      R"({"storeId":"store-1","paymentMethod":"COD","fulfillmentType":"PICKUP",)"
      R"("note":")" +
      std::string(900, 'n') + R"(","items":[{"productId":"product-1-rice","quantity":1}]})";
  std::uintmax_t most = 0;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(150)) {
    auto wire = field.connect();
    wire.send(Field::request("POST", "/api/v1/orders", field.customer(i), body));
    wire.wait(50);
    std::error_code gone;
    most = std::max(most, std::filesystem::file_size(field.database.string() + "-wal", gone));
    field.note("orders");
  }
  field.note("KiB of log at most", most / 1'024);
  sqlite3_close(reader);
}

/// Sends all harmless signals, and SIGHUP.
void signals(Field& field) {
  constexpr std::array<int, 8> harmless{SIGHUP,   SIGUSR1, SIGUSR2, SIGPIPE,
                                        SIGWINCH, SIGCONT, SIGCHLD, SIGURG};
  for (std::size_t i = 0; !field.over(); ++i, field.pace(1'000)) {
    ::kill(field.server, harmless[i % harmless.size()]);
    field.note("signals");
  }
}

/// Stops and continues the process, so that it seems to hang for a moment.
void stopped(Field& field) {
  auto wires = field.sockets(500, &Field::stranger);
  while (!field.over()) {
    ::kill(field.server, SIGSTOP);
    field.rest(milliseconds(500));
    ::kill(field.server, SIGCONT);
    field.note("stops");
    field.rest(milliseconds(2'000));
    for (auto& wire : wires) wire.drop_input();
    field.note("ended", drop_ended(wires));
  }
  ::kill(field.server, SIGCONT);
}

/// Makes the server log as much as possible while nobody reads its log.
void log_lines(Field& field) {
  const std::string body = R"({"event":"payment.captured"})";
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(500)) {
    if (wires.size() > 100) wires.erase(wires.begin());
    if (i % 50 == 0) ::kill(field.server, SIGHUP);  // logs that there is no certificate
    wires.push_back(field.connect());
    wires.back().send(i % 2 == 0 ? Field::request("POST", "/api/v1/payments/webhook", "", body)
                                 : Wire::handshake("\x01\x02" + std::string(500, '\x7f')));
    field.note("requests");
  }
}

/// A bit of everything, with all connections held.
void mixture(Field& field) {
  const auto list = Field::request("GET", "/api/v1/orders?pageSize=100", field.customer(0));
  auto sockets = field.sockets(400, &Field::admin, 2'048);
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(400)) {
    if (wires.size() >= 1'500) wires.erase(wires.begin(), wires.begin() + 50);
    wires.push_back(field.connect(0, 2'048));
    auto& wire = wires.back();
    switch (i % 5) {
      case 0:
        wire.send(list + list + list);
        break;
      case 1:
        wire.send(Wire::handshake(field.stranger(i)));
        break;
      case 2:
        wire.send(
            "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            "60000\r\n\r\n{");
        break;
      case 3:
        wire.send(
            Field::request("POST", "/api/v1/auth/login", "", R"({"email":"a","password":"b"})"));
        break;
      default:
        if (!sockets.empty()) sockets[i % sockets.size()].send(text_frame(R"({"type":"ping"})"));
        break;
    }
    field.note("connections");
  }
}
/// Continues until the server has ended.
void mixture_in_drain(Field& field) {
  field.until += std::chrono::seconds(20);
  mixture(field);
}

}  // namespace

std::vector<Attack> attacks_on_the_process() {
  using Setting = Attack::Setting;
  return {
      {"locked-database", "Another process holds the write lock for 2 of every 4 seconds.",
       &locked_database},
      {"locked-log", "Another process locks out all readers for 1 of every 3 seconds.",
       &locked_log},
      {"long-reader", "A read transaction stays open while 150 orders a second are placed.",
       &long_reader},
      {"signals", "1,000 harmless signals a second, SIGHUP among them.", &signals},
      {"stopped", "SIGSTOP for 0.5 of every 2.5 seconds, with 500 sockets.", &stopped},
      {"full-stderr",
       "Nobody reads the log while the server logs as much as possible.",
       &log_lines,
       {},
       Setting::full_stderr},
      {"mixture", "Lists, handshakes, bodies, logins and pings; answers are not read.", &mixture},
      {"drain", "The same, and SIGTERM in the middle.", &mixture_in_drain, {}, Setting::drains},
      {"drain-full-house",
       "SIGTERM with 3,000 sockets that read nothing.",
       [](Field& field) {
         field.until += std::chrono::seconds(20);
         const auto wires = field.sockets(3'000, &Field::admin, 2'048);
         field.rest(std::chrono::hours(1));
       },
       {},
       Setting::drains},
  };
}

}  // namespace ordercast::bench
