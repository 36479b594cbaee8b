// SPDX-License-Identifier: MIT
#include "order_server.hpp"

#include <catch2/catch.hpp>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// A start that should fail, or end by itself.
struct Attempt {
  TempDir directory;
  Command command = order_server_command(directory.path() / "orders.db", log_file());

  [[nodiscard]] std::filesystem::path log_file() const { return directory.path() / "stderr.log"; }

  void set(const std::string& name, const std::optional<std::string>& value) {
    for (auto& [key, current] : command.environment) {
      if (key == name) current = value;
    }
  }
};

}  // namespace

TEST_CASE("the server says where it listens in exactly one line on stdout", "[startup]") {
  OrderServer server;
  REQUIRE(server.anonymous().get("/healthz").status == 200);
  const auto id = text_of(server.new_order(demo().customer), "id");
  REQUIRE(server.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  REQUIRE(server.drain().code == 0);
  CHECK(server.process().read_to_end(patience).empty());
}

TEST_CASE("an empty database is filled with the demo data, and only once", "[startup]") {
  OrderServer server({}, Database::empty);
  const std::string all = "/api/v1/orders?pageSize=100";
  const auto first = server.as(demo().admin).get(all);
  REQUIRE(first.status == 200);
  const auto total = integer_of(member(first.json, "meta"), "total");
  CHECK(total >= 20);

  for (const auto* customer : {&demo().customer, &demo().customer2}) {
    const auto signed_in = server.anonymous().login(customer->email, customer->password);
    REQUIRE(signed_in.status == 200);
    const ApiClient own = server.as(text_of(signed_in.data(), "accessToken"));
    CHECK(integer_of(member(own.get("/api/v1/orders").json, "meta"), "total") >= 10);
    CHECK(integer_of(member(own.get("/api/v1/orders?status=PENDING").json, "meta"), "total") >= 1);
  }

  REQUIRE(server.drain().code == 0);
  server.start();
  CHECK(integer_of(member(server.as(demo().admin).get(all).json, "meta"), "total") == total);
}

TEST_CASE("the demo orders keep the rules of every order", "[startup]") {
  OrderServer server;
  const auto page = server.as(demo().admin).get("/api/v1/orders?pageSize=100");
  REQUIRE(page.status == 200);
  for (const auto& order : page.data()) {
    INFO(order.dump(2));
    const auto& logs = member(order, "statusLogs");
    REQUIRE_FALSE(logs.empty());
    CHECK(text_of(logs.front(), "status") == "PENDING");
    CHECK(text_of(logs.back(), "status") == text_of(order, "status"));
    CHECK(integer_of(order, "version") >= static_cast<long long>(logs.size()));
  }
}

TEST_CASE("--help lists the options and ends with success", "[startup]") {
  Attempt attempt;
  attempt.command.argv.emplace_back("--help");
  ChildProcess process(attempt.command);
  const auto text = process.read_to_end(patience);
  const auto ended = process.wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code == 0);
  for (const auto* option :
       {"--host", "--port", "--db", "--threads", "--transport", "--drain-seconds",
        "--allowed-origins", "--trusted-proxies", "--ops-port"}) {
    CAPTURE(option);
    CHECK(text.find(option) != std::string::npos);
  }
  for (const auto* variable : {"JWT_SECRET", "RAZORPAY_KEY_SECRET", "FCM_SERVICE_ACCOUNT"}) {
    CAPTURE(variable);
    CHECK(text.find(variable) != std::string::npos);
  }
}

TEST_CASE("a bad configuration ends the start with an error on stderr and none on stdout",
          "[startup]") {
  Attempt attempt;
  SECTION("a JWT_SECRET under 32 bytes") {
    attempt.set("JWT_SECRET", std::string(31, 's'));
  }
  SECTION("an unknown option") {
    attempt.command.argv.emplace_back("--no-such-option");
  }
  SECTION("a port that is no number") {
    attempt.command.argv.insert(attempt.command.argv.end(), {"--port", "seven"});
  }
  SECTION("a database in a folder that does not exist") {
    attempt.command.argv.insert(attempt.command.argv.end(),
                                {"--db", (attempt.directory.path() / "no" / "where.db").string()});
  }
  SECTION("an unknown transport") {
    attempt.command.argv.insert(attempt.command.argv.end(), {"--transport", "carrier-pigeon"});
  }
  ChildProcess process(attempt.command);
  const auto ended = process.wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code.value_or(0) != 0);
  CHECK(process.read_to_end(patience).empty());
  CHECK_FALSE(read_file(attempt.log_file()).empty());
}

