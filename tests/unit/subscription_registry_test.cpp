// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include "support/models/registry.hpp"
#include <ordercast/subscription_registry.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <new>
#include <string>
#include <vector>

namespace {

using ordercast::AssigneeId;
using ordercast::Identity;
using ordercast::OrderEvent;
using ordercast::OrganizationId;
using ordercast::OwnerId;
using ordercast::Reach;
using ordercast::SubscriptionRegistry;

Identity customer(const std::string& id) {
  return {id, Reach::own};
}
Identity staff(const std::string& id, const std::string& organization) {
  return {id, Reach::organization, organization};
}
Identity super_admin(const std::string& id) {
  return {id, Reach::everything};
}

OrderEvent event(std::string_view order, std::string_view owner, std::string_view organization,
                 std::string_view assignee = {}) {
  return {order, OwnerId(owner), OrganizationId(organization), "CONFIRMED",
          2,     "{}",           AssigneeId(assignee)};
}

template <class Registry>
std::vector<int> subscribers(Registry& registry, std::string_view order) {
  std::vector<int> found;
  registry.for_each_subscriber(order, [&](int handle) { found.push_back(handle); });
  std::sort(found.begin(), found.end());
  return found;
}

template <class Registry>
std::vector<int> watchers(const Registry& registry, const OrderEvent& change) {
  std::vector<int> found;
  registry.for_each_list_watcher(change, [&](int handle) { found.push_back(handle); });
  std::sort(found.begin(), found.end());
  return found;
}

/// A handle that counts its live copies: a registry must hold none once it is empty.
struct CountingHandle {
  int value = 0;
  CountingHandle() { ++alive_; }
  explicit CountingHandle(int number) : value(number) { ++alive_; }
  CountingHandle(const CountingHandle& other) : value(other.value) { ++alive_; }
  CountingHandle(CountingHandle&& other) noexcept : value(other.value) { ++alive_; }
  CountingHandle& operator=(const CountingHandle&) = default;
  CountingHandle& operator=(CountingHandle&&) = default;
  ~CountingHandle() { --alive_; }
  friend bool operator==(const CountingHandle& a, const CountingHandle& b) {
    return a.value == b.value;
  }
  inline static int alive_ = 0;
};

}  // namespace

template <>
struct std::hash<CountingHandle> {
  std::size_t operator()(const CountingHandle& handle) const noexcept {
    return static_cast<std::size_t>(handle.value);
  }
};

TEST_CASE("a handle connects once and disconnects once", "[registry]") {
  SubscriptionRegistry<int> registry;
  CHECK(registry.connect(1, customer("alice")));
  CHECK_FALSE(registry.connect(1, customer("bob")));
  CHECK(registry.identity(1)->user_id == "alice");
  CHECK(registry.disconnect(1) == 0);
  CHECK_FALSE(registry.is_connected(1));
  CHECK(registry.disconnect(1) == 0);
  CHECK(registry.empty());
}

TEST_CASE("a handle that is not connected can't subscribe", "[registry]") {
  SubscriptionRegistry<int> registry;
  CHECK_FALSE(registry.subscribe(1, "order"));
  CHECK(registry.empty());
}

TEST_CASE("subscribing twice is one subscription", "[registry]") {
  SubscriptionRegistry<int> registry;
  registry.connect(1, customer("alice"));
  CHECK(registry.subscribe(1, "order"));
  CHECK_FALSE(registry.subscribe(1, "order"));
  CHECK(subscribers(registry, "order") == std::vector<int>{1});
  CHECK(registry.unsubscribe(1, "order"));
  CHECK_FALSE(registry.unsubscribe(1, "order"));
  CHECK(registry.order_count() == 0);
}

TEST_CASE("disconnect drops every subscription of a handle and no other's", "[registry]") {
  SubscriptionRegistry<int> registry;
  registry.connect(1, customer("alice"));
  registry.connect(2, customer("bob"));
  for (const auto* order : {"a", "b", "c"}) {
    registry.subscribe(1, order);
    registry.subscribe(2, order);
  }
  CHECK(registry.disconnect(1) == 3);
  CHECK(subscribers(registry, "a") == std::vector<int>{2});
  CHECK(subscribers(registry, "c") == std::vector<int>{2});
  CHECK(registry.subscription_count() == 3);
}

