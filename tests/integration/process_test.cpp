// SPDX-License-Identifier: MIT
#include "order_server.hpp"
#include "process_faults.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast::test;

namespace {

/// A server with unusual standard streams.
struct OddServer {
  explicit OddServer(std::filesystem::path log) : log_file(std::move(log)) {}

  void start(const std::string& redirections = {}) {
    auto command = order_server_command(directory.path() / "orders.db", log_file);
    if (!redirections.empty()) {
      command.argv.insert(command.argv.begin(),
                          {"/bin/sh", "-c", "exec \"$@\" " + redirections, "sh"});
    }
    process = std::make_unique<ChildProcess>(command);
  }
  std::uint16_t port() {
    const auto line = process->read_line(patience);
    REQUIRE(line.has_value());
    const auto found = port_of_ready_line(*line);
    REQUIRE(found.has_value());
    return *found;
  }
  void expect_drain() {
    process->signal(SIGTERM);
    const auto ended = process->wait(patience);
    REQUIRE(ended.has_value());
    CHECK(ended->code == 0);
  }
  /// Starts the server and crashes it with a fatal signal.
  void crash(int signal) {
    start();
    static_cast<void>(port());
    process->signal(signal);
    const auto ended = process->wait(patience);
    REQUIRE(ended.has_value());
    CHECK(ended->signal == signal);
  }

  TempDir directory;
  std::filesystem::path log_file;
  std::unique_ptr<ChildProcess> process;
};

void set_limit(const OrderServer& server, __rlimit_resource resource, rlim_t soft) {
  set_soft_limit(const_cast<OrderServer&>(server).process().pid(), resource, soft);
}

}  // namespace

TEST_CASE("no public signal but TERM, INT and HUP means anything, and TERM drains after all others",
          "[process]") {
  OrderServer server;
  auto& process = server.process();
  for (const int signal :
       {SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR,
        SIGSTKFLT, SIGCHLD, SIGURG, SIGWINCH, SIGCONT, SIGHUP, SIGRTMIN, SIGRTMIN + 1, SIGRTMAX}) {
    CAPTURE(signal);
    process.signal(signal);
    CHECK(server.anonymous().get("/readyz").status == 200);
  }
  CHECK(server.drain().code == 0);
}

TEST_CASE("SIGUSR1 and then SIGTERM ends a server", "[process]") {
  OrderServer server;
  server.process().signal(SIGUSR1);
  CHECK(server.drain().code == 0);
}

TEST_CASE("a stderr that nobody reads keeps neither the server from serving nor TERM from draining",
          "[process]") {
  TempDir directory;
  const auto path = directory.path() / "stderr";
  const FullPipe full(path);
  OddServer server(path);
  server.start();
  const ApiClient anonymous(server.port());
  const auto reply = anonymous.login("customer@martly.dev", "customer123");
  REQUIRE(reply.status == 200);
  const ApiClient customer(anonymous.port(), text_of(reply.data(), "accessToken"));
  REQUIRE(customer.post("/api/v1/devices", {{"token", std::string(40, 't')}, {"platform", "web"}})
              .status == 200);
  const auto orders = customer.get("/api/v1/orders?status=PENDING").data();
  REQUIRE_FALSE(orders.empty());
  // The server logs a push for every change.
  for (const auto& order : orders) {
    REQUIRE(customer.cancel(text_of(order, "id")).status == 200);
  }
  CHECK(anonymous.get("/readyz").status == 200);
  CHECK(anonymous.get("/metrics").body.find("\nordercast_log_dropped_total ") != std::string::npos);
  server.expect_drain();
}

TEST_CASE("a start that fails says so and ends, though nobody reads its stderr", "[process]") {
  TempDir directory;
  const auto path = directory.path() / "stderr";
  const FullPipe full(path);
  auto command = order_server_command(directory.path() / "no" / "orders.db", path);
  ChildProcess process(command);
  const auto ended = process.wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code == 1);
}

