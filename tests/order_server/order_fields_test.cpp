// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"
#include "store/sqlite/schema.hpp"
#include "store_fixture.hpp"

#include <catch2/catch.hpp>

/// What the second edition's order says beside the first one's, through the API and the store.
namespace order_server {
namespace {

json latest_broadcast(ApiFixture& f) {
  const auto entries = f.store.pending_broadcasts(100);
  return json::parse(entries.back().order_json);
}

std::string path_of(const json& order, const std::string& verb = {}) {
  return "/api/v1/orders/" + order["id"].get<std::string>() + verb;
}

}  // namespace

TEST_CASE("orders are numbered by organization from 1001", "[orders][api]") {
  ApiFixture f;
  CHECK(f.place_order(f.customer)["number"] == 1001);
  CHECK(f.place_order(f.customer2)["number"] == 1002);
  CHECK(f.place_order(f.customer, "store-2")["number"] == 1001);
  const auto third = f.place_order(f.customer);
  CHECK(third["number"] == 1003);
  CHECK(data_of(f.call("GET", path_of(third), f.customer))["number"] == 1003);
  CHECK(latest_broadcast(f)["number"] == 1003);
}

TEST_CASE("an order that can't be stored takes no number", "[orders][store]") {
  StoreFixture f;
  CHECK(f.store.create_order(sample_order("o-1")).number == 1001);
  CHECK_THROWS_AS(f.store.create_order(sample_order("o-1")), StoreError);
  CHECK(f.store.create_order(sample_order("o-2")).number == 1002);
}

TEST_CASE("an order shows its customer, its store and its products to all who may see it",
          "[orders][api]") {
  ApiFixture f;
  User caller = make_user("asha", Role::customer);
  caller.phone = "+91 80 1";
  f.store.add_user(caller);
  const auto placed = f.place_order(caller);
  const json user{
      {"id", "asha"}, {"name", "User asha"}, {"email", "asha@example.com"}, {"phone", "+91 80 1"}};
  const json store{{"id", "store-1"}, {"name", "Corner Shop"}, {"phone", nullptr}};
  for (const auto& seen :
       {placed, data_of(f.call("GET", path_of(placed), f.manager)),
        data_of(f.call("GET", "/api/v1/orders", f.admin)).at(0), latest_broadcast(f)}) {
    CHECK(seen["user"] == user);
    CHECK(seen["store"] == store);
    CHECK(seen["items"][0]["product"] == json{{"id", "tea"}, {"name", "Tea"}});
    CHECK(seen["refundStatus"].is_null());
    CHECK(seen["estimatedReadyAt"].is_null());
  }
  f.set_status(placed["id"], "CONFIRMED", f.manager);
  CHECK(latest_broadcast(f)["user"] == user);
  CHECK(latest_broadcast(f)["store"] == store);
}

TEST_CASE("each log has the role of the user who made the change, and no id", "[orders][api]") {
  ApiFixture f;
  const auto order = f.place_order(f.customer);
  f.set_status(order["id"], "CONFIRMED", f.manager);
  f.set_status(order["id"], "PREPARING", f.admin);
  f.set_status(order["id"], "READY", f.rider);
  const auto logs = data_of(f.call("GET", path_of(order), f.customer))["statusLogs"];
  std::vector<std::string> roles;
  for (const auto& log : logs) roles.push_back(log["actorRole"]);
  CHECK(roles == std::vector<std::string>{"CUSTOMER", "ORG_ADMIN", "SUPER_ADMIN", "RIDER"});
  CHECK(logs.dump().find("manager") == std::string::npos);
  CHECK(latest_broadcast(f)["statusLogs"] == logs);

  const auto other = f.place_order(f.customer);
  f.call("POST", path_of(other, "/cancel"), f.customer);
  CHECK(latest_broadcast(f)["statusLogs"][1]["actorRole"] == "CUSTOMER");
}

TEST_CASE("the staff says when an order will be ready, changes it and takes it back",
          "[orders][api]") {
  ApiFixture f;
  const auto order = f.place_order(f.customer);
  const auto patch = [&](const json& body) {
    return f.call("PATCH", path_of(order, "/status"), f.manager, body);
  };
  const auto confirmed =
      patch({{"status", "CONFIRMED"}, {"estimatedReadyAt", "2026-05-01T18:00:00+05:30"}});
  CHECK(data_of(confirmed)["estimatedReadyAt"] == "2026-05-01T12:30:00.000Z");
  CHECK(latest_broadcast(f)["estimatedReadyAt"] == "2026-05-01T12:30:00.000Z");

  // It stays where nothing is said, and another one changes it without a step.
  CHECK(data_of(patch({{"status", "PREPARING"}}))["estimatedReadyAt"] ==
        "2026-05-01T12:30:00.000Z");
  const auto later =
      data_of(patch({{"status", "PREPARING"}, {"estimatedReadyAt", "2026-05-01T12:45:00Z"}}));
  CHECK(later["estimatedReadyAt"] == "2026-05-01T12:45:00.000Z");
  CHECK(later["version"] == 4);
  CHECK(later["statusLogs"].size() == 3);
  CHECK(patch({{"status", "PREPARING"}, {"estimatedReadyAt", "2026-05-01T12:45:00Z"}}).status ==
        400);
  CHECK(patch({{"status", "PREPARING"}}).status == 400);

  const auto taken_back = data_of(patch({{"status", "READY"}, {"estimatedReadyAt", nullptr}}));
  CHECK(taken_back["estimatedReadyAt"].is_null());
  for (const json& wrong : {json("soon"), json("2026-05-01"), json(17)}) {
    const auto refused = patch({{"status", "DELIVERED"}, {"estimatedReadyAt", wrong}});
    CHECK(refused.status == 422);
    CHECK(refused.body.find("estimatedReadyAt") != std::string::npos);
  }
}

TEST_CASE("a database of the first edition gets numbers in the sequence of its orders",
          "[orders][store]") {
  TempDir dir;
  {
    SqliteStore store(options_for(dir.file()));
    add_sample_shop(store);
    store.add_shop({"store-2", "org-2", "Other Shop"});
    store.add_product({"product-2", "store-2", "Salt", 5});
    for (const char* id : {"o-1", "o-2", "o-3"}) {
      auto order = sample_order(id);
      if (order.id == "o-2") {
        order.store_id = "store-2";
        order.organization_id = "org-2";
      }
      store.create_order(order);
    }
  }
  take_back_to_schema_6(dir.file());
  SqliteStore store(options_for(dir.file()));
  CHECK(number_in(dir.file(), "PRAGMA user_version") == sqlite::schema_version);
  CHECK(store.find_order("o-1")->number == 1001);
  CHECK(store.find_order("o-2")->number == 1001);
  CHECK(store.find_order("o-3")->number == 1002);
  CHECK(store.find_order("o-3")->status_logs.at(0).actor.role.empty());
  CHECK(store.create_order(sample_order("o-4")).number == 1003);
}

}  // namespace order_server