TEST_CASE("a start that is refused leaves no database", "[startup]") {
  Attempt attempt;
  std::optional<OrderServer> other;
  std::string named;
  const auto give = [&](std::vector<std::string> arguments) {
    attempt.command.argv.insert(attempt.command.argv.end(), arguments.begin(), arguments.end());
  };
  SECTION("a host that is none of this machine") {
    give({"--host", "192.0.2.1", "--demo-data", "off"});
    named = "--host";
  }
  SECTION("a host that does not resolve, before the rule on demo data") {
    give({"--host", "256.1.1.1"});
    named = "--host: cannot listen on 256.1.1.1";
  }
  SECTION("a port that is taken") {
    other.emplace();
    give({"--port", std::to_string(other->port())});
    named = "--port";
  }
  SECTION("demo data that others would reach, unasked") {
    give({"--host", "0.0.0.0"});
    named = "--demo-data";
  }
  SECTION("no secret") {
    attempt.set("JWT_SECRET", std::nullopt);
    give({"--demo-data", "off"});
    named = "JWT_SECRET";
  }
  SECTION("a certificate that is none") {
    const auto file = (attempt.directory.path() / "some.pem").string();
    std::ofstream(file) << "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n";
    give({"--tls-cert", file, "--tls-key", file});
    named = "--tls-cert";
  }
  ChildProcess process(attempt.command);
  const auto ended = process.wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code.value_or(0) != 0);
  CHECK(read_file(attempt.log_file()).find(named) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(attempt.directory.path() / "orders.db"));
}

TEST_CASE("a port that is taken ends the start with an error", "[startup]") {
  const OrderServer first;
  Attempt attempt;
  attempt.command.argv.insert(attempt.command.argv.end(), {"--port", std::to_string(first.port())});
  ChildProcess second(attempt.command);
  const auto ended = second.wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code.value_or(0) != 0);
  CHECK(second.read_to_end(patience).empty());
}

TEST_CASE("without JWT_SECRET the demo makes a random one, says so, and works", "[startup]") {
  Attempt attempt;
  attempt.set("JWT_SECRET", std::nullopt);
  ChildProcess process(attempt.command);
  const auto line = process.read_line(patience);
  REQUIRE(line.has_value());
  const auto port = port_of_ready_line(*line);
  REQUIRE(port.has_value());
  CHECK(read_file(attempt.log_file()).find("JWT_SECRET") != std::string::npos);

  const auto reply = ApiClient(*port).login("admin@martly.dev", "admin123");
  REQUIRE(reply.status == 200);
  const ApiClient admin(*port, text_of(reply.data(), "accessToken"));
  CHECK(admin.get("/api/v1/auth/me").status == 200);

  const ApiClient guesser(*port, token_for("someone", "SUPER_ADMIN"));
  CHECK(guesser.get("/api/v1/orders").status == 401);
}

TEST_CASE("the server raises its own limit on open files", "[startup]") {
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  const rlimit low{256, usual.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  OrderServer server;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
  const auto most = std::min<double>(static_cast<double>(usual.rlim_max), 1'048'576);
  CHECK(server.metric("process_max_fds") == most);
}

TEST_CASE("too low a limit on open files is an error at the start", "[startup]") {
  Attempt attempt;
  // A child inherits both limits, and may not raise the hard one.
  attempt.command.argv.insert(attempt.command.argv.begin(),
                              {"/bin/sh", "-c", "ulimit -n 36 && exec \"$0\" \"$@\""});
  ChildProcess process(attempt.command);
  const auto ended = process.wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code.value_or(0) != 0);
  CHECK(read_file(attempt.log_file()).find("the limit on open files is 36") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(attempt.directory.path() / "orders.db"));
}

TEST_CASE("a demo says that it is one, and warns once of a proxy that forwards to it",
          "[startup]") {
  OrderServer server;
  const auto health = server.anonymous().get("/healthz");
  REQUIRE(health.status == 200);
  CHECK(health.data().count("demo") == 0);  // a payment secret is set: no test payments
  const auto warned = [&] { return server.log().find("a proxy forwards requests to demo data"); };
  CHECK(warned() == std::string::npos);
  for (int i = 0; i < 2; ++i) {
    CHECK(server.anonymous().get("/healthz", {{"X-Forwarded-For", "203.0.113.1"}}).status == 200);
  }
  REQUIRE(server.drain().code == 0);
  CHECK(warned() != std::string::npos);
  CHECK(server.log().find("a proxy forwards requests to demo data", warned() + 1) ==
        std::string::npos);
}