TEST_CASE("a lower limit on file sizes is an error of the store and not the end", "[process]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer), "id");
  set_limit(server, RLIMIT_FSIZE, 1);
  const auto refused = server.as(demo().admin).set_status(id, "CONFIRMED");
  CHECK(refused.status == 503);
  CHECK(server.anonymous().get("/healthz").status == 200);
  set_limit(server, RLIMIT_FSIZE, RLIM_INFINITY);
  CHECK(text_of(server.order(id), "status") == "PENDING");
  CHECK(server.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
  CHECK(integer_of(server.order(id), "version") == 2);
  server.settle();
}

TEST_CASE("a server that has no descriptor left serves again when it has", "[process]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer), "id");
  set_limit(server, RLIMIT_NOFILE, 4);
  RawSocket waiting;
  REQUIRE(waiting.connect("127.0.0.1", server.port()));
  REQUIRE(waiting.send_bytes("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  set_limit(server, RLIMIT_NOFILE, 4096);
  CHECK(eventually([&] { return server.anonymous().get("/readyz").status == 200; }));
  CHECK(server.as(demo().admin).set_status(id, "CONFIRMED").status == 200);
}

TEST_CASE("a start with closed descriptors writes no log into the database", "[process]") {
  const auto* closed = GENERATE("0<&-", "2>&-", "0<&- 2>&-");
  CAPTURE(closed);
  TempDir directory;
  OddServer server(directory.path() / "stderr.log");
  server.start(closed);
  const ApiClient anonymous(server.port());
  CHECK(anonymous.get("/readyz").status == 200);
  CHECK(anonymous.login("customer@martly.dev", "customer123").status == 200);
  server.expect_drain();

  // A later start can use the database, and it begins like an SQLite file.
  CHECK(read_file(server.directory.path() / "orders.db").substr(0, 15) == "SQLite format 3");
  server.start();
  CHECK(ApiClient(server.port()).login("customer@martly.dev", "customer123").status == 200);
  server.expect_drain();
}

TEST_CASE("readiness is answered while many ask for metrics and read nothing", "[process]") {
  OrderServer server;
  std::string many;
  for (int i = 0; i < 32; ++i) many += "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  std::vector<RawSocket> askers(64);
  for (auto& asker : askers) {
    REQUIRE(asker.connect("127.0.0.1", server.port()));
    REQUIRE(asker.send_bytes(many));
    CHECK(server.anonymous().get("/readyz").status == 200);
  }
  // While too many requests wait, the server refuses further ones.
  CHECK(server.metric_becomes("ordercast_part_stalled", 0));
  CHECK(server.metric_becomes("ordercast_part_stalls_total", 0));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a fatal signal leaves one line with its name and a backtrace, and ends the process",
          "[process]") {
  const auto [number, name] = GENERATE(table<int, std::string>({{SIGSEGV, "SIGSEGV"},
                                                                {SIGBUS, "SIGBUS"},
                                                                {SIGFPE, "SIGFPE"},
                                                                {SIGILL, "SIGILL"},
                                                                {SIGABRT, "SIGABRT"}}));
  TempDir directory;
  OddServer server(directory.path() / "stderr.log");
  server.crash(number);
  const auto log = read_file(server.log_file);
  INFO(log);
  const auto at = log.find(std::string(crash_mark));
  REQUIRE(at != std::string::npos);
  CHECK(log.find(name, at) != std::string::npos);
  CHECK(log.find(std::string(crash_mark), at + 1) == std::string::npos);
  const auto report = log.substr(at);
  CHECK(std::count(report.begin(), report.end(), '\n') > 3);
}

TEST_CASE("a crash is an end also where nobody reads stderr", "[process]") {
  TempDir directory;
  const auto path = directory.path() / "stderr";
  const FullPipe full(path);
  OddServer server(path);
  server.crash(SIGSEGV);
}
#endif
