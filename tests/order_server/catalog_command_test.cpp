// SPDX-License-Identifier: MIT
// `order_server store`, `product` and `backup`.
#include "command_output.hpp"
#include "domain/money.hpp"
#include "operators/commands.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace order_server;
using Catch::Matchers::Contains;

namespace {

struct Shopkeeper {
  Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--db", dir.file()});
    const Output out;
    const Output err;
    const bool is_backup = is_backup_command(arguments);
    REQUIRE(is_catalog_command(arguments) != is_backup);
    const int code = is_backup ? run_backup_command(arguments, out.file(), err.file())
                               : run_catalog_command(arguments, out.file(), err.file());
    return {code, out.text(), err.text()};
  }
  /// Returns the new id.
  std::string added(const std::vector<std::string>& arguments) const {
    const auto ran = run(arguments);
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    REQUIRE(ran.out.size() == 37);
    return ran.out.substr(0, 36);
  }
  [[nodiscard]] SqliteStore store() const { return SqliteStore(options_for(dir.file())); }

  TempDir dir;
};

}  // namespace

TEST_CASE("a store and its products are added with their ids alone on stdout", "[operators]") {
  const Shopkeeper op;
  const auto corner = op.added({"store", "add", "--org", "org-9", "--name", "Corner Shop"});
  const auto market = op.added({"store", "add", "--org", "org-9", "--name", "Market"});
  const auto rice =
      op.added({"product", "add", "--store", corner, "--name", "Rice, 1 kg", "--price", "12.50"});
  CHECK(op.store().find_shop(corner)->organization_id == "org-9");
  const auto products = op.store().list_products(corner);
  REQUIRE(products.size() == 1);
  CHECK(products[0].id == rice);
  CHECK(products[0].price_minor == 1250);

  const auto stores = op.run({"store", "list"});
  CHECK(stores.code == 0);
  CHECK_THAT(stores.out, Contains(corner) && Contains("Market") && Contains("org-9"));
  CHECK_THAT(op.run({"product", "list"}).out, Contains(rice) && Contains("12.50"));
  CHECK_THAT(op.run({"product", "list", "--store", market}).out, !Contains(rice));
}

TEST_CASE("what can't be sold is refused in words, and changes nothing", "[operators]") {
  const Shopkeeper op;
  CHECK_THAT(op.run({"store", "list"}).err, Contains("there is no database"));
  const auto corner = op.added({"store", "add", "--org", "org-9", "--name", "Corner Shop"});
  const auto unknown =
      op.run({"product", "add", "--store", "none", "--name", "Rice", "--price", "1"});
  CHECK(unknown.code == 1);
  CHECK_THAT(unknown.err, Contains("there is no store 'none'"));
  CHECK(op.run({"product", "list", "--store", "none"}).code == 1);
  for (const char* price : {"", "-1", "1.234", "1,50", "1e3", ".5", "1.", "0x10", " 1",
                            "10000000000.01", "99999999999999999999"}) {
    CAPTURE(price);
    const auto ran =
        op.run({"product", "add", "--store", corner, "--name", "Rice", "--price", price});
    CHECK(ran.code == 2);
    CHECK_THAT(ran.err, Contains("--price"));
  }
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"store"},
        {"store", "add", "--name", "No organization"},
        {"store", "add", "--org", "", "--name", "Shop"},
        {"store", "add", "--org", "o", "--name", std::string(201, 'x')},
        {"store", "add", "--org", "o", "--name", "a\nb"},
        {"store", "add", "--org", " o", "--name", "Shop"},
        {"store", "add", "--org", "o", "--name", "Shop "},
        {"product", "remove"}}) {
    CHECK(op.run(wrong).code == 2);
  }
  CHECK(op.store().list_products("").empty());
  CHECK(op.store().list_shops().size() == 1);
}

TEST_CASE("a price is read as it is written", "[money]") {
  CHECK(parse_minor("0") == 0);
  CHECK(parse_minor("0.07") == 7);
  CHECK(parse_minor("12") == 1200);
  CHECK(parse_minor("12.5") == 1250);
  CHECK(parse_minor("9999999999999999.99") == 999999999999999999);
  for (const char* text :
       {"", ".", "1.", ".1", "1.001", "+1", "-0", "1 ", "1.-1", "1..1", "10000000000000000"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_minor(text));
  }
}

TEST_CASE("a backup is whole while a server writes, and another store once it is served",
          "[operators]") {
  const Shopkeeper op;
  auto options = options_for(op.dir.file());
  options.exclusive = true;
  SqliteStore server(options);
  server.add_shop({"store-1", "org-1", "In the log alone"});
  const auto file = op.dir.file("copy.db");
  const auto ran = op.run({"backup", file});
  INFO(ran.err);
  CHECK(ran.code == 0);
  CHECK(ran.out.empty());
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK_FALSE(std::filesystem::exists(file + "-wal"));
  auto copied = options_for(file);
  copied.exclusive = true;
  SqliteStore copy(copied);
  CHECK(copy.find_shop("store-1"));
  CHECK(copy.epoch() != server.epoch());
}

TEST_CASE("a name that SQLite takes for something else than a file is refused", "[operators]") {
  const Shopkeeper op;
  op.added({"store", "add", "--org", "org-1", "--name", "Corner Shop"});
  const std::filesystem::path elsewhere("backup-elsewhere.db");
  for (const std::string name :
       {":memory:", "file:backup-elsewhere.db", "file:backup-elsewhere.db?mode=memory"}) {
    CAPTURE(name);
    const auto ran = op.run({"backup", name});
    CHECK(ran.code == 1);
    CHECK_THAT(ran.err, Contains("not the name of a file"));
    CHECK_FALSE(std::filesystem::exists(name));
    CHECK_FALSE(std::filesystem::exists(elsewhere));
    CHECK_THROWS_WITH(SqliteStore(options_for(name)), Contains("not the name of a file"));
    CHECK_FALSE(std::filesystem::exists(name));
  }
}

TEST_CASE("a backup overwrites nothing and leaves nothing half done", "[operators]") {
  const Shopkeeper op;
  CHECK_THAT(op.run({"backup", op.dir.file("copy.db")}).err, Contains("there is no database"));
  op.added({"store", "add", "--org", "o", "--name", "Shop"});
  const auto file = op.dir.file("taken");
  std::ofstream(file) << "mine";
  const auto ran = op.run({"backup", file});
  CHECK(ran.code == 1);
  CHECK_THAT(ran.err, Contains("there is such a file already"));
  CHECK(std::filesystem::file_size(file) == 4);
  CHECK(op.run({"backup", "/no/such/folder/copy.db"}).code == 1);
  CHECK(op.run({"backup"}).code == 2);
  CHECK(op.run({"backup", ""}).code == 2);
  std::ofstream(op.dir.file("text"), std::ios::trunc) << std::string(4096, 'x');
  const Output out;
  const Output err;
  CHECK(run_backup_command({"backup", op.dir.file("copy.db"), "--db", op.dir.file("text")},
                           out.file(), err.file()) == 1);
  CHECK_FALSE(std::filesystem::exists(op.dir.file("copy.db")));
}
