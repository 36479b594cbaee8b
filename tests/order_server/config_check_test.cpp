// SPDX-License-Identifier: MIT
// `order_server check-config`: finds all that a start would refuse, and leaves nothing behind.
#include "config_check.hpp"

#include "command_output.hpp"
#include "config_fixture.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace order_server;
using Catch::Matchers::Contains;

namespace {

struct Operator {
  [[nodiscard]] Ran check(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "check-config");
    REQUIRE(is_check_command(arguments));
    const Output out;
    const Output err;
    const auto environment = [this](const char* name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
    const int code = run_check_command(arguments, environment, out.file(), err.file());
    return {code, out.text(), err.text()};
  }
  /// Writes a file beside the database and returns its name.
  [[nodiscard]] std::string file(const std::string& name, const std::string& content) const {
    auto path = (std::filesystem::path(dir.file()).parent_path() / name).string();
    std::ofstream(path) << content;
    return path;
  }

  TempDir dir;
  Variables variables = good_secrets;
};

}  // namespace

TEST_CASE("a configuration that a start accepts is good, and the check creates no database",
          "[config]") {
  const Operator op;
  const auto ran = op.check({"--db", op.dir.file()});
  CHECK(ran.err.find("--") == std::string::npos);
  CHECK(ran.code == 0);
  CHECK(ran.out == "the configuration can be used\n");
  CHECK_FALSE(std::filesystem::exists(op.dir.file()));
}

TEST_CASE("every wrong setting stands on a line of its own with what is allowed", "[config]") {
  Operator op;
  op.variables = {{"JWT_SECRET", "short"}, {"RAZORPAY_KEY_ID", "key"}};
  const auto ran = op.check({"--port", "99999", "--transport", "beast", "--threads=0", "--tls-cert",
                             op.file("cert.pem", "x"), "--db", op.dir.file()});
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err, Contains("--port: '99999' is not allowed; allowed is a whole number from 0"));
  CHECK_THAT(ran.err, Contains("\n--transport: 'beast' is not allowed; allowed are"));
  CHECK_THAT(ran.err, Contains("\n--threads: '0' is not allowed"));
  CHECK_THAT(ran.err, Contains("\n--tls-cert and --tls-key: set both or neither\n"));
  CHECK_THAT(ran.err, Contains("\nJWT_SECRET has 5 bytes; it needs at least 32"));
  CHECK_THAT(ran.err, Contains("\nRAZORPAY_KEY_ID is set and RAZORPAY_KEY_SECRET is not"));
  CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 6);
  CHECK(ran.out.empty());
}

TEST_CASE("wrong values of a config file are all found", "[config]") {
  const Operator op;
  const auto file = op.file("shop.conf", "threads=0\nlog-level=loud\n");
  const auto ran = op.check({"--config", file, "--db", op.dir.file()});
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err, Contains("--threads: '0' is not allowed"));
  CHECK_THAT(ran.err, Contains("--log-level: 'loud' is not allowed"));
}

TEST_CASE("what settings name is looked at, and all of it is told", "[config]") {
  Operator op;
  op.variables["FCM_SERVICE_ACCOUNT"] = op.file("account.json", R"({"project_id":"shop"})");
  const auto pem = op.file("cert.pem", "no certificate");
  const auto ran = op.check({"--host", "203.0.113.7", "--tls-cert", pem, "--tls-key", pem, "--db",
                             op.file("note.txt", "not a database, and longer than its header is: " +
                                                     std::string(100, '.'))});
  CHECK(ran.code == 1);
  CHECK_THAT(ran.err, Contains("--host: can't listen on '203.0.113.7'"));
  CHECK_THAT(ran.err, Contains("\n--tls-cert, --tls-key: "));
  CHECK_THAT(ran.err, Contains("\nFCM_SERVICE_ACCOUNT: the service account"));
  CHECK_THAT(ran.err, Contains("has no client_email\n"));
  CHECK_THAT(ran.err, Contains("note.txt\": it is no SQLite database\n"));
}

TEST_CASE("a new database that a start would refuse to fill is found", "[config]") {
  Operator op;
  const auto open = op.check({"--host", "0.0.0.0", "--db", op.dir.file()});
  CHECK(open.code == 1);
  CHECK_THAT(open.err, Contains("--db: the database is empty, and other machines can reach"));
  op.variables.erase("JWT_SECRET");
  const auto unsigned_shop = op.check({"--demo-data", "off", "--db", op.dir.file()});
  CHECK(unsigned_shop.code == 1);
  CHECK_THAT(unsigned_shop.err, Contains("JWT_SECRET is not set"));
  CHECK_FALSE(std::filesystem::exists(op.dir.file()));
}

TEST_CASE("a database of a newer program or in a missing folder is found", "[config]") {
  const Operator op;
  static_cast<void>(SqliteStore(options_for(op.dir.file())));
  CHECK(op.check({"--db", op.dir.file()}).code == 0);
  std::fstream file(op.dir.file(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(60);  // user_version
  file.write("\0\0\0\x63", 4);
  file.close();
  CHECK_THAT(op.check({"--db", op.dir.file()}).err, Contains("it has schema version 99"));
  const auto lost = op.check({"--db", op.dir.file() + ".d/shop.db"});
  CHECK(lost.code == 1);
  CHECK_THAT(lost.err, Contains("its folder: "));
}

TEST_CASE("a PostgreSQL server that can't be reached is found", "[config]") {
  const Operator op;
  const auto ran = op.check({"--db", "postgres://shop@127.0.0.1:1/shop"});
  CHECK(ran.code == 1);
  CHECK_THAT(ran.err, Contains("--db: "));
}

TEST_CASE("the check's help lists the options of a start", "[config]") {
  const auto ran = Operator().check({"--help"});
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Contains("check-config") && Contains("--tls-cert"));
}
