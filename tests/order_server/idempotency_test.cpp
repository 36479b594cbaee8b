// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"

#include <catch2/catch.hpp>

/// Orders whose request comes twice (the header Idempotency-Key).
namespace order_server {
namespace {

struct ShopFixture : ApiFixture {
  HttpResponse place(const User& user, const json& body, const std::string& key) {
    return call_with_token("POST", "/api/v1/orders", token_of(user), body.dump(),
                           {{"Idempotency-Key", key}});
  }
  std::int64_t orders() { return store.list_orders({}).total; }
};

}  // namespace

TEST_CASE("the same key and body are answered as the first time, and order once",
          "[api][orders][idempotency]") {
  ShopFixture f;
  const auto first = f.place(f.customer, f.order_request(), "key-1");
  REQUIRE(first.status == 201);
  const std::string id = data_of(first)["id"];
  f.set_status(id, "CONFIRMED", f.manager);
  const int commits = f.commits;

  const auto again = f.place(f.customer, f.order_request(), "key-1");
  CHECK(again.status == 201);
  CHECK(again.body == first.body);
  // The same meaning is the same body.
  const std::string spaced =
      R"({ "deliveryAddress":"1 Quiet Street","fulfillmentType":"DELIVERY","storeId":"store-1",
           "paymentMethod":"ONLINE","items":[{"quantity":2,"productId":"tea"}] })";
  const auto rewritten = f.call_with_token("POST", "/api/v1/orders", f.token_of(f.customer), spaced,
                                           {{"idempotency-key", "key-1"}});
  CHECK(rewritten.body == first.body);
  CHECK(f.orders() == 1);
  CHECK(f.commits == commits);
}

TEST_CASE("another body under the same key is 422, another key or user another order",
          "[api][orders][idempotency]") {
  ShopFixture f;
  REQUIRE(f.place(f.customer, f.order_request(), "key-1").status == 201);
  auto other = f.order_request();
  other["items"][0]["quantity"] = 3;
  const auto refused = f.place(f.customer, other, "key-1");
  CHECK(refused.status == 422);
  CHECK(refused.body.find("Idempotency-Key") != std::string::npos);
  CHECK(f.orders() == 1);
  CHECK(f.place(f.customer, f.order_request(), "key-2").status == 201);
  CHECK(f.place(f.customer2, other, "key-1").status == 201);
  CHECK(f.call("POST", "/api/v1/orders", f.customer, f.order_request()).status == 201);
  CHECK(f.call("POST", "/api/v1/orders", f.customer, f.order_request()).status == 201);
  CHECK(f.orders() == 5);
}

TEST_CASE("of two at once the second finds the first one's answer under the lock",
          "[store][idempotency]") {
  TempDir dir;
  SqliteStore store(options_for(dir.file()));
  add_sample_shop(store);
  const RequestKey key{"user-1", "key-1", "digest"};
  const auto first = store.create_order_once(sample_order("o-1"), key);
  REQUIRE(first.order);
  const auto second = store.create_order_once(sample_order("o-2"), key);
  REQUIRE(second.earlier);
  CHECK_FALSE(second.order);
  CHECK(json::parse(second.earlier->order_json)["id"] == "o-1");
  CHECK_FALSE(store.find_order("o-2"));
  CHECK(store.pending_broadcasts(10).size() == 1);
}

TEST_CASE("an order that can't be stored leaves its key free", "[store][idempotency]") {
  TempDir dir;
  SqliteStore store(options_for(dir.file()));
  add_sample_shop(store);
  auto broken = sample_order("o-1");
  broken.items[0].product_id = "none";
  const RequestKey key{"user-1", "key-1", "digest"};
  CHECK_THROWS_AS(store.create_order_once(broken, key), StoreError);
  CHECK_FALSE(store.find_answer("user-1", "key-1", 1000));
  CHECK(store.create_order_once(sample_order("o-1"), key).order);
}

TEST_CASE("a refused request leaves its key free, and the answer outlives what was sold",
          "[api][orders][idempotency]") {
  ShopFixture f;
  auto request = f.order_request();
  request["items"][0]["productId"] = "caviar";
  CHECK(f.place(f.customer, request, "key-1").status == 422);
  f.store.add_product({"caviar", "store-1", "Caviar", 100});
  const auto first = f.place(f.customer, request, "key-1");
  CHECK(first.status == 201);
  execute_in(f.directory.file(),
             "PRAGMA foreign_keys = OFF; DELETE FROM products WHERE id = 'caviar'");
  CHECK(f.place(f.customer, request, "key-1").body == first.body);
}

TEST_CASE("a key counts for a day, and is forgotten then", "[api][orders][idempotency]") {
  ShopFixture f;
  const auto first = f.place(f.customer, f.order_request(), "key-1");
  f.wall += std::chrono::hours(23);
  CHECK(f.place(f.customer, f.order_request(), "key-1").body == first.body);
  f.wall += std::chrono::hours(1);
  CHECK(f.place(f.customer, f.order_request(), "key-1").body != first.body);
  CHECK(f.orders() == 2);

  const auto keys = [&] { return number_in(f.directory.file(), "SELECT count(*) FROM requests"); };
  REQUIRE(f.place(f.customer, f.order_request(), "key-2").status == 201);
  CHECK(keys() == 2);
  f.wall += std::chrono::hours(25);
  CHECK(f.store.prune_outbox(f.context.now_ms() - dead_letter_retention_ms, 1) == 1);
  CHECK(keys() == 1);
  CHECK(f.store.prune_outbox(f.context.now_ms() - dead_letter_retention_ms, 10) == 1);
  CHECK(keys() == 0);
}

TEST_CASE("a key is 1 to 255 visible characters, once", "[api][orders][idempotency]") {
  ShopFixture f;
  CHECK(f.place(f.customer, f.order_request(), std::string(255, 'k')).status == 201);
  for (const std::string& key : std::vector<std::string>{
           std::string(), std::string(256, 'k'), std::string("a b"), std::string("caf\xC3\xA9")}) {
    const auto refused = f.place(f.customer, f.order_request(), key);
    CHECK(refused.status == 400);
    CHECK(refused.body.find("Idempotency-Key must be") != std::string::npos);
  }
  const auto twice =
      f.call_with_token("POST", "/api/v1/orders", f.token_of(f.customer), f.order_request().dump(),
                        {{"Idempotency-Key", "a"}, {"Idempotency-Key", "b"}});
  CHECK(twice.status == 400);
  CHECK(f.orders() == 1);
}

}  // namespace order_server
