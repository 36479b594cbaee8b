// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// One connection for each kind of user that the audience rules distinguish.
struct Everyone {
  explicit Everyone(const OrderServer& server)
      : admin(server, demo().admin),
        manager(server, demo().manager),
        staff(server, token_for("staff-1", "STAFF", "org-1")),
        rider(server, token_for("rider-1", "RIDER", "org-1")),
        owner(server, demo().customer),
        manager2(server, demo().manager2),
        rider2(server, token_for("rider-2", "RIDER", "org-2")),
        stranger(server, demo().customer2) {
    for (auto* watcher :
         {&admin, &manager, &staff, &rider, &owner, &manager2, &rider2, &stranger}) {
      watcher->read_until_pong();
    }
  }

  Watcher admin, manager, staff, rider, owner;  ///< May see an org-1 order of `customer`.
  Watcher manager2, rider2, stranger;           ///< May not.
};

/// A server with one order, and its owner's connection that follows it.
struct FollowedOrder {
  FollowedOrder() { owner.follow(id); }

  OrderServer server;
  std::string id = id_of(server.new_order(demo().customer));
  Watcher owner{server, demo().customer};
};

/// Returns everything that a connection gets before the hint of a later order of customer2 in
/// org-2, which the second organisation, the second customer and SUPER_ADMIN get.
std::vector<Json> heard_before(Watcher& watcher, const std::string& later_order) {
  auto messages = watcher.read_until(hint_of(later_order));
  messages.pop_back();
  return messages;
}

void check_hint(const Json& message, const std::string& order_id, const std::string& status) {
  INFO(message.dump());
  CHECK(message == Json{{"type", "orders:changed"}, {"orderId", order_id}, {"status", status}});
}

void check_update(const Json& message, const std::string& order_id, const Json& order) {
  INFO(message.dump());
  CHECK(keys_of(message) == std::set<std::string>{"type", "orderId", "data"});
  CHECK(text_of(message, "type") == "order:updated");
  CHECK(text_of(message, "orderId") == order_id);
  CHECK(member(message, "data") == order);
}

}  // namespace

TEST_CASE("a new order is hinted to its owner and to the staff that may see it, to no one else",
          "[broadcast]") {
  OrderServer server;
  Everyone all(server);
  const auto id = id_of(server.new_order(demo().customer, "org-1"));
  for (auto* watcher : {&all.admin, &all.manager, &all.staff, &all.rider, &all.owner}) {
    check_hint(watcher->next(), id, "PENDING");
  }
  const auto later = id_of(server.new_order(demo().customer2, "org-2"));
  for (auto* watcher : {&all.manager2, &all.rider2, &all.stranger, &all.admin}) {
    CHECK(heard_before(*watcher, later).empty());
  }
}

TEST_CASE("a change of status is hinted to its audience once, with exactly three members",
          "[broadcast]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer, "org-1"));
  Everyone all(server);
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  REQUIRE(server.as(demo().manager).set_status(id, "PREPARING").status == 200);
  for (auto* watcher : {&all.admin, &all.manager, &all.staff, &all.rider, &all.owner}) {
    auto heard = watcher->read_until(hint_of(id, "PREPARING"));
    check_hint(heard.back(), id, "PREPARING");
    // Two hints of one order may be conflated into the newer one, but never doubled.
    CHECK(count(heard, hint_of(id, "CONFIRMED")) <= 1);
    CHECK(count(heard, hint_of(id)) == static_cast<long>(heard.size()));
  }
  const auto later = id_of(server.new_order(demo().customer2, "org-2"));
  for (auto* watcher : {&all.manager2, &all.rider2, &all.stranger, &all.admin}) {
    CHECK(heard_before(*watcher, later).empty());
  }
}

TEST_CASE("trigger 1: a PATCH sends the full order to its subscribers", "[broadcast]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  Watcher manager(server, demo().manager);
  Watcher first_tab(server, demo().customer);
  Watcher second_tab(server, demo().customer);
  Watcher idle_tab(server, demo().customer);
  for (auto* watcher : {&manager, &first_tab, &second_tab}) watcher->follow(id);
  idle_tab.read_until_pong();

  const auto reply = server.as(demo().admin).set_status(id, "CONFIRMED", "on its way");
  REQUIRE(reply.status == 200);
  for (auto* watcher : {&manager, &first_tab, &second_tab}) {
    check_update(watcher->next(), id, reply.data());
    check_hint(watcher->next(), id, "CONFIRMED");
  }
  check_hint(idle_tab.next(), id, "CONFIRMED");

  // A message that was sent twice would arrive before this change.
  const auto next = server.as(demo().admin).set_status(id, "PREPARING");
  for (auto* watcher : {&manager, &first_tab, &second_tab}) {
    check_update(watcher->next(), id, next.data());
    check_hint(watcher->next(), id, "PREPARING");
  }
  check_hint(idle_tab.next(), id, "PREPARING");
}

