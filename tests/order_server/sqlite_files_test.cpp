// SPDX-License-Identifier: MIT
#include "domain/transitions.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>

namespace order_server {
namespace {

using Catch::Matchers::Contains;

SqliteOptions exclusive_options(const std::string& file) {
  SqliteOptions options = options_for(file);
  options.exclusive = true;
  return options;
}

std::string refusal_of(const std::string& file) {
  try {
    SqliteStore store(exclusive_options(file));
  } catch (const StoreError& error) {
    return error.what();
  }
  return "no refusal";
}

/// A store with an order, on files that a test takes away.
struct Fixture {
  Fixture() {
    add_sample_shop(store);
    store.create_order(sample_order("o-1"));
  }

  /// Every way to change something, and readiness, are refused with that text.
  void check_refused(const std::string& text) {
    CHECK_THROWS_WITH(store.create_order(sample_order("o-2")), Contains(text));
    CHECK_THROWS_WITH(
        store.change_order(
            "o-1", [](const Order& order) { return decide_status(order, OrderStatus::confirmed); },
            2000),
        Contains(text));
    CHECK_THROWS_WITH(store.mark_broadcast({1}), Contains(text));
    CHECK_THROWS_WITH(store.add_device("user-1", "token", "ios", 1), Contains(text));
    CHECK_THROWS_WITH(store.check(), Contains(text));
  }

