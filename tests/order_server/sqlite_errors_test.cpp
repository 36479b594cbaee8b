// SPDX-License-Identifier: MIT
#include "store/sqlite/schema.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>

namespace order_server {
namespace {

using Catch::Matchers::Contains;

std::string error_of(const SqliteOptions& options) {
  try {
    SqliteStore store(options);
  } catch (const StoreError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a path in no folder is an error that says so", "[store][errors]") {
  TempDir dir;
  const std::string file = dir.file("missing/shop.db");
  CHECK_THAT(error_of(options_for(file)),
             Contains("cannot open \"" + file + "\": unable to open database file: No such file"));
  CHECK_THAT(error_of(options_for(dir.path().string())), Contains("unable to open database file"));
}

TEST_CASE("a file that is no database is an error and stays as it is", "[store][errors]") {
  TempDir dir;
  const std::string text(4096, 'x');
  std::ofstream(dir.file()) << text;
  CHECK_THAT(error_of(options_for(dir.file())), Contains("file is not a database"));
  std::ifstream file(dir.file());
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == text);
}

TEST_CASE("another program's database is an error and stays as it is", "[store][errors]") {
  TempDir dir;
  execute_in(dir.file(), "CREATE TABLE recipes (name TEXT)");
  CHECK_THAT(error_of(options_for(dir.file())), Contains("it is another program's database"));
  CHECK(number_in(dir.file(), "SELECT count(*) FROM sqlite_schema") == 1);
  CHECK(text_in(dir.file(), "PRAGMA journal_mode") == "delete");
}

TEST_CASE("a database of a newer schema is an error that names both versions", "[store][errors]") {
  TempDir dir;
  { SqliteStore store(options_for(dir.file())); }
  execute_in(dir.file(), "PRAGMA user_version = 8");
  CHECK_THAT(error_of(options_for(dir.file())),
             Contains("it has schema version 8, this program knows up to " +
                      std::to_string(sqlite::schema_version)));
}

TEST_CASE("a database that is no file is refused, as its readers would see nothing",
          "[store][errors]") {
  CHECK_THAT(error_of(options_for(":memory:")), Contains("not the name of a file"));
  CHECK_THAT(error_of(options_for("")), Contains("not the name of a file"));
}

TEST_CASE("a new database is readable for its owner only", "[store]") {
  TempDir dir;
  SqliteStore store(options_for(dir.file()));
  for (const char* suffix : {"", "-wal"}) {
    struct stat status {};
    REQUIRE(stat((dir.file() + suffix).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
  }
}

TEST_CASE("a read-only file is an error at opening, not at the first order", "[store][errors]") {
  TempDir dir;
  { SqliteStore store(options_for(dir.file())); }
  REQUIRE(chmod(dir.file().c_str(), 0444) == 0);
  REQUIRE(chmod(dir.path().c_str(), 0555) == 0);
  // Permissions don't bind root, so root takes another user's place.
  constexpr uid_t nobody = 65534;
  const bool is_root = geteuid() == 0;
  if (is_root) REQUIRE(seteuid(nobody) == 0);
  const std::string error = error_of(options_for(dir.file()));
  if (is_root) REQUIRE(seteuid(0) == 0);
  REQUIRE(chmod(dir.path().c_str(), 0755) == 0);
  CHECK_THAT(error, Contains("cannot write") && Contains(dir.file()) && Contains("read-only"));
}

TEST_CASE("a full disk is an error that loses nothing and ends when there is room",
          "[store][errors]") {
  TempDir dir;
  {
    SqliteStore store(options_for(dir.file()));
    add_sample_shop(store);
    store.create_order(sample_order("o-0"));
  }
  SqliteOptions options = options_for(dir.file());
  options.max_pages = number_in(dir.file(), "PRAGMA page_count") + 4;
  int created = 0;
  {
    SqliteStore store(options);
    std::string error;
    while (error.empty() && created < 10'000) {
      try {
        store.create_order(sample_order("o-" + std::to_string(created + 1)));
        ++created;
      } catch (const StoreError& full) {
        error = full.what();
      }
    }
    CHECK_THAT(error, Contains("database or disk is full") && Contains(dir.file()));
    CHECK(store.find_order("o-" + std::to_string(created)));
    CHECK_FALSE(store.find_order("o-" + std::to_string(created + 1)));
    CHECK_NOTHROW(store.check());
  }
  SqliteStore store(options_for(dir.file()));
  CHECK(store.list_orders({}).total == created + 1);
  CHECK(store.outbox_stats(0).depth == created + 1);
  CHECK_NOTHROW(store.create_order(sample_order("o-" + std::to_string(created + 1))));
}

TEST_CASE("a lock that another process keeps is an error that writes nothing", "[store][errors]") {
  TempDir dir;
  SqliteOptions options = options_for(dir.file());
  options.busy_timeout = std::chrono::milliseconds(0);
  SqliteStore store(options);
  add_sample_shop(store);
  {
    sqlite::Connection other(dir.file(), sqlite::Access::read_write_create,
                             std::chrono::milliseconds(0));
    sqlite::Transaction lock(other, sqlite::Transaction::Kind::immediate);
    CHECK_THROWS_WITH(store.create_order(sample_order("o-1")),
                      Contains("cannot begin in") && Contains("database is locked"));
    CHECK_NOTHROW(store.check());  // reading goes on
  }
  CHECK_NOTHROW(store.create_order(sample_order("o-1")));
}

}  // namespace order_server
