// SPDX-License-Identifier: MIT
#include "domain/transitions.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
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

namespace {

/// What the next server finds.
std::optional<Order> find_again(const std::string& file, const std::string& id) {
  return SqliteStore(exclusive_options(file)).find_order(id);
}

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("a log that is shortened or overwritten in place is noticed, and no change is accepted",
          "[store][files]") {
  namespace fs = std::filesystem;
  TempDir dir;
  const auto log = dir.file() + "-wal";
  {
    SqliteStore store(exclusive_options(dir.file()));
    add_sample_shop(store);
  }
  std::optional<SqliteStore> store(std::in_place, exclusive_options(dir.file()));
  store->create_order(sample_order("o-1"));
  store->create_order(sample_order("o-2"));
  REQUIRE_NOTHROW(store->check());
  const auto bytes = fs::file_size(log);
  SECTION("emptied") {
    fs::resize_file(log, 0);
  }
  SECTION("by a byte") {
    fs::resize_file(log, bytes - 1);
  }
  SECTION("by half") {
    fs::resize_file(log, bytes / 2);
  }
  SECTION("emptied, and made as long as it was") {
    fs::resize_file(log, 0);
    fs::resize_file(log, bytes);
  }
  SECTION("its last frame with zeros") {
    fs::resize_file(log, bytes - 4096 - 24);
    fs::resize_file(log, bytes);
  }
  SECTION("by another database's") {
    SqliteStore other(options_for(dir.file("other.db")));
    add_sample_shop(other);
    for (int i = 0; i < 20; ++i) other.create_order(sample_order("other-" + std::to_string(i)));
    REQUIRE(fs::file_size(dir.file("other.db-wal")) > bytes);
    fs::copy_file(dir.file("other.db-wal"), log, fs::copy_options::overwrite_existing);
  }
  const auto refusal = Contains("\"" + log + "\" was overwritten while");
  const auto left = bytes_of(log);
  CHECK_THROWS_WITH(store->create_order(sample_order("o-3")), refusal);
  CHECK_THROWS_WITH(store->mark_broadcast({1}), refusal);
  CHECK_THROWS_WITH(store->check(), refusal);
  const auto database = bytes_of(dir.file());
  store.reset();
  // Nothing of a log with holes is copied into the database.
  CHECK(bytes_of(dir.file()) == database);
  CHECK(bytes_of(log) == left);
  CHECK_FALSE(find_again(dir.file(), "o-3"));
}

TEST_CASE("what a log still holds when it is shortened is found by the next start",
          "[store][files]") {
  TempDir dir;
  {
    SqliteStore store(exclusive_options(dir.file()));
    add_sample_shop(store);
    store.create_order(sample_order("o-1"));
    const auto kept = std::filesystem::file_size(dir.file() + "-wal");
    store.create_order(sample_order("o-2"));
    std::filesystem::resize_file(dir.file() + "-wal", kept);
    CHECK_THROWS_AS(store.check(), StoreError);
  }
  CHECK(find_again(dir.file(), "o-1"));
  CHECK_FALSE(find_again(dir.file(), "o-2"));
}

TEST_CASE("a new database outlives the loss of its log", "[store][files]") {
  TempDir dir;
  {
    SqliteStore store(exclusive_options(dir.file()));
    add_sample_shop(store);
    std::filesystem::resize_file(dir.file() + "-wal", 0);
  }
  CHECK_NOTHROW(find_again(dir.file(), "o-1"));
}

TEST_CASE("a log that is shortened while a change is made costs the change its answer",
          "[store][files]") {
  TempDir dir;
  SqliteStore store(exclusive_options(dir.file()));
  add_sample_shop(store);
  store.create_order(sample_order("o-1"));
  CHECK_THROWS_WITH(store.change_order(
                        "o-1",
                        [&](const Order& order) {
                          std::filesystem::resize_file(dir.file() + "-wal", 0);
                          return decide_status(order, OrderStatus::confirmed);
                        },
                        2000),
                    Contains("was overwritten while"));
}

TEST_CASE("a log that is emptied as SQLite does it is no fault", "[store][files]") {
  TempDir dir;
  SqliteStore store(exclusive_options(dir.file()));
  add_sample_shop(store);
  store.create_order(sample_order("o-1"));
  SqliteStore command(options_for(dir.file()));
  SECTION("by another connection") {
    execute_in(dir.file(), "PRAGMA wal_checkpoint(TRUNCATE);");
    REQUIRE(std::filesystem::file_size(dir.file() + "-wal") == 0);
  }
  SECTION("and begun anew") {
    execute_in(dir.file(), "PRAGMA wal_checkpoint(RESTART);");
  }
  SECTION("after the database has become smaller") {
    execute_in(dir.file(),
               "CREATE TABLE much (x); INSERT INTO much VALUES (zeroblob(400000)); "
               "PRAGMA wal_checkpoint(TRUNCATE);");
    CHECK_NOTHROW(store.check());
    execute_in(dir.file(), "DROP TABLE much; VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
  }
  CHECK_NOTHROW(store.check());
  CHECK_NOTHROW(store.create_order(sample_order("o-2")));
  CHECK_NOTHROW(command.create_order(sample_order("o-3")));
  CHECK_NOTHROW(store.check());
}

TEST_CASE("a log's index that is shortened ends nothing, and nothing is lost", "[store][files]") {
  TempDir dir;
  const auto index = dir.file() + "-shm";
  const auto refusal = Contains("\"" + index + "\" was overwritten while");
  {
    SqliteStore store(exclusive_options(dir.file()));
    add_sample_shop(store);
    store.create_order(sample_order("o-1"));
    const auto bytes = std::filesystem::file_size(index);
    std::filesystem::resize_file(
        index, GENERATE(std::uintmax_t{0}, std::uintmax_t{1}, std::uintmax_t{16384}));
    SECTION("when a read comes first") {
      CHECK(store.find_order("o-1"));
    }
    SECTION("when a change comes first") {
      CHECK_THROWS_WITH(store.create_order(sample_order("o-2")), refusal);
    }
    SECTION("when the server ends first") {}
    SECTION("more than once") {
      CHECK_THROWS_WITH(store.check(), refusal);
      std::filesystem::resize_file(index, 0);
      CHECK(store.find_order("o-1"));
      CHECK_THROWS_WITH(store.mark_broadcast({1}), refusal);
      CHECK(std::filesystem::file_size(index) == bytes);
    }
  }
  CHECK(find_again(dir.file(), "o-1"));
  CHECK_FALSE(find_again(dir.file(), "o-2"));
}

TEST_CASE("a database that is shortened by whole pages is noticed", "[store][files]") {
  TempDir dir;
  {
    SqliteStore store(exclusive_options(dir.file()));
    add_sample_shop(store);
  }
  SqliteStore store(exclusive_options(dir.file()));
  store.create_order(sample_order("o-0"));
  std::filesystem::resize_file(dir.file(), std::filesystem::file_size(dir.file()) - 4096);
  CHECK_THROWS_WITH(store.create_order(sample_order("o-1")), Contains("was overwritten while"));
  CHECK_THROWS_WITH(store.check(), Contains("was overwritten while"));
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
