// SPDX-License-Identifier: MIT
#include "backends.hpp"
#include "domain/order_json.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// The outbox, users, shops, products and devices of the store.
namespace order_server {
namespace {

using Catch::Matchers::Contains;

std::vector<std::int64_t> sequences_of(const std::vector<OutboxEntry>& entries) {
  std::vector<std::int64_t> sequences;
  sequences.reserve(entries.size());
  for (const OutboxEntry& entry : entries) sequences.push_back(entry.sequence);
  return sequences;
}

}  // namespace

TEMPLATE_TEST_CASE("the outbox gives out what is not broadcast, in commit order", "[store][outbox]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  f.store.create_order(sample_order("o-2"));
  f.move_to("o-2", OrderStatus::confirmed);
  f.move_to("o-1", OrderStatus::confirmed);

  const auto first = f.store.pending_broadcasts(3);
  REQUIRE(first.size() == 3);
  CHECK(std::is_sorted(first.begin(), first.end(),
                       [](const auto& a, const auto& b) { return a.sequence < b.sequence; }));
  CHECK(first[0].order_id == "o-1");
  CHECK(first[2].order_id == "o-2");
  CHECK(first[2].version == 2);

  f.store.mark_broadcast(sequences_of(first));
  const auto rest = f.store.pending_broadcasts(3);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].order_id == "o-1");
  CHECK(rest[0].version == 2);
  f.store.mark_broadcast(sequences_of(rest));
  f.store.mark_broadcast({});
  CHECK(f.store.pending_broadcasts(3).empty());
}

TEMPLATE_TEST_CASE("the outbox's depth and age are those of the waiting entries", "[store][outbox]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  CHECK(f.store.outbox_stats(5000).depth == 0);
  CHECK(f.store.outbox_stats(5000).oldest_age_ms == 0);
  f.store.create_order(sample_order("o-1", "user-1", 1000));
  f.store.create_order(sample_order("o-2", "user-1", 4000));
  CHECK(f.store.outbox_stats(5000).depth == 2);
  CHECK(f.store.outbox_stats(5000).oldest_age_ms == 4000);
  CHECK(f.store.outbox_stats(10).oldest_age_ms == 0);  // a clock that was set back
  f.store.mark_broadcast({f.store.pending_broadcasts(1).at(0).sequence});
  CHECK(f.store.outbox_stats(5000).depth == 1);
  CHECK(f.store.outbox_stats(5000).oldest_age_ms == 1000);
}

TEMPLATE_TEST_CASE("pruning deletes what both consumers have taken, and no more than asked",
                   "[store][outbox]", SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  for (int i = 1; i <= 4; ++i) f.store.create_order(sample_order("o-" + std::to_string(i)));
  auto sequences = sequences_of(f.store.pending_broadcasts(10));
  REQUIRE(sequences.size() == 4);
  sequences.erase(sequences.begin());  // the oldest is never broadcast
  f.store.mark_broadcast(sequences);
  CHECK(f.store.prune_outbox(5000, 100) == 0);  // push has not looked yet
  CHECK(f.store.queue_pushes(3, 5000) == 3);

  CHECK(f.store.prune_outbox(5000, 0) == 0);
  CHECK(f.store.prune_outbox(5000, 1) == 1);
  CHECK(f.store.prune_outbox(5000, 100) == 1);
  CHECK(f.store.prune_outbox(5000, 100) == 0);
  CHECK(f.number("SELECT count(*) FROM outbox WHERE order_id IN ('o-1', 'o-4')") == 2);
  CHECK(f.store.pending_broadcasts(10).size() == 1);
}

TEMPLATE_TEST_CASE("a sequence is never given twice, not even after pruning", "[store][outbox]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  const auto last = f.store.pending_broadcasts(1).at(0).sequence;
  f.store.mark_broadcast({last});
  CHECK(f.store.queue_pushes(10, 5000) == 1);
  CHECK(f.store.prune_outbox(5000, 10) == 1);
  f.move_to("o-1", OrderStatus::confirmed);
  CHECK(f.store.pending_broadcasts(1).at(0).sequence > last);
}

TEMPLATE_TEST_CASE("users are found by id and by email in any case", "[store]", SqliteBackend,
                   PostgresBackend) {
  StoreFixture<TestType> f;
  CHECK(f.store.empty());
  f.store.add_user({"u-1", "Ada@Example.org", "Ada", "hash", Role::org_admin, "org-1"});
  CHECK_FALSE(f.store.empty());
  const auto user = f.store.find_user_by_email("ada@example.ORG");
  REQUIRE(user);
  CHECK(user->id == "u-1");
  CHECK(user->email == "Ada@Example.org");
  CHECK(user->name == "Ada");
  CHECK(user->password_hash == "hash");
  CHECK(user->role == Role::org_admin);
  CHECK(user->organization_id == "org-1");
  CHECK(f.store.find_user("u-1")->email == user->email);
  CHECK_FALSE(f.store.find_user("u-2"));
  CHECK_FALSE(f.store.find_user_by_email("' OR 1=1 --"));
}

