// SPDX-License-Identifier: MIT
#include "domain/order_json.hpp"
#include "store/sqlite/schema.hpp"
#include "store_fixture.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

/// What is SQLite's own; tests/store has what all stores do.
namespace order_server {

TEST_CASE("a file that was closed in good order has no log beside it", "[store]") {
  TempDir dir;
  std::string before;
  {
    SqliteStore store(options_for(dir.file()));
    add_sample_shop(store);
    store.create_order(sample_order("o-1"));
    before = order_json(*store.find_order("o-1"));
  }
  CHECK_FALSE(std::filesystem::exists(dir.file() + "-wal"));  // closed in good order
  SqliteStore store(options_for(dir.file()));
  CHECK(order_json(*store.find_order("o-1")) == before);
  CHECK(store.pending_broadcasts(10).size() == 1);
  CHECK_NOTHROW(store.check());
}

TEST_CASE("the tables are strict, and their version is written down", "[store]") {
  const StoreFixture f;
  CHECK(f.number("SELECT count(*) FROM pragma_table_list "
                 "WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0") == 0);
  CHECK(f.number("PRAGMA user_version") == sqlite::schema_version);
  CHECK(text_in(f.dir.file(), "PRAGMA journal_mode") == "wal");
}

}  // namespace order_server
