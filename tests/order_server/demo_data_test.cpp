// SPDX-License-Identifier: MIT
#include "store/demo_data.hpp"

#include "domain/money.hpp"
#include "domain/transitions.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <tuple>

namespace order_server {
namespace {

constexpr std::int64_t now_ms = 1714567890123;

/// An empty store after it has been filled.
struct Demo {
  TempDir dir;
  SqliteStore store{options_for(dir.file())};
  PasswordHasher hasher{minimal_hash_cost};

  Demo() { REQUIRE(fill_with_demo_data(store, hasher, now_ms)); }

  std::vector<Order> orders_of(const std::string& user_id) {
    OrderFilter filter;
    filter.user_id = user_id;
    filter.page_size = 1000;
    return store.list_orders(filter).orders;
  }
};

}  // namespace

TEST_CASE("the demo's users log in with the contract's passwords and have its roles", "[demo]") {
  Demo demo;
  for (const auto& [email, password, role, organization] :
       {std::tuple("admin@martly.dev", "admin123", Role::super_admin, ""),
        std::tuple("manager@martly.dev", "manager123", Role::org_admin, "org-1"),
        std::tuple("manager2@martly.dev", "manager123", Role::org_admin, "org-2"),
        std::tuple("customer@martly.dev", "customer123", Role::customer, ""),
        std::tuple("customer2@martly.dev", "customer123", Role::customer, "")}) {
    INFO(email);
    const auto user = demo.store.find_user_by_email(email);
    REQUIRE(user);
    CHECK(demo.hasher.verify(user->password_hash, password));
    CHECK(user->role == role);
    CHECK(user->organization_id == organization);
  }
}

TEST_CASE("the demo has a store in each organisation, each with products", "[demo]") {
  Demo demo;
  std::set<std::string> organizations;
  for (const Shop& shop : demo.store.list_shops()) {
    organizations.insert(shop.organization_id);
    CHECK(demo.store.list_products(shop.id).size() >= 3);
  }
  CHECK(organizations == std::set<std::string>{"org-1", "org-2"});
}

TEST_CASE("each demo customer has orders of every kind", "[demo]") {
  Demo demo;
  for (const char* email : {"customer@martly.dev", "customer2@martly.dev"}) {
    const auto orders = demo.orders_of(demo.store.find_user_by_email(email)->id);
    CHECK(orders.size() >= 12);
    std::set<OrderStatus> statuses;
    std::set<std::string> stores;
    std::set<std::tuple<PaymentMethod, FulfillmentType>> pending;
    for (const Order& order : orders) {
      statuses.insert(order.status);
      stores.insert(order.store_id);
      if (order.status == OrderStatus::pending) {
        pending.emplace(order.payment_method, order.fulfillment_type);
      }
    }
    CHECK(statuses.size() == all_order_statuses.size());
    CHECK(stores.size() == 2);
    CHECK(pending.size() == 4);
    CHECK(orders.front().status ==
          OrderStatus::pending);  // the first order of a demo can still be changed
  }
}

TEST_CASE("every demo order tells one story in its row, logs and version", "[demo]") {
  Demo demo;
  std::set<std::string> razorpay_ids;
  for (const char* user_id : {"user-customer", "user-customer2"}) {
    for (const Order& order : demo.orders_of(user_id)) {
      INFO(order.id << " " << to_string(order.status));
      REQUIRE(order.status_logs.size() == order.version);
      CHECK(order.status_logs.front().status == OrderStatus::pending);
      CHECK(order.status_logs.back().status == order.status);
      CHECK(order.status_logs.front().created_at_ms == order.created_at_ms);
      CHECK(order.status_logs.back().created_at_ms == order.updated_at_ms);
      CHECK(order.updated_at_ms < now_ms);
      for (std::size_t i = 1; i < order.status_logs.size(); ++i) {
        CHECK(can_transition(order.fulfillment_type, order.status_logs[i - 1].status,
                             order.status_logs[i].status));
        CHECK(order.status_logs[i - 1].created_at_ms < order.status_logs[i].created_at_ms);
      }
      if (order.status == OrderStatus::ready) CHECK(order.version == 4);

      CHECK(order_total(order.items) == order.total_minor);
      CHECK(order.items.size() == 2);
      CHECK(order.organization_id == demo.store.find_shop(order.store_id)->organization_id);
      const bool is_online = order.payment_method == PaymentMethod::online;
      CHECK(order.razorpay_order_id.empty() != is_online);
      if (is_online) CHECK(razorpay_ids.insert(order.razorpay_order_id).second);
      const bool is_paid = is_online ? order.status != OrderStatus::pending
                                     : order.status == OrderStatus::delivered;  // cash
      CHECK((order.payment_status == PaymentStatus::paid) == is_paid);
      const bool is_delivery = order.fulfillment_type == FulfillmentType::delivery;
      CHECK(order.delivery_address.empty() != is_delivery);
    }
  }
}

TEST_CASE("demo orders are history: none is broadcast", "[demo]") {
  Demo demo;
  CHECK(demo.store.pending_broadcasts(10).empty());
  CHECK(demo.store.outbox_stats(now_ms).depth == 0);
}

TEST_CASE("a demo order goes on like any other", "[demo]") {
  Demo demo;
  const Order order = demo.orders_of("user-customer").front();
  const auto result = demo.store.change_order(
      order.id, [](const Order& each) { return decide_status(each, OrderStatus::confirmed); },
      now_ms);
  CHECK(result.changed);
  REQUIRE(demo.store.pending_broadcasts(10).size() == 1);
  CHECK(demo.store.pending_broadcasts(10)[0].version == order.version + 1);
}

TEST_CASE("a store with users is not filled again", "[demo]") {
  Demo demo;
  const std::size_t before = demo.orders_of("user-customer").size();
  CHECK_FALSE(fill_with_demo_data(demo.store, demo.hasher, now_ms));
  CHECK_FALSE(demo.store.fill(make_demo_data(demo.hasher, now_ms)));
  CHECK(demo.orders_of("user-customer").size() == before);
}

}  // namespace order_server