TEMPLATE_TEST_CASE("an email belongs to one user, and the error does not tell it", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.add_user({"u-1", "ada@example.org", "Ada", "hash", Role::customer, ""});
  try {
    f.store.add_user({"u-2", "ADA@example.org", "Ada", "hash", Role::customer, ""});
    FAIL("a second user with the same email");
  } catch (const StoreError& error) {
    CHECK_THAT(error.what(), Contains("cannot insert in") && Contains(f.backend.name()) &&
                                 Contains(f.backend.key_of_emails));
    CHECK_THAT(error.what(), !Contains("example.org"));
  }
  CHECK_FALSE(f.store.find_user("u-2"));
}

TEMPLATE_TEST_CASE("shops and products are listed and found", "[store]", SqliteBackend,
                   PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.add_shop({"store-2", "org-2", "Other Shop"});
  f.store.add_product({"product-2", "store-2", "Salt", 5});
  REQUIRE(f.store.list_shops().size() == 2);
  CHECK(f.store.list_shops()[1].organization_id == "org-2");
  CHECK(f.store.find_shop("store-1")->name == "Corner Shop");
  CHECK_FALSE(f.store.find_shop("store-3"));
  CHECK(f.store.list_products("").size() == 2);
  REQUIRE(f.store.list_products("store-2").size() == 1);
  CHECK(f.store.list_products("store-2")[0].price_minor == 5);
  CHECK(f.store.list_products("store-3").empty());
  CHECK_THROWS_AS(f.store.add_product({"product-3", "store-3", "Air", 1}), StoreError);
}

TEMPLATE_TEST_CASE("a device belongs to the user who registered it last", "[store][devices]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.add_device("user-1", "token-1", "android", 1000);
  f.store.add_device("user-1", "token-1", "android", 2000);
  CHECK(f.number("SELECT count(*) FROM devices") == 1);
  f.store.add_device("user-2", "token-1", "ios", 3000);
  f.store.remove_device("user-1", "token-1");
  CHECK(f.number("SELECT count(*) FROM devices WHERE user_id = 'user-2' AND platform = 'ios'") ==
        1);
  f.store.remove_device("user-2", "token-1");
  f.store.remove_device("user-2", "token-1");
  CHECK(f.number("SELECT count(*) FROM devices") == 0);
}

TEMPLATE_TEST_CASE("a user's devices are bounded, and the longest unseen is forgotten",
                   "[store][devices]", SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.add_device("user-2", "other", "android", 0);
  for (int i = 0; i < max_devices_per_user + 1; ++i) {
    f.store.add_device("user-1", "token-" + std::to_string(i), "android", 1000 + i);
  }
  CHECK(f.number("SELECT count(*) FROM devices WHERE user_id = 'user-1'") == max_devices_per_user);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-0'") == 0);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'other'") == 1);
}

TEMPLATE_TEST_CASE("filling writes everything or nothing, and only into an empty store", "[store]",
                   SqliteBackend, PostgresBackend) {
  const TestType backend;
  const auto opened = backend.open();
  Database& store = *opened;
  DemoData data;
  data.users.push_back({"u-1", "a@b.c", "A", "hash", Role::customer, ""});
  data.shops.push_back({"store-1", "org-1", "Corner Shop"});
  data.products.push_back({"product-1", "store-1", "Tea", 250});
  data.orders = {sample_order("o-1"), sample_order("o-2")};
  data.orders[1].items[0].product_id = "no-such-product";

  CHECK_THROWS_AS(store.fill(data), StoreError);
  CHECK(store.empty());
  CHECK(store.list_shops().empty());
  CHECK_FALSE(store.find_order("o-1"));

  data.orders.pop_back();
  CHECK(store.fill(data));
  CHECK(store.find_order("o-1"));
  CHECK(store.pending_broadcasts(10).empty());
  CHECK_FALSE(store.fill(data));
}

TEMPLATE_TEST_CASE("everything is there again when the database is opened again", "[store]",
                   SqliteBackend, PostgresBackend) {
  const TestType backend;
  std::string before;
  {
    const auto store = backend.open();
    add_sample_shop(*store);
    store->create_order(sample_order("o-1"));
    before = order_json(*store->find_order("o-1"));
  }
  const auto store = backend.open();
  CHECK(order_json(*store->find_order("o-1")) == before);
  CHECK(store->pending_broadcasts(10).size() == 1);
  CHECK_NOTHROW(store->check());
}

TEMPLATE_TEST_CASE(
    "a device that registers after the clock went back is not the first to be forgotten", "[store]",
    SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  for (std::int64_t i = 0; i < max_devices_per_user; ++i) {
    f.store.add_device("user-1", "token-" + std::to_string(i), "ios", 10'000 + i);
  }
  f.store.add_device("user-1", "newest", "ios", 500);
  CHECK(f.number("SELECT count(*) FROM devices") == max_devices_per_user);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'newest'") == 1);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-0'") == 0);
  // A device that registers again has been seen again.
  f.store.add_device("user-1", "token-1", "ios", 400);
  f.store.add_device("user-1", "one more", "ios", 300);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-1'") == 1);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-2'") == 0);
}

}  // namespace order_server
