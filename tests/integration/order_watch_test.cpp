// SPDX-License-Identifier: MIT
// examples/order_watch as its user has it: the real program against the real server.
#include "../support/ws_client.hpp"
#include "order_server.hpp"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast::test;

namespace {

using Environment = std::vector<std::pair<std::string, std::optional<std::string>>>;

/// A port that was free a moment ago, for a server that must restart on the same port.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(fd, raw, size) == 0);
  REQUIRE(::getsockname(fd, raw, &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::string url_of(std::uint16_t port) {
  return "http://127.0.0.1:" + std::to_string(port);
}

/// The program, without the tester's own environment.
class OrderWatch {
 public:
  OrderWatch(std::uint16_t port, std::vector<std::string> args, Environment environment = {})
      : process_(command(port, std::move(args), std::move(environment))) {}

  /// With the token of an account, which must never be printed.
  OrderWatch(const OrderServer& server, const Account& account, std::vector<std::string> args)
      : OrderWatch(server.port(), std::move(args), {{"ORDER_WATCH_TOKEN", account.token}}) {
    secret_ = account.token;
  }

  /// Reads JSON lines until one is accepted. Each line must be an object with an event.
  Json until(const std::function<bool(const Json&)>& accept) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      const auto line = process_.read_line(left);
      INFO("stderr: " << errors());
      REQUIRE(line.has_value());
      check_secret(*line);
      auto parsed = Json::parse(*line, nullptr, false);
      INFO(*line);
      REQUIRE(parsed.is_object());
      REQUIRE(parsed["event"].is_string());
      if (accept(parsed)) return parsed;
    }
  }
  Json until_state(const std::string& state) {
    return until(
        [&](const Json& line) { return line["event"] == "state" && line["state"] == state; });
  }
  Json until_order(const std::string& id, const std::string& status) {
    return until([&](const Json& line) {
      return line["event"] == "order" && line["order"]["id"] == id &&
             line["order"]["status"] == status;
    });
  }

  /// Reads plain lines until one has this text.
  std::string until_line(const std::string& text) {
    for (;;) {
      const auto line = process_.read_line(patience);
      INFO("stderr: " << errors());
      REQUIRE(line.has_value());
      check_secret(*line);
      if (line->find(text) != std::string::npos) return *line;
    }
  }
  /// Waits for this text on stderr.
  bool says(const std::string& text) {
    return eventually([&] {
      (void)process_.wait(std::chrono::milliseconds(20));
      return errors().find(text) != std::string::npos;
    });
  }

  [[nodiscard]] std::optional<int> exit_code() {
    const auto status = process_.wait(patience);
    check_secret(errors());
    return status ? status->code : std::nullopt;
  }
  [[nodiscard]] std::optional<int> interrupt() {
    process_.signal(SIGINT);
    return exit_code();
  }
  [[nodiscard]] std::string errors() const { return read_file(directory_.path() / "stderr"); }
  [[nodiscard]] std::string output() { return process_.read_to_end(patience); }

 private:
  Command command(std::uint16_t port, std::vector<std::string> args, Environment environment) {
    std::vector<std::string> argv = {ORDER_WATCH_PATH, "--server", url_of(port)};
    argv.insert(argv.end(), args.begin(), args.end());
    for (const auto* name : {"ORDER_WATCH_TOKEN", "ORDER_WATCH_PASSWORD"}) {
      bool is_set = false;
      for (const auto& [key, value] : environment) is_set |= key == name;
      if (!is_set) environment.emplace_back(name, std::nullopt);
    }
    return {std::move(argv), std::move(environment), directory_.path() / "stderr"};
  }
  void check_secret(const std::string& text) const {
    if (!secret_.empty()) CHECK(text.find(secret_) == std::string::npos);
  }

  TempDir directory_;
  ChildProcess process_;
  std::string secret_;
};

/// Runs the program in a shell's pipe. Returns stdout and the exit code.
std::pair<std::string, std::optional<int>> shell(const std::string& script,
                                                 Environment environment = {}) {
  const TempDir directory;
  environment.emplace_back("WATCH", ORDER_WATCH_PATH);
  ChildProcess process(
      {{"/bin/sh", "-c", script}, std::move(environment), directory.path() / "stderr"});
  auto output = process.read_to_end(patience);
  const auto status = process.wait(patience);
  return {std::move(output), status ? status->code : std::nullopt};
}

}  // namespace

TEST_CASE("order_watch shows an order at once, and each change of it", "[order_watch]") {
  OrderServer server;
  const auto order = server.new_order(demo().customer);
  OrderWatch watch(server, demo().customer, {"--json", "--order", id_of(order)});
  watch.until_state("open");
  const auto first = watch.until_order(id_of(order), "PENDING");
  CHECK(first["order"] == server.order(id_of(order)));
  REQUIRE(server.as(demo().admin).set_status(id_of(order), "CONFIRMED").status == 200);
  watch.until_order(id_of(order), "CONFIRMED");
  CHECK(watch.interrupt() == 0);
}

TEST_CASE("order_watch --all shows new orders without being asked again", "[order_watch]") {
  OrderServer server;
  OrderWatch watch(server, demo().admin, {"--json", "--all"});
  watch.until_state("open");
  watch.until([](const Json& line) { return line["event"] == "order"; });
  const auto order = server.new_order(demo().customer);
  watch.until_order(id_of(order), "PENDING");
  REQUIRE(server.as(demo().admin).set_status(id_of(order), "CANCELLED").status == 200);
  watch.until_order(id_of(order), "CANCELLED");
}

