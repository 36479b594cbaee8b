// SPDX-License-Identifier: MIT
#include "store/sqlite/order_lists.hpp"
#include "store_fixture.hpp"

#include <catch2/catch.hpp>

/// How SQLite would find the orders of a list.
namespace order_server {
namespace {

std::string plan_of(const StoreFixture& f, const OrderFilter& filter) {
  sqlite::Connection connection(f.dir.file(), sqlite::Access::query_only, std::chrono::seconds(1));
  sqlite::Query rows =
      connection.query_once("EXPLAIN QUERY PLAN " + sqlite::order_page_sql(filter));
  std::string plan;
  while (rows.next()) plan += rows.text(3) + "\n";
  return plan;
}

OrderFilter staff_filter() {
  OrderFilter filter;
  filter.organization_id = "org-1";
  return filter;
}

}  // namespace

TEST_CASE("the usual lists read the rows of their page, already sorted", "[store][plans]") {
  const StoreFixture f;
  OrderFilter filter = staff_filter();
  std::string index = "orders_of_organization ";
  SECTION("of an organization") {}
  SECTION("of a status") {
    filter.statuses = {OrderStatus::pending};
    index = "orders_of_organization_status ";
  }
  SECTION("of some days") {
    filter.created_from_ms = 1;
    filter.created_before_ms = 2;
  }
  SECTION("after a cursor") {
    filter.after = OrderCursor{5, 5};
  }
  SECTION("of a payment status") {
    filter.payment_status = PaymentStatus::paid;
  }
  SECTION("of a store") {
    filter.store_id = "store-1";
    index = "orders_of_store ";
  }
  SECTION("of a customer") {
    filter.customer_id = "user-1";
    filter.statuses = {OrderStatus::pending, OrderStatus::confirmed};
    index = "orders_of_user ";
  }
  SECTION("of oneself") {
    filter = {};
    filter.user_id = "user-1";
    filter.statuses = {OrderStatus::pending};
    index = "orders_of_user ";
  }
  SECTION("by number") {
    filter.sort = OrderSort::number;
    index = "orders_number_in_organization ";
  }
  SECTION("of everybody") {
    filter = {};
    index = "orders_newest";
  }
  const auto plan = plan_of(f, filter);
  INFO(plan);
  CHECK(plan.find(index) != std::string::npos);
  CHECK(plan.find("TEMP B-TREE") == std::string::npos);
  CHECK((plan.find("SCAN") == std::string::npos || index == "orders_newest"));
}

TEST_CASE("several statuses are found by index each", "[store][plans]") {
  const StoreFixture f;
  OrderFilter filter = staff_filter();
  filter.statuses = {OrderStatus::pending, OrderStatus::confirmed, OrderStatus::ready};
  const auto plan = plan_of(f, filter);
  INFO(plan);
  CHECK(plan.find("orders_of_organization_status (organization_id=? AND status=?)") !=
        std::string::npos);
  CHECK(plan.find("SCAN") == std::string::npos);
}

TEST_CASE("a search reads a bounded number of orders, and the rest by index", "[store][plans]") {
  const StoreFixture f;
  OrderFilter filter = staff_filter();
  filter.text = "123456789";  // may be a number, and the start of an id
  const auto plan = plan_of(f, filter);
  INFO(plan);
  // The only thing that is read from end to end is what the limit cut off.
  std::size_t scans = 0;
  for (auto at = plan.find("SCAN "); at != std::string::npos; at = plan.find("SCAN ", at + 1)) {
    ++scans;
    CHECK((plan.compare(at, 11, "SCAN newest") == 0 || plan.compare(at, 9, "SCAN (sub") == 0));
  }
  CHECK(scans <= 2);
  CHECK(plan.find("orders_number_in_organization (organization_id=? AND "
                  "number_in_organization=?)") != std::string::npos);
}

TEST_CASE("an old order is found by its number and its id, though no search goes so far back",
          "[store][plans]") {
  TempDir dir;
  auto options = options_for(dir.file());
  options.durability = Durability::process_crash;
  SqliteStore store(options);
  add_sample_shop(store);
  DemoData data;
  data.users.push_back({"user-1", "a@b.c", "Ann", "hash", Role::customer, ""});
  data.users.push_back({"user-2", "old@b.c", "Olga", "hash", Role::customer, ""});
  data.orders.push_back(sample_order("0123456789-old", "user-2", 1));
  for (std::int64_t i = 0; i < most_searched; ++i) {
    data.orders.push_back(sample_order("new-" + std::to_string(i), "user-1", 1000 + i));
  }
  REQUIRE(store.fill(data));
  OrderFilter filter = staff_filter();
  const auto total = [&](const char* text) {
    filter.text = text;
    return store.list_orders(filter).total;
  };
  CHECK(total("1001") == 1);
  CHECK(total("01234567") == 1);
  CHECK(total("Olga") == 0);
  CHECK(total("Ann") == most_searched);
  filter.created_before_ms = 1000;  // where the rest of the filter is narrower, it is
  CHECK(total("Olga") == 1);
}

}  // namespace order_server
