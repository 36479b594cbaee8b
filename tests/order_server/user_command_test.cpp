// SPDX-License-Identifier: MIT
#include "command_output.hpp"
#include "operators/commands.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

using namespace order_server;
using Catch::Matchers::Contains;

namespace {

struct Operator {
  Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "user");
    arguments.insert(arguments.end(), {"--db", dir.file()});
    REQUIRE(is_user_command(arguments));
    const Output out;
    const Output err;
    const int code = run_user_command(
        arguments, [this] { return typed; }, hasher, out.file(), err.file());
    return {code, out.text(), err.text()};
  }
  Ran add(const std::string& email, const std::string& role, const std::string& org = {}) const {
    std::vector<std::string> arguments{"add", "--email", email, "--role", role};
    if (!org.empty()) arguments.insert(arguments.end(), {"--org", org});
    return run(arguments);
  }
  [[nodiscard]] SqliteStore store() const { return SqliteStore(options_for(dir.file())); }

  TempDir dir;
  std::string typed = "a long password";
  PasswordHasher hasher{minimal_hash_cost};
};

}  // namespace

TEST_CASE("a user is added with the id alone on stdout, and can sign in with what was typed",
          "[operators]") {
  const Operator op;
  const auto ran = op.add("Ann@Shop.Example", "ORG_ADMIN", "org-9");
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  REQUIRE(ran.out.size() == 37);
  CHECK(ran.out.back() == '\n');
  const auto user = op.store().find_user(ran.out.substr(0, 36));
  REQUIRE(user);
  CHECK(user->email == "ann@shop.example");
  CHECK(user->name == "ann");
  CHECK(user->organization_id == "org-9");
  CHECK(op.hasher.verify(user->password_hash, "a long password"));
}

TEST_CASE("a password may come from a file, with one newline dropped", "[operators]") {
  Operator op;
  op.typed = "not this one";
  const auto file = op.dir.file("password");
  std::ofstream(file) << "from a file\n";
  const auto ran = op.run(
      {"add", "--email", "a@b.c", "--role", "CUSTOMER", "--password-file", file, "--name", "Ann"});
  CHECK(ran.code == 0);
  const auto user = op.store().find_user_by_email("a@b.c");
  REQUIRE(user);
  CHECK(user->name == "Ann");
  CHECK(op.hasher.verify(user->password_hash, "from a file"));

  const auto missing =
      op.run({"set-password", "--email", "a@b.c", "--password-file", "/no/such/file"});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, Contains("--password-file: the file '/no/such/file' can't be read"));
}

TEST_CASE("users are listed, disabled, enabled and given passwords by e-mail address",
          "[operators]") {
  Operator op;
  REQUIRE(op.add("b@shop.example", "CUSTOMER").code == 0);
  REQUIRE(op.add("a@shop.example", "SUPER_ADMIN").code == 0);
  CHECK(op.run({"disable", "--email", "B@shop.example"}).code == 0);
  auto list = op.run({"list"}).out;
  CHECK(list.find("a@shop.example") < list.find("b@shop.example"));
  CHECK_THAT(list, Contains("CUSTOMER      -                    disabled b"));
  CHECK_THAT(list, Contains("SUPER_ADMIN   -                    active   a"));
  const auto again = op.run({"disable", "--email", "b@shop.example"});
  CHECK(again.code == 0);
  CHECK_THAT(again.out, Contains("was disabled already"));
  CHECK(op.run({"enable", "--email", "b@shop.example"}).code == 0);
  CHECK(op.run({"list"}).out.find("disabled") == std::string::npos);

  op.typed = "a newer password";
  CHECK(op.run({"set-password", "--email", "b@shop.example"}).code == 0);
  const auto user = op.store().find_user_by_email("b@shop.example");
  CHECK(op.hasher.verify(user->password_hash, "a newer password"));
}

TEST_CASE("a wrong command line is 2, a failure 1, each one line that names it; nothing is made",
          "[operators]") {
  Operator op;
  struct Case {
    int code;
    std::vector<std::string> arguments;
    std::string named;
  };
  for (const auto& test : std::vector<Case>{
           {2, {}, "subcommand"},
           {2, {"remove"}, "subcommand"},
           {2, {"add", "--email", "a@b.c"}, "--role"},
           {2, {"add", "--role", "CUSTOMER"}, "--email"},
           {2, {"add", "--email", "nobody", "--role", "CUSTOMER"}, "'nobody' is no e-mail"},
           {2, {"add", "--email", "a b@c", "--role", "CUSTOMER"}, "'a b@c' is no e-mail"},
           {2, {"add", "--email", "a\x1B@c", "--role", "CUSTOMER"}, "'a\\x1B@c' is no e-mail"},
           {2, {"add", "--email", "a@b.c", "--role", "BOSS"}, "'BOSS' is not allowed"},
           {2, {"add", "--email", "a@b.c", "--role", "STAFF"}, "--role STAFF needs --org"},
           {2, {"add", "--email", "a@b.c", "--role", "CUSTOMER", "--org", "o"}, "leave --org out"},
           {2, {"add", "--email", "a@b.c", "--role", "CUSTOMER", "--name", "a\nb"}, "printable"},
           {2, {"disable"}, "--email"},
           {1, {"disable", "--email", "a@b.c"}, "there is no database"},
           {1, {"list"}, "there is no database"}}) {
    const auto ran = op.run(test.arguments);
    INFO(ran.err);
    CHECK(ran.code == test.code);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, Contains(test.named));
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
    CHECK(ran.err.find('\x1B') == std::string::npos);
  }
  for (const auto& password : std::vector<std::string>{"", "short", std::string(1025, 'x')}) {
    op.typed = password;
    const auto ran = op.add("a@b.c", "CUSTOMER");
    CHECK(ran.code == 1);
    CHECK_THAT(ran.err, Contains("8 to 1024 are allowed"));
    CHECK((password.empty() || ran.err.find(password) == std::string::npos));
  }
  CHECK_FALSE(std::filesystem::exists(op.dir.file()));

  op.typed = "a long password";
  REQUIRE(op.add("a@b.c", "CUSTOMER").code == 0);
  const auto twice = op.add("A@B.C", "CUSTOMER");
  CHECK(twice.code == 1);
  CHECK_THAT(twice.err, Contains("there is a user 'a@b.c' already"));
  CHECK_THAT(op.run({"enable", "--email", "x@y.z"}).err, Contains("there is no user 'x@y.z'"));
}

TEST_CASE("a number of an operators' command is decimal, and says what it may be", "[operators]") {
  const TempDir dir;
  for (const std::string limit : {"010", "0x10", "-1", "0", "1e3", "+5", ""}) {
    CAPTURE(limit);
    const Output out;
    const Output err;
    CHECK(run_outbox_command({"outbox", "list", "--limit=" + limit, "--db", dir.file()}, out.file(),
                             err.file()) == 2);
    CHECK_THAT(err.text(), Contains("--limit"));
  }
  const Output out;
  const Output err;
  CHECK(run_outbox_command({"outbox", "list", "--limit", "10", "--db", dir.file()}, out.file(),
                           err.file()) == 1);
  CHECK_THAT(err.text(), Contains("there is no database"));
}