TEST_CASE("a list watcher is the owner, of the organization, or sees everything", "[registry]") {
  SubscriptionRegistry<int> registry;
  registry.connect(1, customer("alice"));
  registry.connect(2, customer("alice"));
  registry.connect(3, customer("bob"));
  registry.connect(4, staff("sam", "org-1"));
  registry.connect(5, staff("tom", "org-2"));
  registry.connect(6, super_admin("root"));
  CHECK(watchers(registry, event("o", "alice", "org-1")) == std::vector<int>{1, 2, 4, 6});
  CHECK(watchers(registry, event("o", "bob", "org-2")) == std::vector<int>{3, 5, 6});
  CHECK(watchers(registry, event("o", "nobody", "org-3")) == std::vector<int>{6});
}

TEST_CASE("a user who is assigned to an order gets its hints until the assignment ends",
          "[registry]") {
  SubscriptionRegistry<int> registry;
  registry.connect(1, customer("carl"));
  registry.connect(2, customer("carl"));
  registry.connect(3, customer("dora"));
  CHECK(watchers(registry, event("o", "alice", "org-1", "carl")) == std::vector<int>{1, 2});
  CHECK(registry.has_list_watcher(event("o", "alice", "org-1", "carl")));
  CHECK(watchers(registry, event("o", "alice", "org-1", "dora")) == std::vector<int>{3});
  CHECK(watchers(registry, event("o", "alice", "org-1")).empty());
  CHECK_FALSE(registry.has_list_watcher(event("o", "alice", "org-1", "nobody")));
}

TEST_CASE("a watcher with several reasons is visited once", "[registry]") {
  SubscriptionRegistry<int> registry;
  registry.connect(1, staff("sam", "org-1"));  // Sam's own order, in Sam's organisation.
  registry.connect(2, super_admin("root"));    // Root's own order.
  registry.connect(3, customer("sam"));        // Another tab of Sam's, with a customer's token.
  CHECK(watchers(registry, event("o", "sam", "org-1")) == std::vector<int>{1, 2, 3});
  CHECK(watchers(registry, event("o", "root", "org-1")) == std::vector<int>{1, 2});
  CHECK(watchers(registry, event("o", "sam", "org-1", "sam")) == std::vector<int>{1, 2, 3});
  CHECK(watchers(registry, event("o", "root", "org-1", "sam")) == std::vector<int>{1, 2, 3});
}

TEST_CASE("staff leave their list when they disconnect", "[registry]") {
  SubscriptionRegistry<int> registry;
  for (int handle = 0; handle < 10; ++handle) {
    registry.connect(handle, staff("s" + std::to_string(handle), "org-1"));
  }
  for (const int handle : {0, 9, 4}) registry.disconnect(handle);
  CHECK(watchers(registry, event("o", "x", "org-1")) == std::vector<int>{1, 2, 3, 5, 6, 7, 8});
}

TEST_CASE("users and organizations with empty ids never match", "[registry]") {
  SubscriptionRegistry<int> registry;
  registry.connect(1, customer("alice"));
  registry.connect(2, staff("sam", ""));
  registry.connect(3, customer(""));
  CHECK(watchers(registry, event("o", "bob", "")).empty());
  CHECK(watchers(registry, event("o", "", "org-1")).empty());
  CHECK_FALSE(registry.has_list_watcher(event("o", "", "")));
  for (const int handle : {1, 2, 3}) registry.disconnect(handle);
  CHECK(registry.empty());
}

TEST_CASE("data beside a subscription stays with it while others come and go", "[registry]") {
  SubscriptionRegistry<int, int> registry;
  for (int handle = 0; handle < 20; ++handle) {
    registry.connect(handle, customer("u" + std::to_string(handle)));
    registry.subscribe(handle, "order");
    *registry.find_subscription(handle, "order") = handle * 100;
  }
  for (int handle = 0; handle < 20; handle += 2) registry.unsubscribe(handle, "order");
  std::map<int, int> kept;
  registry.for_each_subscriber("order", [&](int handle, int& state) { kept[handle] = state; });
  CHECK(kept.size() == 10);
  for (const auto& [handle, state] : kept) CHECK(state == handle * 100);
}

TEST_CASE("no copy of a handle stays in an empty registry", "[registry]") {
  {
    SubscriptionRegistry<CountingHandle> registry;
    for (int i = 0; i < 600; ++i) {
      registry.connect(CountingHandle(i), staff("s" + std::to_string(i % 7), "org"));
      registry.subscribe(CountingHandle(i), "order-" + std::to_string(i % 5));
    }
    for (int i = 0; i < 600; ++i) registry.disconnect(CountingHandle(i));
    CHECK(registry.empty());
    CHECK(CountingHandle::alive_ == 0);
    CHECK(registry.memory_bytes() == 0);
  }
  CHECK(CountingHandle::alive_ == 0);
}

