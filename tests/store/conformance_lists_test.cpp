// SPDX-License-Identifier: MIT
#include "backends.hpp"
#include "domain/order_json.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

/// Lists of orders, in pages.
namespace order_server {
namespace {

using Strings = std::vector<std::string>;

std::vector<std::string> ids_of(const OrderPage& page) {
  std::vector<std::string> ids;
  ids.reserve(page.orders.size());
  for (const Order& order : page.orders) ids.push_back(order.id);
  return ids;
}

}  // namespace

TEMPLATE_TEST_CASE("orders are listed newest first, by owner, organisation and status", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.add_shop({"store-2", "org-2", "Other Shop"});
  f.store.create_order(sample_order("o-1", "user-1", 1000));
  f.store.create_order(sample_order("o-2", "user-2", 3000));
  f.store.create_order(sample_order("o-3", "user-1", 2000));
  f.store.create_order(sample_order("o-4", "user-1", 2000));  // the same moment, but later
  Order elsewhere = sample_order("o-5", "user-1", 4000);
  elsewhere.store_id = "store-2";
  elsewhere.organization_id = "org-2";
  f.store.create_order(elsewhere);
  f.move_to("o-1", OrderStatus::confirmed);

  OrderFilter filter;
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-5", "o-2", "o-4", "o-3", "o-1"});
  CHECK(f.store.list_orders(filter).total == 5);
  filter.organization_id = "org-1";
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-2", "o-4", "o-3", "o-1"});
  filter.user_id = "user-1";
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-4", "o-3", "o-1"});
  filter.statuses = {OrderStatus::confirmed};
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-1"});
  CHECK(f.store.list_orders(filter).total == 1);
  filter.user_id.clear();
  filter.statuses = {OrderStatus::pending};
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-2", "o-4", "o-3"});
  filter.organization_id.clear();
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-5", "o-2", "o-4", "o-3"});

  const auto listed = f.store.list_orders(filter).orders.at(1);
  CHECK(order_json(listed) == order_json(*f.store.find_order("o-2")));
}

TEMPLATE_TEST_CASE("a listing is cut into pages, and any page number is harmless", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  for (int i = 1; i <= 5; ++i) {
    f.store.create_order(sample_order("o-" + std::to_string(i), "user-1", i));
  }
  OrderFilter filter;
  filter.page_size = 2;
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-5", "o-4"});
  filter.page = 3;
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-1"});
  CHECK(f.store.list_orders(filter).total == 5);
  for (const std::int64_t page : {std::int64_t{4}, std::numeric_limits<std::int64_t>::max()}) {
    filter.page = page;
    CHECK(f.store.list_orders(filter).orders.empty());
    CHECK(f.store.list_orders(filter).total == 5);
  }
  for (const std::int64_t page : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min()}) {
    filter.page = page;
    CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-5", "o-4"});
  }
  filter.page = 2;
  filter.page_size = std::numeric_limits<std::int64_t>::max();
  CHECK(f.store.list_orders(filter).orders.empty());
}

}  // namespace order_server