TEST_CASE("trigger 2: the owner's cancel sends both messages", "[broadcast]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  Watcher manager(server, demo().manager);
  Watcher owner(server, demo().customer);
  manager.follow(id);
  owner.follow(id);
  const auto reply = server.as(demo().customer).cancel(id);
  REQUIRE(reply.status == 200);
  for (auto* watcher : {&manager, &owner}) {
    check_update(watcher->next(), id, reply.data());
    check_hint(watcher->next(), id, "CANCELLED");
  }
}

TEST_CASE("trigger 3: a verified payment sends both messages", "[broadcast]") {
  OrderServer server;
  const auto order = server.new_order(demo().customer, "org-1", "ONLINE");
  const auto id = id_of(order);
  const auto razorpay_order = text_of(order, "razorpayOrderId");
  Watcher manager(server, demo().manager);
  Watcher owner(server, demo().customer);
  manager.follow(id);
  owner.follow(id);
  const auto reply =
      server.as(demo().customer)
          .verify_payment(id, razorpay_order, "pay_1", payment_signature(razorpay_order, "pay_1"));
  REQUIRE(reply.status == 200);
  for (auto* watcher : {&manager, &owner}) {
    const auto update = watcher->next();
    INFO(update.dump());
    CHECK(update_of(id, 2)(update));
    CHECK(text_of(member(update, "data"), "status") == "CONFIRMED");
    CHECK(text_of(member(update, "data"), "paymentStatus") == "PAID");
    check_hint(watcher->next(), id, "CONFIRMED");
  }
}

TEST_CASE("a failed payment is a change like any other and is sent too", "[broadcast]") {
  OrderServer server;
  const auto order = server.new_order(demo().customer, "org-1", "ONLINE");
  const auto id = id_of(order);
  Watcher owner(server, demo().customer);
  owner.follow(id);
  REQUIRE(server.as(demo().customer)
              .verify_payment(id, text_of(order, "razorpayOrderId"), "pay_1", std::string(64, '0'))
              .status == 400);
  const auto update = owner.next();
  CHECK(update_of(id, 2)(update));
  CHECK(text_of(member(update, "data"), "paymentStatus") == "FAILED");
  check_hint(owner.next(), id, "PENDING");
}

TEST_CASE("a change that was refused is not broadcast", "[broadcast]") {
  FollowedOrder followed;
  auto& [server, id, owner] = followed;
  CHECK(server.as(demo().manager).set_status(id, "DELIVERED").status == 400);
  CHECK(server.as(demo().manager2).set_status(id, "CONFIRMED").status == 404);
  CHECK(server.as(demo().customer).set_status(id, "CONFIRMED").status == 403);
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  CHECK(update_of(id, 2)(owner.next()));
}

TEST_CASE("after unsubscribe the order is silent, the hints go on", "[broadcast]") {
  FollowedOrder followed;
  auto& [server, id, owner] = followed;
  owner.unsubscribe(id);
  owner.unsubscribe(id);
  owner.unsubscribe("never-subscribed");
  CHECK(owner.read_until_pong().size() == 1);
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  check_hint(owner.next(), id, "CONFIRMED");
  REQUIRE(server.as(demo().manager).set_status(id, "PREPARING").status == 200);
  check_hint(owner.next(), id, "PREPARING");
}

TEST_CASE("a second subscribe to the same order does not double its messages", "[broadcast]") {
  FollowedOrder followed;
  auto& [server, id, owner] = followed;
  owner.subscribe(id);
  owner.read_until_pong();
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  REQUIRE(server.as(demo().manager).set_status(id, "PREPARING").status == 200);
  const auto heard = owner.read_until(update_of(id, 3));
  CHECK(count(heard, update_of(id, 2)) <= 1);
  CHECK(count(heard, update_of(id, 1)) == 0);
  owner.unsubscribe(id);
  const auto later = id_of(server.new_order(demo().customer));
  CHECK(count(owner.read_until(hint_of(later)), update_of(id)) == 0);
}

TEST_CASE("a staff member who is the order's owner hears of it once", "[broadcast]") {
  OrderServer server;
  // The owner's id with a staff role in the same organisation: two reasons, one message.
  Watcher both(server, token_for(demo().customer.id, "ORG_ADMIN", "org-1"));
  both.read_until_pong();
  const auto first = id_of(server.new_order(demo().customer, "org-1"));
  const auto second = id_of(server.new_order(demo().customer, "org-1"));
  check_hint(both.next(), first, "PENDING");
  check_hint(both.next(), second, "PENDING");
}
