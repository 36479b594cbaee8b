// SPDX-License-Identifier: MIT
#include "domain/transitions.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <vector>

/// What calls of the store cost, counted in steps of SQLite's virtual machine, which are the same
/// on every machine.
namespace order_server {
namespace {

/// Counts the steps of every statement on connections that are opened while it lives. One at a
/// time, as SQLite tells new connections to a plain function.
class StepCounter {
 public:
  StepCounter() {
    steps_ = 0;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&on_open));
  }
  StepCounter(const StepCounter&) = delete;
  StepCounter& operator=(const StepCounter&) = delete;
  ~StepCounter() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&on_open)); }

  template <class Work>
  static std::int64_t count(Work&& work) {
    steps_ = 0;
    work();
    return steps_;
  }

 private:
  static int on_open(sqlite3* database, char** /*error*/, const void* /*api*/) {
    return sqlite3_trace_v2(database, SQLITE_TRACE_PROFILE, &on_end, nullptr);
  }
  static int on_end(unsigned /*event*/, void* /*context*/, void* statement, void* /*time*/) {
    steps_ +=
        sqlite3_stmt_status(static_cast<sqlite3_stmt*>(statement), SQLITE_STMTSTATUS_VM_STEP, 1);
    return 0;
  }

  static inline std::int64_t steps_ = 0;
};

/// What pushing one change costs a customer with so many orders, by the parts of it.
struct Cost {
  std::int64_t create = 0;
  std::int64_t queue = 0;
  std::int64_t due = 0;
  std::int64_t finish = 0;
};

Cost cost_with(int orders) {
  const StepCounter counter;
  TempDir dir;
  auto options = options_for(dir.file());
  options.durability = Durability::process_crash;
  SqliteStore store(options);
  add_sample_shop(store);
  store.add_device("user-1", "token-1", "android", 100);
  for (int i = 1; i < orders; ++i) store.create_order(sample_order("o-" + std::to_string(i)));
  store.queue_pushes(100'000, 1500);
  Cost cost;
  cost.create = StepCounter::count([&] { store.create_order(sample_order("last")); });
  store.change_order(
      "last", [](const Order& order) { return decide_status(order, OrderStatus::confirmed); },
      2000);
  cost.queue = StepCounter::count([&] { CHECK(store.queue_pushes(100, 2000) == 2); });
  std::vector<PushJob> jobs;
  cost.due = StepCounter::count([&] { jobs = store.due_pushes(100, 2000); });
  REQUIRE(jobs.size() == 1);
  CHECK(jobs.front().nth_order == orders);
  PushResult result;
  result.id = jobs.front().id;
  result.version = jobs.front().version;
  cost.finish = StepCounter::count([&] { store.finish_pushes({result}, 2000); });
  return cost;
}

}  // namespace

TEST_CASE("a push costs the same work however many orders its customer has", "[store][push]") {
  const auto few = cost_with(10);
  const auto many = cost_with(1000);
  CHECK(few.due > 0);
  CHECK(many.create == few.create);
  CHECK(many.queue == few.queue);
  CHECK(many.due == few.due);
  CHECK(many.finish == few.finish);
}

TEST_CASE("orders are counted for each user, and those of an older program as well",
          "[store][push]") {
  TempDir dir;
  {
    SqliteStore store(options_for(dir.file()));
    add_sample_shop(store);
    for (const char* id : {"a-1", "b-1", "a-2", "a-3", "b-2"}) {
      store.create_order(sample_order(id, std::string(id, 1)));
    }
    CHECK(text_in(dir.file(), "SELECT group_concat(id || ':' || nth_of_user) FROM orders") ==
          "a-1:1,b-1:1,a-2:2,a-3:3,b-2:2");
  }
  take_back_to_schema_6(dir.file());
  execute_in(dir.file(),
             "DROP INDEX orders_nth_of_user; ALTER TABLE orders DROP COLUMN nth_of_user; "
             "PRAGMA user_version = 3");
  SqliteStore store(options_for(dir.file()));
  CHECK(text_in(dir.file(), "SELECT group_concat(id || ':' || nth_of_user) FROM orders") ==
        "a-1:1,b-1:1,a-2:2,a-3:3,b-2:2");
  store.create_order(sample_order("b-3", "b"));
  CHECK(number_in(dir.file(), "SELECT nth_of_user FROM orders WHERE id = 'b-3'") == 3);
}

}  // namespace order_server
