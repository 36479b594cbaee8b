// SPDX-License-Identifier: MIT
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>
#include <ordercast/subscription_registry.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace ordercast;

namespace {

/// Walks in pieces of `most` records; `between` runs before each piece but the first.
template <class Between>
std::multiset<std::string> walk_orders(const SubscriptionRegistry<int>& registry,
                                       std::uint32_t most, Between between) {
  std::multiset<std::string> met;
  std::uint32_t from = 0;
  do {
    if (from != 0) between();
    std::uint32_t calls = 0;
    from = registry.for_each_order(from, most, [&](std::string_view id) {
      met.emplace(id);
      ++calls;
    });
    REQUIRE(calls <= most);
  } while (from != 0);
  return met;
}

std::string order(int number) {
  return "order-" + std::to_string(number);
}

}  // namespace

TEST_CASE("a walk over orders meets each that has a subscriber once, in pieces", "[registry]") {
  SubscriptionRegistry<int> registry;
  CHECK(walk_orders(registry, 10, [] {}).empty());
  for (int i = 0; i < 700; ++i) {
    registry.connect(i, Identity{"user-" + std::to_string(i % 50)});
    registry.subscribe(i, order(i / 2));
  }
  for (int i = 0; i < 100; ++i) registry.unsubscribe(i, order(i / 2));

  for (const std::uint32_t most : {1U, 7U, 256U, 1000U}) {
    const auto met = walk_orders(registry, most, [] {});
    CHECK(met.size() == 300);
    CHECK(std::set<std::string>(met.begin(), met.end()).size() == 300);
    CHECK(met.count(order(0)) == 0);
    CHECK(met.count(order(349)) == 1);
  }
}

TEST_CASE("a registry that changes during a walk loses no order that stays", "[registry]") {
  SubscriptionRegistry<int> registry;
  registry.connect(1, Identity{"alice"});
  for (int i = 0; i < 600; ++i) registry.subscribe(1, order(i));
  int next = 0;
  const auto met = walk_orders(registry, 50, [&] {
    registry.unsubscribe(1, order(next));
    registry.subscribe(1, order(1000 + next));
    next += 2;
  });
  for (int i = 1; i < 600; i += 2) CHECK(met.count(order(i)) == 1);
}

TEST_CASE("a walk that begins behind the end, or on an emptied registry, is over", "[registry]") {
  SubscriptionRegistry<int> registry;
  registry.connect(1, Identity{"alice"});
  registry.subscribe(1, "order-1");
  const auto nothing = [](std::string_view) { FAIL("nothing is there"); };
  CHECK(registry.for_each_order(100'000, 10, nothing) == 0);
  registry.disconnect(1);
  CHECK(registry.for_each_order(256, 10, nothing) == 0);
  CHECK(registry.for_each_user(0, 10, nothing) == 0);
}

TEST_CASE("a walk over users and organizations meets those that are connected", "[registry]") {
  SubscriptionRegistry<int> registry;
  registry.connect(1, Identity{"alice"});
  registry.connect(2, Identity{"alice"});
  registry.connect(3, Identity{"sam", Reach::organization, "org-1"});
  registry.connect(4, Identity{"kim", Reach::organization, "org-2"});
  CHECK_FALSE(registry.has_all_seeing());
  registry.connect(5, Identity{"root", Reach::everything});
  registry.connect(6, Identity{"gone"});
  registry.disconnect(6);
  registry.disconnect(4);

  std::multiset<std::string> users;
  std::uint32_t from = 0;
  do {
    from = registry.for_each_user(from, 100, [&](std::string_view id) { users.emplace(id); });
  } while (from != 0);
  CHECK(users == std::multiset<std::string>{"alice", "root", "sam"});
  std::vector<std::string> organizations;
  registry.for_each_organization([&](std::string_view id) { organizations.emplace_back(id); });
  CHECK(organizations == std::vector<std::string>{"org-1"});
  CHECK(registry.has_all_seeing());
}

TEST_CASE("an order's oldest version is that of the watcher who is furthest behind", "[registry]") {
  const auto world = std::make_shared<test::World>();
  world->tokens["root"] = {"root", Reach::everything};
  world->orders["order-1"] = {"alice", "org-1"};
  test::FakeTransport transport;
  ConnectionManager<test::FakeTransport, test::FakeServices> manager(transport,
                                                                     test::FakeServices(world));
  CHECK(manager.oldest_version("order-1") == max_version);
  for (const int handle : {1, 2}) {
    manager.on_open(handle, "root");
    manager.on_message(handle, R"({"type":"subscribe","orderId":"order-1"})");
    CHECK(manager.oldest_version("order-1") == 0);
    manager.publish({"order-1", OwnerId("alice"), OrganizationId("org-1"), "NEW",
                     static_cast<std::uint64_t>(handle + 1),
                     handle == 1 ? R"({"version":2})" : R"({"version":3})"});
    CHECK(manager.oldest_version("order-1") == static_cast<std::uint64_t>(handle + 1));
  }
  CHECK(manager.registry().order_count() == 1);
}
