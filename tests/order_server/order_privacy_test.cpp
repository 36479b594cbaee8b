// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <atomic>
#include <string>

namespace order_server {
namespace {

// Statements that SQLite ran, on all connections opened while counting.
std::atomic<int> statements{0};
std::atomic<int> rows{0};

int count(unsigned what, void* /*context*/, void* /*statement*/, void* /*more*/) {
  ++(what == SQLITE_TRACE_STMT ? statements : rows);
  return 0;
}

int watch(sqlite3* handle, char** /*error*/, const void* /*api*/) {
  return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT | SQLITE_TRACE_ROW, &count, nullptr);
}

/// Counts statements of connections opened in its scope.
struct Counting {
  Counting() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&watch)); }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;
  ~Counting() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&watch)); }
};

/// The database cost of a call.
struct Cost {
  int statements = 0;
  int rows = 0;
};

}  // namespace

TEST_CASE("another user's order costs as much as one that does not exist", "[orders]") {
  const Counting counting;
  ApiFixture f;
  Order large = sample_order("o-large", f.customer.id);
  large.items.clear();
  for (int i = 0; i < 100; ++i) {
    large.items.push_back({"item-" + std::to_string(i), "tea", "Tea", 1, 28550});
  }
  f.store.create_order(large);

  struct Case {
    std::string name;
    std::string method;
    std::string path;
    std::string body;
    const User* caller;
  };
  const std::string proof =
      R"({"razorpay_order_id":"a","razorpay_payment_id":"b","razorpay_signature":"c"})";
  for (const Case& test : std::vector<Case>{
           {"read by a customer", "GET", "", "", &f.customer2},
           {"read by staff", "GET", "", "", &f.manager2},
           {"changed by staff", "PATCH", "/status", R"({"status":"CONFIRMED"})", &f.manager2},
           {"cancelled by a customer", "POST", "/cancel", "", &f.customer2},
           {"paid by a customer", "POST", "/payment", "", &f.customer2},
           {"proved by a customer", "POST", "/payment/verify", proof, &f.customer2}}) {
    INFO(test.name);
    std::string answer;
    const auto cost_of = [&](const std::string& id) {
      statements = 0;
      rows = 0;
      const auto response = f.call_with_token(test.method, "/api/v1/orders/" + id + test.path,
                                              f.token_of(*test.caller), test.body);
      const Cost cost{statements, rows};
      CHECK(response.status == 404);
      if (!answer.empty()) CHECK(response.body == answer);
      answer = response.body;
      return cost;
    };
    cost_of("no-such-order");  // a connection reads the schema first
    const Cost missing = cost_of("no-such-order");
    const Cost foreign = cost_of("o-large");
    CHECK(missing.statements > 0);
    CHECK(foreign.statements == missing.statements);
    CHECK(foreign.rows == missing.rows);
  }
  // A user who may see the order gets all of it.
  const auto own = f.call("GET", "/api/v1/orders/o-large", f.customer);
  CHECK(own.status == 200);
  CHECK(json::parse(own.body).at("data").at("items").size() == 100);
}

TEST_CASE("whether a user may watch an order is read without its items", "[lookup]") {
  const Counting counting;
  ApiFixture f;
  Order order = sample_order("o-1", f.customer.id);
  order.items = {{"item-1", "tea", "Tea", 1, 28550}};
  f.store.create_order(order);
  static_cast<void>(f.store.current_versions({"o-1"}));  // a connection reads the schema first
  const auto statements_of = [&](const std::string& id) {
    statements = 0;
    static_cast<void>(f.store.current_versions({id}));
    return statements.load();
  };
  CHECK(statements_of("o-1") == 1);
  CHECK(statements_of("no-such-order") == 1);
}

}  // namespace order_server
