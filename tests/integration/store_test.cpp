// SPDX-License-Identifier: MIT
#include "sqlite_lock.hpp"
#include "watcher.hpp"

#include <catch2/catch.hpp>
#include <sys/resource.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

void run_sql(const std::filesystem::path& database, const char* sql) {
  sqlite3* connection = nullptr;
  REQUIRE(sqlite3_open(database.c_str(), &connection) == SQLITE_OK);
  sqlite3_busy_timeout(connection, 10'000);
  CHECK(sqlite3_exec(connection, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(connection);
}

/// Waits until a look-up has failed; the server keeps running.
void wait_for_failed_lookup(const OrderServer& server) {
  REQUIRE(eventually([&] {
    return server.anonymous().get("/healthz").status == 200 &&
           server.log().find("look-ups of orders can't be answered") != std::string::npos;
  }));
}

/// A start that must fail: its exit code and its message.
struct FailedStart {
  explicit FailedStart(const std::vector<std::string>& args,
                       const std::filesystem::path& database = {}) {
    TempDir directory;
    const auto log = directory.path() / "stderr.log";
    auto command =
        order_server_command(database.empty() ? directory.path() / "orders.db" : database, log);
    command.argv.insert(command.argv.end(), args.begin(), args.end());
    ChildProcess process(command);
    status = process.wait(patience).value_or(ExitStatus{});
    text = read_file(log);
    CHECK(process.read_to_end(patience).empty());
  }

  ExitStatus status;
  std::string text;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a subscription that meets a locked database is answered when the lock is gone",
          "[unavailable]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer), "id");
  Watcher owner(server, demo().customer);
  Watcher stranger(server, demo().customer2);
  {
    const SqliteTotalLock lock(server.database());
    owner.subscribe(id, 0);
    stranger.subscribe(id, 0);
    wait_for_failed_lookup(server);
  }
  // The client does not ask again, and gets no denial before it.
  const auto messages = owner.read_until(update_of(id, 1));
  CHECK(count(messages, error_of("subscription_denied")) == 0);
  // A client that may not see it is denied once the server can tell.
  stranger.read_until(error_of("subscription_denied"));
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  owner.read_until(update_of(id, 2));
}

TEST_CASE("a snapshot that can't be read is not an empty one", "[unavailable]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer), "id");
  Watcher owner(server, demo().customer);
  // The server can read who may see the order, but not its contents.
  run_sql(server.database(), "ALTER TABLE order_items RENAME TO items_elsewhere");
  owner.subscribe(id, 0);
  wait_for_failed_lookup(server);
  run_sql(server.database(), "ALTER TABLE items_elsewhere RENAME TO order_items");
  const auto messages = owner.read_until(update_of(id, 1));
  CHECK(count(messages, error_of("subscription_denied")) == 0);
}

TEST_CASE("a second server on one database refuses to start and says why", "[store]") {
  OrderServer server;
  const FailedStart second({}, server.database());
  INFO(second.text);
  CHECK(second.status.code == 1);
  CHECK(contains(second.text, "another order_server is serving it"));
  CHECK(contains(second.text, server.database().string()));
  CHECK(server.anonymous().get("/readyz").status == 200);

  // Operators' commands work beside it.
  TempDir directory;
  Command command = order_server_command(server.database(), directory.path() / "stderr.log");
  command.argv = {command.argv.front(), "outbox", "list", "--db", server.database().string()};
  ChildProcess list(command);
  CHECK(list.read_to_end(patience) == "nothing has been given up\n");
  CHECK(list.wait(patience).value_or(ExitStatus{}).code == 0);

  // A killed server leaves nothing behind that stops the next one.
  server.kill();
  server.start();
  CHECK(server.anonymous().get("/readyz").status == 200);
}

TEST_CASE("a database file that is removed or replaced is noticed, and no change is accepted",
          "[store]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer), "id");
  const auto aside = server.database().parent_path() / "aside.db";
  SECTION("removed") {
    std::filesystem::rename(server.database(), aside);
  }
  SECTION("replaced by a copy") {
    std::filesystem::copy_file(server.database(), aside);
    std::filesystem::rename(server.database(), server.database().string() + ".was");
    std::filesystem::rename(aside, server.database());
    std::filesystem::rename(server.database().string() + ".was", aside);
  }
  CHECK(server.as(demo().manager).set_status(id, "CONFIRMED").status == 503);
  const auto readiness_becomes = [&](int status) {
    return eventually([&] { return server.anonymous().get("/readyz").status == status; });
  };
  CHECK(readiness_becomes(503));
  CHECK(server.anonymous().get("/healthz").status == 200);
  CHECK(contains(server.log(), server.database().string()));

  std::filesystem::rename(aside, server.database());
  CHECK(readiness_becomes(200));
  CHECK(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  CHECK(integer_of(server.order(id), "version") == 2);
}

TEST_CASE("a file size limit fails changes, loses nothing, and is over when it is raised",
          "[store]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer), "id");
  rlimit usual{};
  // Below what the log has already.
  const rlimit low{4096, RLIM_INFINITY};
  const pid_t pid = server.process().pid();
  REQUIRE(::prlimit(pid, RLIMIT_FSIZE, &low, &usual) == 0);
  CHECK(server.as(demo().manager).set_status(id, "CONFIRMED").status == 503);
  CHECK(server.anonymous().get("/healthz").status == 200);
  CHECK(integer_of(server.order(id), "version") == 1);
  REQUIRE(::prlimit(pid, RLIMIT_FSIZE, &usual, nullptr) == 0);
  CHECK(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  CHECK(integer_of(server.order(id), "version") == 2);
}

TEST_CASE("demo data is not served to others unasked", "[store]") {
  const FailedStart empty({"--host", "0.0.0.0"});
  INFO(empty.text);
  CHECK(empty.status.code == 1);
  for (const char* choice : {"--demo-data off", "--demo-data on", "--host 127.0.0.1"}) {
    CHECK(contains(empty.text, choice));
  }

  OrderServer server;
  REQUIRE(server.drain().code == 0);
  const FailedStart filled({"--host", "0.0.0.0", "--demo-data", "off"}, server.database());
  INFO(filled.text);
  CHECK(filled.status.code == 1);
  CHECK(contains(filled.text, "holds demo data"));
}