TEST_CASE("order_watch shows what changed while the server was down", "[order_watch]") {
  const auto port = free_port();
  OrderServer server({"--port", std::to_string(port)});
  const auto order = server.new_order(demo().customer);
  OrderWatch watch(server, demo().customer, {"--json", "--order", id_of(order)});
  watch.until_order(id_of(order), "PENDING");
  server.kill();
  CHECK(watch.until_state("waiting")["why"].is_string());
  {
    // Another server on the same database makes the change; the client never connects to it.
    const TempDir directory;
    ChildProcess elsewhere(order_server_command(server.database(), directory.path() / "log"));
    const auto ready = elsewhere.read_line(patience);
    REQUIRE(ready.has_value());
    const auto other_port = port_of_ready_line(*ready);
    REQUIRE(other_port.has_value());
    const ApiClient admin(*other_port, demo().admin.token);
    REQUIRE(admin.set_status(id_of(order), "CONFIRMED").status == 200);
    elsewhere.signal(SIGKILL);
    REQUIRE(elsewhere.wait(patience).has_value());
  }
  server.start();
  watch.until_order(id_of(order), "CONFIRMED");
  CHECK(watch.interrupt() == 0);
}

TEST_CASE("order_watch logs in, with the password from the environment or stdin", "[order_watch]") {
  OrderServer server;
  OrderWatch watch(server.port(), {"--json", "--email", "customer@martly.dev"},
                   {{"ORDER_WATCH_PASSWORD", "customer123"}});
  watch.until_state("open");
  watch.until([](const Json& line) { return line["event"] == "order"; });

  const auto [output, code] =
      shell("echo customer123 | $WATCH --json --email customer@martly.dev --server " +
                url_of(server.port()) + " | head -n 3",
            {{"ORDER_WATCH_PASSWORD", std::nullopt}});
  CHECK(output.find(R"("state":"open")") != std::string::npos);
  CHECK(code == 0);
}

TEST_CASE("order_watch ends with 3 when the password or the token is refused", "[order_watch]") {
  OrderServer server;
  OrderWatch password(server.port(), {"--email", "customer@martly.dev"},
                      {{"ORDER_WATCH_PASSWORD", "not the password"}});
  CHECK(password.exit_code() == 3);
  CHECK(password.errors().find("refused the e-mail address or the password") != std::string::npos);
  CHECK(password.errors().find("not the password") == std::string::npos);

  OrderWatch token(server.port(), {}, {{"ORDER_WATCH_TOKEN", "no-token-at-all"}});
  CHECK(token.exit_code() == 3);
  CHECK(token.errors().find("refused the token") != std::string::npos);
  CHECK(token.errors().find("no-token-at-all") == std::string::npos);
}

TEST_CASE("order_watch ends with 4 when none of the orders may be watched", "[order_watch]") {
  OrderServer server;
  const auto order = server.new_order(demo().customer2);
  OrderWatch watch(server, demo().customer, {"--order", id_of(order), "--order", "no-such-order"});
  CHECK(watch.exit_code() == 4);
  CHECK(watch.errors().find("no such order, or not yours") != std::string::npos);
}

TEST_CASE("order_watch keeps trying when the server can't be reached", "[order_watch]") {
  OrderWatch watch(free_port(), {}, {{"ORDER_WATCH_TOKEN", "token"}});
  CHECK(watch.says("not live (Connection refused), trying again in 1 s"));
  CHECK(watch.says("trying again in 2 s"));
  CHECK(watch.interrupt() == 0);

  OrderWatch login(free_port(), {"--email", "a@b.c"}, {{"ORDER_WATCH_PASSWORD", "x"}});
  CHECK(login.says("trying again in 1 s"));
  CHECK(login.interrupt() == 0);
}

TEST_CASE("order_watch writes a line for each order, and ends with its reader", "[order_watch]") {
  OrderServer server;
  OrderWatch watch(server, demo().customer, {});
  CHECK(watch.until_line("PENDING").find("version ") != std::string::npos);
  CHECK(watch.says("order_watch: live"));

  const Environment token = {{"ORDER_WATCH_TOKEN", demo().customer.token}};
  const auto start = "$WATCH --server " + url_of(server.port());
  CHECK(shell("exec 3>&1; { " + start + "; echo $? >&3; } | head -n 1 >/dev/null", token).first ==
        "0\n");
  CHECK(shell(start + " >/dev/full; echo $?", token).first == "1\n");
}

TEST_CASE("order_watch explains mistakes and exits with 2", "[order_watch]") {
  const auto complaint = [](std::vector<std::string> args, Environment environment) {
    OrderWatch watch(1, std::move(args), std::move(environment));
    CHECK(watch.exit_code() == 2);
    return watch.errors();
  };
  const auto has = [](const std::string& text, const char* part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  has(complaint({}, {}), "no user: set --email");
  has(complaint({"--nonsense"}, {}), "nonsense");
  has(complaint({"--token-file", "/nowhere"}, {}), "/nowhere");
  has(complaint({"--order", ""}, {{"ORDER_WATCH_TOKEN", "t"}}), "order id");
  has(complaint({"--order", "a", "--all"}, {{"ORDER_WATCH_TOKEN", "t"}}), "--all");
  has(complaint({"--limit", "101"}, {{"ORDER_WATCH_TOKEN", "t"}}), "--limit");

  const auto [help, code] = shell("$WATCH --help");
  CHECK(code == 0);
  for (const auto* part : {"--server", "--json", "ORDER_WATCH_PASSWORD", "Exit codes"})
    has(help, part);
}
