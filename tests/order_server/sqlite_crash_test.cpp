// SPDX-License-Identifier: MIT
#include "domain/order_json.hpp"
#include "domain/transitions.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <string>

namespace order_server {
namespace {

enum class Stage : std::uint8_t { decided, committed };

/// What the child tells over the pipe; small enough to be written in one piece.
struct Report {
  Stage stage{};
  std::array<char, 24> order_id{};
  std::uint64_t version = 0;
};

using Versions = std::map<std::string, std::uint64_t>;

void tell(int pipe, Stage stage, const std::string& id, std::uint64_t version) {
  Report report;
  report.stage = stage;
  id.copy(report.order_id.data(), report.order_id.size() - 1);
  report.version = version;
  if (write(pipe, &report, sizeof report) != sizeof report) _exit(3);
}

/// Places orders and moves each to its end, telling of every step, until it is killed.
[[noreturn]] void work_until_killed(const std::string& file, int pipe, int round) {
  try {
    SqliteStore store(options_for(file));
    for (int i = 0; i < 10'000; ++i) {
      const std::string id = "o-" + std::to_string(round) + "-" + std::to_string(i);
      tell(pipe, Stage::decided, id, 1);
      store.create_order(sample_order(id));
      tell(pipe, Stage::committed, id, 1);
      for (const OrderStatus to :
           {OrderStatus::confirmed, OrderStatus::preparing, OrderStatus::ready,
            OrderStatus::out_for_delivery, OrderStatus::delivered}) {
        const ChangeResult result = store.change_order(
            id,
            [&](const Order& order) {
              tell(pipe, Stage::decided, id, order.version + 1);
              return decide_status(order, to);
            },
            2000);
        tell(pipe, Stage::committed, id, result.order->version);
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "the child failed: %s\n", error.what());
  }
  _exit(2);
}

struct Child {
  pid_t pid = -1;
  int pipe = -1;
};

Child start_child(const std::string& file, int round) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    close(ends[0]);
    work_until_killed(file, ends[1], round);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

/// Reads `kill_at` reports, kills the child while it goes on working, and takes note of what it had
/// told before it died. Returns whether it lived until then.
bool run_and_kill(const Child& child, int kill_at, Versions& told) {
  Report report;
  int count = 0;
  bool was_killed = false;
  while (read(child.pipe, &report, sizeof report) == sizeof report) {
    if (report.stage == Stage::committed) told[report.order_id.data()] = report.version;
    if (++count == kill_at) was_killed = kill(child.pid, SIGKILL) == 0;
  }
  close(child.pipe);
  int status = 0;
  return waitpid(child.pid, &status, 0) == child.pid && was_killed && WIFSIGNALED(status);
}

/// Checks that one order's row, logs and outbox tell the same story without a hole.
void check_is_whole(const Order& order, const std::string& file) {
  INFO(order.id << " with version " << order.version);
  REQUIRE(order.status_logs.size() == order.version);
  CHECK(order.status_logs.back().status == order.status);
  for (std::size_t i = 1; i < order.status_logs.size(); ++i) {
    CHECK(can_transition(order.fulfillment_type, order.status_logs[i - 1].status,
                         order.status_logs[i].status));
  }
  sqlite::Connection connection(file, sqlite::Access::query_only, std::chrono::seconds(1));
  sqlite::Query entries = connection.query(
      "SELECT version, status, order_json FROM outbox WHERE order_id = ?1 ORDER BY sequence",
      order.id);
  std::uint64_t version = 0;
  while (entries.next()) {
    ++version;
    CHECK(static_cast<std::uint64_t>(entries.integer(0)) == version);
    REQUIRE(version <= order.version);
    CHECK(entries.text(1) == to_string(order.status_logs[version - 1].status));
    if (version == order.version) CHECK(entries.text(2) == order_json(order));
  }
  CHECK(version == order.version);
}

}  // namespace

TEST_CASE("kill -9 at any moment loses no change that was told and leaves no hole", "[store]") {
  TempDir dir;
  {
    SqliteStore store(options_for(dir.file()));
    add_sample_shop(store);
  }
  std::mt19937 random(20240501);
  std::uniform_int_distribution<int> any_report(1, 120);
  Versions known;
  for (int round = 0; round < 10; ++round) {
    Versions told = known;
    const Child child = start_child(dir.file(), round);
    REQUIRE(run_and_kill(child, any_report(random), told));

    SqliteStore store(options_for(dir.file()));
    CHECK(text_in(dir.file(), "PRAGMA integrity_check") == "ok");
    OrderFilter all;
    all.page_size = 100'000;
    Versions found;
    std::uint64_t untold = 0;
    for (const Order& order : store.list_orders(all).orders) {
      check_is_whole(order, dir.file());
      found[order.id] = order.version;
      untold += order.version - told[order.id];
    }
    for (const auto& [id, version] : told) {
      INFO(id << " was told to have version " << version);
      if (version > 0) CHECK(found[id] >= version);
    }
    CHECK(untold <= 1);  // what was committed when the kill came before the word of it
    known = found;
  }
  CHECK(number_in(dir.file(), "SELECT count(*) FROM outbox WHERE broadcast_at IS NOT NULL") == 0);
}

}  // namespace order_server