TEST_CASE("looking up and iterating allocate nothing", "[registry]") {
  SubscriptionRegistry<int> registry;
  const std::string order = "an-order-id-that-is-longer-than-any-small-string";
  for (int handle = 0; handle < 1000; ++handle) {
    registry.connect(handle, staff("user", "organisation-with-a-long-name"));
    registry.subscribe(handle, order);
  }
  const std::string_view view = order;
  std::size_t visited = 0;
  const auto before = ordercast::test::allocations();
  registry.for_each_subscriber(view, [&](int) { ++visited; });
  registry.for_each_list_watcher(event(view, "user", "organisation-with-a-long-name"),
                                 [&](int) { ++visited; });
  visited += registry.is_subscribed(7, view) ? 1U : 0U;
  visited += registry.connections_of("user");
  CHECK(ordercast::test::allocations() == before);
  CHECK(visited == 3001);
}

TEST_CASE("subscribe and connect change nothing when memory runs out", "[registry]") {
  // Every allocation of the operation fails in turn; then all must be as it was before.
  for (std::size_t nth = 0;; ++nth) {
    SubscriptionRegistry<int> registry;
    registry.connect(1, staff("a-user-id-that-needs-the-heap-000", "an-organisation-on-the-heap"));
    registry.subscribe(1, "an-order-id-that-needs-the-heap-0001");
    bool failed = false;
    {
      const ordercast::test::FailingAllocation failing(nth);
      try {
        registry.subscribe(1, "an-order-id-that-needs-the-heap-0002");
        registry.connect(2,
                         staff("a-user-id-that-needs-the-heap-001", "another-organisation-heap"));
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      if (!failed) {
        REQUIRE_FALSE(failing.fired());
      }
    }
    CHECK(registry.is_subscribed(1, "an-order-id-that-needs-the-heap-0001"));
    CHECK(registry.subscription_count() == registry.order_count());
    registry.disconnect(1);
    registry.disconnect(2);
    CHECK(registry.empty());
    if (!failed) break;
    REQUIRE(nth < 100);
  }
}

TEST_CASE("an order that becomes popular changes nothing when memory runs out", "[registry]") {
  for (std::size_t nth = 0;; ++nth) {
    SubscriptionRegistry<int> registry;
    for (int handle = 0; handle < 40; ++handle) registry.connect(handle, customer("alice"));
    std::size_t held = 0;
    bool failed = false;
    {
      const ordercast::test::FailingAllocation failing(nth);
      try {
        for (int handle = 0; handle < 40; ++handle) held += registry.subscribe(handle, "o") ? 1 : 0;
      } catch (const std::bad_alloc&) {
        failed = true;
      }
    }
    CHECK(registry.subscription_count() == held);
    CHECK(subscribers(registry, "o").size() == held);
    for (int handle = 0; handle < 40; ++handle) {
      const bool subscribed = handle < static_cast<int>(held);
      CHECK(registry.is_subscribed(handle, "o") == subscribed);
      CHECK(registry.unsubscribe(handle, "o") == subscribed);
    }
    CHECK(registry.order_count() == 0);
    if (!failed) break;
    REQUIRE(nth < 100);
  }
}

TEST_CASE("a connection that watches much changes nothing when memory runs out", "[registry]") {
  for (std::size_t nth = 0;; ++nth) {
    SubscriptionRegistry<int> registry;
    registry.connect(1, customer("alice"));
    std::vector<std::string> orders;
    orders.reserve(40);
    for (int i = 0; i < 40; ++i) orders.push_back("o" + std::to_string(i));
    std::size_t held = 0;
    bool failed = false;
    {
      const ordercast::test::FailingAllocation failing(nth);
      try {
        for (const auto& order : orders) held += registry.subscribe(1, order) ? 1 : 0;
      } catch (const std::bad_alloc&) {
        failed = true;
      }
    }
    CHECK(registry.subscriptions_of(1) == held);
    CHECK(registry.order_count() == held);
    for (std::size_t i = 0; i < orders.size(); ++i) {
      CHECK(registry.is_subscribed(1, orders[i]) == (i < held));
      CHECK(registry.unsubscribe(1, orders[i]) == (i < held));
    }
    CHECK(registry.order_count() == 0);
    registry.disconnect(1);
    CHECK(registry.empty());
    if (!failed) break;
    REQUIRE(nth < 200);
  }
}

TEST_CASE("the registry agrees with a map of sets through every phase", "[registry][model]") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    ordercast::test::RandomChoices choices(seed, 150);
    REQUIRE_NOTHROW(ordercast::test::RegistryRun(choices).run());
  }
}
