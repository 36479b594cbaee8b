// SPDX-License-Identifier: MIT
#include "support/manager_parts.hpp"
#include "support/shop.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <new>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::FakeServices;
using test::FakeTransport;
using test::ManagerParts;
using test::Shop;
using test::World;

TEST_CASE("a handle is found until its end, and is open until its close", "[connections]") {
  ManagerParts parts;
  auto& connections = parts.connections;
  CHECK(connections.find(7) == detail::no_slot);
  const auto slot = parts.open(7);
  CHECK(connections.find(7) == slot);
  CHECK(connections.find_open(7) == slot);
  connections.close(slot, CloseCode::going_away, "Bye");
  connections.close(slot, CloseCode::policy_violation, "Again");
  CHECK(parts.transport[7].reason == "Bye");
  CHECK(connections.find(7) == slot);
  CHECK(connections.find_open(7) == detail::no_slot);
  CHECK(connections.registry().connection_count() == 0);
  connections.remove(7);
  CHECK(connections.find(7) == detail::no_slot);
  CHECK(connections.size() == 0);
}

TEST_CASE("a slot that is used again is not taken for the one before", "[connections]") {
  ManagerParts parts;
  auto& connections = parts.connections;
  const auto slot = parts.open(1);
  const auto id = connections.session(slot).id;
  CHECK(connections.find_live(slot, id) == &connections.session(slot));
  connections.remove(1);
  CHECK(connections.find_live(slot, id) == nullptr);
  REQUIRE(parts.open(1) == slot);
  CHECK(connections.find_live(slot, id) == nullptr);
}

TEST_CASE("a user's place in the budget is free again when the connection ends", "[connections]") {
  ConnectionBudget budget;
  Limits limits;
  limits.max_connections_per_user = 1;
  {
    ManagerParts parts(limits, &budget);
    REQUIRE(parts.open(1) != detail::no_slot);
    CHECK(parts.open(2) == detail::no_slot);
    CHECK(parts.connections.registry().connection_count() == 1);
    parts.connections.close(parts.connections.find(1), CloseCode::going_away, "Bye");
    CHECK(parts.open(3) != detail::no_slot);
  }
  CHECK(budget.users() == 0);
}

TEST_CASE("a doomed connection is closed after the iteration, with the first reason",
          "[connections]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  parts.connections.doom(slot, CloseCode::too_slow);
  parts.connections.doom(slot, CloseCode::internal_error);
  CHECK_FALSE(parts.transport[1].closed);
  parts.connections.close_doomed();
  CHECK(parts.transport[1].code == CloseCode::too_slow);
  CHECK(parts.transport[1].reason == "Too slow");
}

TEST_CASE("an exception in one connection's work closes that connection alone", "[connections]") {
  ManagerParts parts;
  const auto slot = parts.open(1);
  parts.open(2);
  parts.connections.guarded(slot, [] { throw std::bad_alloc(); });
  CHECK(parts.transport[1].code == CloseCode::internal_error);
  CHECK_FALSE(parts.transport[2].closed);
  parts.connections.guarded(slot, [] { throw std::bad_alloc(); });  // Closed already.
  CHECK(parts.connections.size() == 2);
}

TEST_CASE("only the connections of one sign-in are closed", "[connections]") {
  ManagerParts parts;
  auto& connections = parts.connections;
  Identity who{"alice"};
  for (const int handle : {1, 2, 3}) {
    who.session_id = handle == 3 ? "" : std::to_string(handle);
    REQUIRE(connections.admit(connections.add(handle), who));
  }
  CHECK(connections.close_sign_in("alice", "", CloseCode::unauthorized, "Logged out") == 0);
  CHECK(connections.close_sign_in("alice", "2", CloseCode::unauthorized, "Logged out") == 1);
  CHECK(parts.transport[2].closed);
  CHECK_FALSE(parts.transport[1].closed);
  CHECK(connections.close_user("alice", CloseCode::unauthorized, "Logged out") == 2);
}

TEST_CASE("the newest connection of a user above the limit gets 4008", "[manager]") {
  Shop f;
  for (int handle = 0; handle < 21; ++handle) f.open(handle, "alice");
  f.open(30, "bob");
  CHECK(f.manager.connections() == 21);
  CHECK(f.transport[20].code == CloseCode::too_many_connections);
  f.manager.on_close(3);
  f.open(31, "alice");
  CHECK_FALSE(f.transport[31].closed);
}

TEST_CASE("a budget bounds a user's connections across managers", "[manager]") {
  ConnectionBudget budget;
  auto world = std::make_shared<World>();
  world->tokens["alice"] = {"alice", Reach::own};
  Limits limits;
  limits.max_connections_per_user = 2;
  FakeTransport transport;
  {
    ConnectionManager<FakeTransport, FakeServices> one(transport, FakeServices(world), limits,
                                                       &budget);
    ConnectionManager<FakeTransport, FakeServices> two(transport, FakeServices(world), limits,
                                                       &budget);
    one.on_open(1, "alice");
    two.on_open(2, "alice");
    two.on_open(3, "alice");
    CHECK(transport[3].code == CloseCode::too_many_connections);
    one.on_close(1);
    two.on_open(4, "alice");
    CHECK_FALSE(transport[4].closed);
  }
  CHECK(budget.users() == 0);
}

TEST_CASE("disconnecting a user closes all their connections and no other", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.open(2, "alice");
  f.open(3, "bob");
  f.subscribe(1, "order-1");
  CHECK(f.manager.disconnect_user("alice", CloseCode::unauthorized, "Logged out") == 2);
  CHECK(f.transport[1].reason == "Logged out");
  CHECK_FALSE(f.transport[3].closed);
  f.change("order-1");
  CHECK(f.transport[1].frames_after_close == 0);
  CHECK(f.world->connected == 1);
  CHECK(f.world->subscribed == 0);
}

TEST_CASE("nothing is left of connections that have gone", "[manager]") {
  Shop f({100, 0});
  for (int handle = 0; handle < 500; ++handle) {
    f.open(handle, "root");
    f.subscribe(handle, "order-1");
  }
  f.change("order-1");
  for (int handle = 0; handle < 500; ++handle) f.manager.on_close(handle);
  CHECK(f.manager.sessions() == 0);
  CHECK(f.manager.connections() == 0);
  CHECK(f.manager.subscriptions() == 0);
  CHECK(f.world->connected == 0);
  CHECK(f.world->subscribed == 0);
  CHECK(f.change("order-1") == 0);
}
