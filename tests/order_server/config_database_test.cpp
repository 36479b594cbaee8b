// SPDX-License-Identifier: MIT
#include "command_output.hpp"
#include "config.hpp"
#include "operators/commands.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// A database that nodes share, as the command line and the environment name it.
using namespace order_server;

namespace {

using Catch::Matchers::Contains;
using Variables = std::map<std::string, std::string>;

const std::string url = "postgres://shop@127.0.0.1:1/shop";

/// With these variables beside a JWT secret; or without one where it is given as "".
std::variant<Config, ConfigExit> parse(const std::string& db, Variables variables = {}) {
  variables.emplace("JWT_SECRET", std::string(32, 's'));
  if (variables["JWT_SECRET"].empty()) variables.erase("JWT_SECRET");
  return parse_config({"--db", db}, [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

std::string error_of(const std::variant<Config, ConfigExit>& parsed) {
  const auto* end = std::get_if<ConfigExit>(&parsed);
  return end == nullptr ? "no error" : end->error;
}

template <class Command>
Ran run(Command command, const std::vector<std::string>& words) {
  const Output out;
  const Output err;
  const int code = command(words, out.file(), err.file());
  return {code, out.text(), err.text()};
}

}  // namespace

TEST_CASE("a shared database's password comes from the environment alone", "[config][postgres]") {
  const auto parsed = parse(url, {{"DB_PASSWORD", "s3cret"}});
  REQUIRE(std::holds_alternative<Config>(parsed));
  CHECK(std::get<Config>(parsed).db == url);
  CHECK(std::get<Config>(parsed).db_password == "s3cret");
  CHECK(std::get<Config>(parse(url)).db_password.empty());

  const auto error = error_of(parse("postgres://shop:s3cret@127.0.0.1/shop"));
  CHECK_THAT(error, Contains("--db") && Contains("DB_PASSWORD_FILE") && !Contains("s3cret"));
  CHECK_THAT(error_of(parse(url, {{"DB_PASSWORD", "a"}, {"DB_PASSWORD_FILE", "b"}})),
             Contains("DB_PASSWORD and DB_PASSWORD_FILE are both set"));
}

TEST_CASE("a URL that can't be read is an error of --db", "[config][postgres]") {
  CHECK_THAT(error_of(parse("postgres://shop@[host/")),
             Contains("--db") && Contains("postgres://USER@HOST:PORT/DATABASE"));
}

TEST_CASE("nodes that share a database need a JWT secret, on loopback too", "[config][postgres]") {
  CHECK_THAT(error_of(parse(url, {{"JWT_SECRET", ""}})), Contains("JWT_SECRET is not set"));
  CHECK(error_of(parse("shop.db", {{"JWT_SECRET", ""}})) == "no error");
}

TEST_CASE("commands on a shared database say why it is not reached, and what copies it",
          "[operators][postgres]") {
  const auto listed = run(&run_outbox_command, {"outbox", "list", "--db", url});
  CHECK(listed.code == 1);
  CHECK_THAT(listed.err, Contains("cannot connect to " + url));
  const auto copied = run(&run_backup_command, {"backup", "copy.db", "--db", url});
  CHECK(copied.code == 1);
  CHECK_THAT(copied.err, Contains("pg_dump"));
}
