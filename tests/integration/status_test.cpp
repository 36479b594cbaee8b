// SPDX-License-Identifier: MIT
#include "order_server.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <future>
#include <string>
#include <vector>

using namespace ordercast::test;

TEST_CASE("a DELIVERY order walks through every state, one version and one log a step",
          "[orders]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  long long version = 1;
  for (const auto* status : {"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY", "DELIVERED"}) {
    const auto reply =
        server.as(demo().manager).set_status(id, status, std::string("now ") + status);
    INFO(reply.body);
    REQUIRE(reply.status == 200);
    CHECK(text_of(reply.data(), "status") == status);
    CHECK(integer_of(reply.data(), "version") == ++version);
    const auto& logs = reply.data().at("statusLogs");
    REQUIRE(static_cast<long long>(logs.size()) == version);
    CHECK(text_of(logs.back(), "status") == status);
    CHECK(text_of(logs.back(), "note") == std::string("now ") + status);
    CHECK(reply.data().at("note").is_null());
  }
  CHECK(text_of(server.order(id), "status") == "DELIVERED");
}

TEST_CASE("a PICKUP order goes from READY to DELIVERED and never out for delivery", "[orders]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer, "org-1", "COD", "PICKUP"));
  const auto manager = server.as(demo().manager);
  for (const auto* status : {"CONFIRMED", "PREPARING", "READY"}) {
    REQUIRE(manager.set_status(id, status).status == 200);
  }
  const auto out = manager.set_status(id, "OUT_FOR_DELIVERY");
  CHECK(out.status == 400);
  CHECK(text_of(out.json, "message") == "Cannot transition from READY to OUT_FOR_DELIVERY");
  CHECK(manager.set_status(id, "DELIVERED").status == 200);
}

TEST_CASE("transitions that the table does not have are 400 Invalid Transition", "[orders]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  const auto manager = server.as(demo().manager);
  const auto refused = [&](const std::string& status, const std::string& message) {
    const auto reply = manager.set_status(id, status);
    INFO(reply.body);
    CHECK(reply.status == 400);
    CHECK(text_of(reply.json, "error") == "Invalid Transition");
    CHECK(text_of(reply.json, "message") == message);
  };
  refused("PENDING", "Order is already PENDING");
  refused("READY", "Cannot transition from PENDING to READY");
  refused("DELIVERED", "Cannot transition from PENDING to DELIVERED");
  REQUIRE(manager.set_status(id, "CONFIRMED").status == 200);
  refused("CONFIRMED", "Order is already CONFIRMED");
  refused("PENDING", "Cannot transition from CONFIRMED to PENDING");
  REQUIRE(manager.set_status(id, "PREPARING").status == 200);
  REQUIRE(manager.set_status(id, "READY").status == 200);
  refused("DELIVERED", "Cannot transition from READY to DELIVERED");
  REQUIRE(manager.set_status(id, "CANCELLED").status == 200);
  refused("CANCELLED", "Order is already CANCELLED");
  refused("CONFIRMED", "Cannot transition from CANCELLED to CONFIRMED");
  CHECK(integer_of(server.order(id), "version") == 5);
  CHECK(server.order(id).at("statusLogs").size() == 5);
}

TEST_CASE("a status that does not exist is a bad value", "[orders]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  const auto target = "/api/v1/orders/" + id + "/status";
  for (const Json& body :
       {Json{{"status", "LOST"}}, Json{{"status", 1}}, Json{{"status", nullptr}}, Json::object(),
        Json::array(), Json{{"status", "CONFIRMED"}, {"note", 5}}}) {
    INFO(body.dump());
    CHECK(refused_as_bad(server.as(demo().manager).patch(target, body)));
  }
  CHECK(integer_of(server.order(id), "version") == 1);
}

TEST_CASE("a CUSTOMER never sets a status, every staff role does within its organisation",
          "[orders]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  CHECK(server.as(demo().customer).set_status(id, "CONFIRMED").status == 403);

  const std::vector<std::pair<std::string, std::string>> steps = {{"STORE_MANAGER", "CONFIRMED"},
                                                                  {"STAFF", "PREPARING"},
                                                                  {"ORG_ADMIN", "READY"},
                                                                  {"RIDER", "OUT_FOR_DELIVERY"},
                                                                  {"SUPER_ADMIN", "DELIVERED"}};
  for (const auto& [role, status] : steps) {
    CAPTURE(role, status);
    if (role != "SUPER_ADMIN") {
      const auto foreign = server.as(token_for("of-org-2", role, "org-2"));
      CHECK(foreign.set_status(id, status).status == 404);
    }
    const auto own = role == "SUPER_ADMIN" ? server.as(demo().admin)
                                           : server.as(token_for("of-org-1", role, "org-1"));
    CHECK(own.set_status(id, status).status == 200);
  }
}

TEST_CASE("an owner cancels from PENDING and CONFIRMED and from nothing else", "[orders]") {
  OrderServer server;
  const auto customer = server.as(demo().customer);
  const auto manager = server.as(demo().manager);

  const auto pending = id_of(server.new_order(demo().customer));
  const auto reply = customer.cancel(pending);
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  CHECK(text_of(reply.data(), "status") == "CANCELLED");
  CHECK(integer_of(reply.data(), "version") == 2);

  const auto confirmed = id_of(server.new_order(demo().customer));
  REQUIRE(manager.set_status(confirmed, "CONFIRMED").status == 200);
  CHECK(customer.cancel(confirmed).status == 200);

  const auto preparing = id_of(server.new_order(demo().customer));
  REQUIRE(manager.set_status(preparing, "CONFIRMED").status == 200);
  REQUIRE(manager.set_status(preparing, "PREPARING").status == 200);
  for (const auto& id : {preparing, pending}) {
    const auto refused = customer.cancel(id);
    CHECK(refused.status == 400);
    CHECK(text_of(refused.json, "error") == "Cannot Cancel");
  }
  CHECK(integer_of(server.order(preparing), "version") == 3);
}

TEST_CASE("cancelling is the owner's: staff have the status call", "[orders]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  for (const auto* account : {&demo().admin, &demo().manager}) {
    const auto status = server.as(*account).cancel(id).status;
    CHECK((status == 403 || status == 404));
  }
  CHECK(text_of(server.order(id), "status") == "PENDING");
}

TEST_CASE("of changes that race for one order one wins and the others are told", "[orders]") {
  OrderServer server;
  constexpr std::size_t racers = 8;
  for (int round = 0; round < 5; ++round) {
    const auto id = id_of(server.new_order(demo().customer));
    std::array<std::future<int>, racers> race;
    for (std::size_t i = 0; i < racers; ++i) {
      race[i] = std::async(std::launch::async, [api = server.as(demo().manager), id] {
        return api.set_status(id, "CONFIRMED").status;
      });
    }
    int won = 0;
    for (auto& racer : race) {
      const int status = racer.get();
      CHECK((status == 200 || status == 400 || status == 409));
      won += status == 200 ? 1 : 0;
    }
    CHECK(won == 1);
    const auto order = server.order(id);
    CHECK(integer_of(order, "version") == 2);
    CHECK(order.at("statusLogs").size() == 2);
  }
}
