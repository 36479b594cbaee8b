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
  execute_in(file,
             "DROP INDEX orders_nth_of_user; ALTER TABLE orders DROP COLUMN nth_of_user; "
             "DROP TABLE meta; PRAGMA user_version = 2");
}

}  // namespace

TEST_CASE("a store that was filled is demo data, and stays so", "[store][meta]") {
  TempDir dir;
  {
    SqliteStore store(options_for(dir.file()));
    CHECK_FALSE(store.is_demo());
    REQUIRE(fill_with_demo_data(store, PasswordHasher{minimal_hash_cost}, 1714567890123));
    CHECK(store.is_demo());
  }
  execute_in(dir.file(), "DELETE FROM users");
  SqliteStore store(options_for(dir.file()));
  CHECK(store.is_demo());
}

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

}  // namespace order_server