  TempDir dir;
  SqliteStore store{options_for(dir.file())};
};

}  // namespace

TEST_CASE("a second server on a database is refused, until the first has ended", "[store][files]") {
  TempDir dir;
  {
    SqliteStore first(exclusive_options(dir.file()));
    CHECK_THAT(refusal_of(dir.file()), Contains("another order_server is serving it") &&
                                           Contains(dir.file()) && Contains("--db"));
    CHECK_NOTHROW(first.check());
  }
  CHECK(refusal_of(dir.file()) == "no refusal");
}

TEST_CASE("a second server is refused by whatever name it calls the database", "[store][files]") {
  TempDir dir;
  SqliteStore first(exclusive_options(dir.file()));
  std::filesystem::create_symlink(dir.file(), dir.file("link.db"));
  std::filesystem::create_hard_link(dir.file(), dir.file("other.db"));
  CHECK_THAT(refusal_of(dir.file("link.db")), Contains("another order_server is serving it"));
  CHECK_THAT(refusal_of(dir.file("other.db")), Contains("another order_server is serving it"));
  CHECK(refusal_of(dir.file("new.db")) == "no refusal");
}

TEST_CASE("operators' commands work beside a server", "[store][files]") {
  TempDir dir;
  SqliteStore server(exclusive_options(dir.file()));
  SqliteStore command(options_for(dir.file()));
  add_sample_shop(command);
  CHECK(server.find_shop("store-1"));
}

TEST_CASE("a database file that is gone is refused, and taken again when it is back",
          "[store][files]") {
  Fixture f;
  const std::string aside = f.dir.file("aside.db");
  std::filesystem::rename(f.dir.file(), aside);
  f.check_refused("\"" + f.dir.file() + "\" was removed");
  std::filesystem::rename(aside, f.dir.file());
  CHECK_NOTHROW(f.store.check());
  CHECK_NOTHROW(f.store.create_order(sample_order("o-2")));
}

TEST_CASE("a database file that was replaced is refused", "[store][files]") {
  Fixture f;
  SECTION("by another database") {
    { SqliteStore other(options_for(f.dir.file("other.db"))); }
    std::filesystem::rename(f.dir.file("other.db"), f.dir.file());
  }
  SECTION("by a copy of itself") {
    std::filesystem::copy_file(f.dir.file(), f.dir.file("copy.db"));
    std::filesystem::rename(f.dir.file("copy.db"), f.dir.file());
  }
  f.check_refused("\"" + f.dir.file() + "\" was replaced");
}

TEST_CASE("a log that was removed or replaced is refused, as the next start would not see it",
          "[store][files]") {
  for (const char* suffix : {"-wal", "-shm"}) {
    Fixture f;
    const std::string file = f.dir.file() + suffix;
    std::filesystem::rename(file, file + ".aside");
    f.check_refused("\"" + file + "\" was removed");
    std::filesystem::copy_file(file + ".aside", file);
    f.check_refused("\"" + file + "\" was replaced");
    std::filesystem::rename(file + ".aside", file);
    CHECK_NOTHROW(f.store.check());
  }
}

TEST_CASE("a link to the database that is turned elsewhere is refused", "[store][files]") {
  TempDir dir;
  const std::string link = dir.file("link.db");
  { SqliteStore other(options_for(dir.file("other.db"))); }
  std::filesystem::create_symlink(dir.file(), link);
  { SqliteStore made(options_for(dir.file())); }
  SqliteStore store(options_for(link));
  CHECK_NOTHROW(store.check());
  std::filesystem::remove(link);
  std::filesystem::create_symlink(dir.file("other.db"), link);
  CHECK_THROWS_WITH(store.check(), Contains("was replaced"));
}

TEST_CASE("a file that goes while a change is made costs the change its answer", "[store][files]") {
  Fixture f;
  CHECK_THROWS_WITH(f.store.change_order(
                        "o-1",
                        [&](const Order& order) {
                          std::filesystem::remove(f.dir.file());
                          return decide_status(order, OrderStatus::confirmed);
                        },
                        2000),
                    Contains("was removed"));
}

TEST_CASE("a database that is overwritten in place is noticed, and no change is accepted",
          "[store][files]") {
  TempDir dir;
  SqliteStore store(exclusive_options(dir.file()));
  add_sample_shop(store);
  store.create_order(sample_order("o-1"));
  REQUIRE_NOTHROW(store.check());
  const auto overwrite = [&](const std::string& bytes) {
    std::fstream file(dir.file(), std::ios::in | std::ios::out | std::ios::binary);
    file << bytes;
  };
  SECTION("emptied") {
    std::filesystem::resize_file(dir.file(), 0);
  }
  SECTION("with zeros") {
    overwrite(std::string(4096, '\0'));
  }
  SECTION("with text") {
    overwrite("a page of another program, as a copy to the wrong name leaves it" +
              std::string(100, ' '));
  }
  SECTION("with another program's database") {
    const auto other = dir.file("other.db");
    execute_in(other, "PRAGMA application_id = 7; CREATE TABLE t (x);");
    std::filesystem::copy_file(other, dir.file(),
                               std::filesystem::copy_options::overwrite_existing);
  }
  CHECK_THROWS_WITH(store.create_order(sample_order("o-2")), Contains("was overwritten while"));
  CHECK_THROWS_WITH(store.mark_broadcast({1}), Contains("was overwritten while"));
  CHECK_THROWS_WITH(store.check(), Contains("was overwritten while"));
}

TEST_CASE("another store's database that is copied over ours is noticed by the next check",
          "[store][files]") {
  TempDir dir;
  const auto other = dir.file("other.db");
  { const SqliteStore store(options_for(other)); }
  {
    // Long in use: what a store began with is in its file by now, and not in the log.
    SqliteStore store(exclusive_options(dir.file()));
    add_sample_shop(store);
  }
  SqliteStore store(exclusive_options(dir.file()));
  REQUIRE_NOTHROW(store.check());
  std::filesystem::copy_file(other, dir.file(), std::filesystem::copy_options::overwrite_existing);
  CHECK_THROWS_AS(store.check(), StoreError);
  CHECK_THROWS_WITH(store.create_order(sample_order("o-1")), Contains("was overwritten while"));
}

TEST_CASE("a copy that is served is another store, however it came to its place",
          "[store][files]") {
  namespace fs = std::filesystem;
  TempDir dir;
  const auto serve = [](const std::string& file) {
    return SqliteStore(exclusive_options(file)).epoch();
  };
  const auto first = serve(dir.file());
  CHECK(serve(dir.file()) == first);
  const auto backup = dir.file("backup.db");
  fs::copy_file(dir.file(), backup);
  // Operators look at it; that serves nobody.
  CHECK(SqliteStore(options_for(backup)).epoch() == first);
  SECTION("in place of the file") {
    fs::remove(dir.file());
    fs::copy_file(backup, dir.file());
    const auto restored = serve(dir.file());
    CHECK(restored != first);
    CHECK(serve(dir.file()) == restored);
  }
  SECTION("moved there") {
    fs::rename(backup, dir.file());
    CHECK(serve(dir.file()) != first);
  }
  SECTION("by another name, of which the file knows nothing") {
    CHECK(serve(backup) != first);
    CHECK(serve(dir.file()) == first);
  }
}

}  // namespace order_server
