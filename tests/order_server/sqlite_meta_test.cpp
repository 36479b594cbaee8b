// SPDX-License-Identifier: MIT
#include "store/demo_data.hpp"
#include "store/sqlite/schema.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace order_server {
namespace {

/// What a program of schema 2 left: the tables of today without the ones that came later.
void take_back_to_schema_2(const std::string& file) {
  take_back_to_schema_6(file);
  execute_in(file,
             "DROP INDEX orders_nth_of_user; ALTER TABLE orders DROP COLUMN nth_of_user; "
             "DROP TABLE meta; PRAGMA user_version = 2");
}

}  // namespace

TEST_CASE("a store of one's own is no demo data", "[store][meta]") {
  TempDir dir;
  SqliteStore store(options_for(dir.file()));
  store.add_user({"6a6f2c1e", "admin@martly.dev", "A", "hash", Role::super_admin, ""});
  REQUIRE_FALSE(fill_with_demo_data(store, PasswordHasher{minimal_hash_cost}, 1714567890123));
  CHECK_FALSE(store.is_demo());
}

TEST_CASE("demo data of an older program is known by its users", "[store][meta]") {
  TempDir dir;
  {
    SqliteStore store(options_for(dir.file()));
    REQUIRE(fill_with_demo_data(store, PasswordHasher{minimal_hash_cost}, 1714567890123));
  }
  take_back_to_schema_2(dir.file());
  SECTION("as it was filled") {}
  SECTION("with one of them left, under another address and password") {
    execute_in(dir.file(),
               "DELETE FROM users WHERE id <> 'user-manager2';"
               "UPDATE users SET email = 'me@shop.example', password_hash = 'x'");
  }
  SqliteStore store(options_for(dir.file()));
  CHECK(store.is_demo());
}

TEST_CASE("a database of an older program with other users is no demo data", "[store][meta]") {
  TempDir dir;
  {
    SqliteStore store(options_for(dir.file()));
    store.add_user({"u-1", "admin@martly.dev", "A", "hash", Role::super_admin, ""});
  }
  take_back_to_schema_2(dir.file());
  SqliteStore store(options_for(dir.file()));
  CHECK_FALSE(store.is_demo());
}

TEST_CASE("each store has an epoch of its own, which it keeps", "[store][meta]") {
  TempDir dir;
  std::string first;
  {
    SqliteStore store(options_for(dir.file()));
    first = store.epoch();
    CHECK(first.size() == 32);
    CHECK(store.epoch() == first);
    SqliteStore other(options_for(dir.file("other.db")));
    CHECK(other.epoch() != first);
  }
  CHECK(SqliteStore(options_for(dir.file())).epoch() == first);
  take_back_to_schema_2(dir.file());
  CHECK(SqliteStore(options_for(dir.file())).epoch() != first);
}

TEST_CASE("a database of the first schema is brought up to date and keeps its orders",
          "[store][outbox]") {
  TempDir dir;
  {
    // What the first release wrote, in the parts that differ.
    SqliteStore store(options_for(dir.file()));
    add_sample_shop(store);
    store.create_order(sample_order("o-1"));
    store.mark_broadcast({1});
    store.create_order(sample_order("o-2"));
    store.add_device("user-1", "token-1", "android", 100);
  }
  take_back_to_schema_6(dir.file());
  execute_in(
      dir.file(),
      "DROP INDEX orders_nth_of_user; ALTER TABLE orders DROP COLUMN nth_of_user; "
      "DROP TABLE meta; DROP TABLE push_jobs; DROP TABLE payment_events; DROP INDEX outbox_failed; "
      "DROP INDEX outbox_unqueued; DROP INDEX outbox_waiting; "
      "ALTER TABLE outbox DROP COLUMN notify; ALTER TABLE outbox DROP COLUMN attempts; "
      "ALTER TABLE outbox DROP COLUMN retry_at; ALTER TABLE outbox DROP COLUMN dead_at; "
      "ALTER TABLE outbox DROP COLUMN error; "
      "ALTER TABLE outbox RENAME COLUMN queued_at TO pushed_at; "
      "UPDATE outbox SET pushed_at = NULL; "
      "CREATE INDEX outbox_waiting ON outbox (sequence) WHERE broadcast_at IS NULL; "
      "CREATE INDEX outbox_broadcast ON outbox (created_at) WHERE broadcast_at IS NOT NULL; "
      "PRAGMA user_version = 1;");
  for (int start = 0; start < 2; ++start) {
    SqliteStore store(options_for(dir.file()));
    CHECK(number_in(dir.file(), "PRAGMA user_version") == sqlite::schema_version);
    CHECK(store.find_order("o-1"));
    CHECK(store.pending_broadcasts(10).size() == 1);
    // What was broadcast before there was push is not pushed now.
    CHECK(number_in(dir.file(), "SELECT count(*) FROM outbox WHERE queued_at IS NULL") == 1);
    CHECK(text_in(dir.file(), "PRAGMA integrity_check") == "ok");
  }
}

}  // namespace order_server
