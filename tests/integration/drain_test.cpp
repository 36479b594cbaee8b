// SPDX-License-Identifier: MIT
#include "sqlite_lock.hpp"
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// A server whose drain waits for a change that waits for the disk.
struct Draining {
  explicit Draining(std::vector<std::string> args = {}) : server(std::move(args)) {
    order_id = text_of(server.new_order(demo().customer), "id");
  }

  void begin() {
    lock.emplace(server.database());
    REQUIRE(in_flight.connect("127.0.0.1", server.port()));
    REQUIRE(
        in_flight.send_bytes(server.as(demo().admin)
                                 .request_text("PATCH", "/api/v1/orders/" + order_id + "/status",
                                               R"({"status":"CONFIRMED"})")));
    // Each I/O thread reads connections in the order in which they came. Enough later answers to
    // cover all threads show that the change above has been read.
    for (int i = 0; i < 8; ++i) REQUIRE(server.anonymous().get("/readyz").status == 200);
    server.process().signal(SIGTERM);
    REQUIRE(eventually([&] { return server.anonymous().get("/readyz").status == 503; }));
  }

  OrderServer server;
  std::string order_id;
  std::optional<SqliteLock> lock;
  RawSocket in_flight;
};

/// Returns N of `retry-after-ms=N`; nullopt if the reason has none.
std::optional<long> retry_after_ms(const std::string& reason) {
  std::smatch match;
  if (!std::regex_search(reason, match, std::regex(R"(retry-after-ms=(\d+))"))) return std::nullopt;
  return std::stol(match[1]);
}

}  // namespace

TEST_CASE("SIGTERM and SIGINT end a quiet server with exit code 0", "[drain]") {
  OrderServer server;
  server.process().signal(GENERATE(SIGTERM, SIGINT));
  const auto ended = server.process().wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code == 0);
}

TEST_CASE("a drain tells every client to restart, each at its own time", "[drain]") {
  OrderServer server({"--drain-seconds", "5"});
  std::vector<WsClient> clients(15);
  for (auto& client : clients) {
    REQUIRE(client.connect("127.0.0.1", server.port(), ws_target(demo().customer.token)));
    REQUIRE(client.send_text(R"({"type":"ping"})"));
    REQUIRE(client.next_text(patience).has_value());
  }
  server.process().signal(SIGTERM);
  std::set<long> times;
  for (auto& client : clients) {
    const auto closed = client.expect_close(patience);
    REQUIRE(closed.has_value());
    CHECK(closed->code == 1012);
    INFO(closed->reason);
    const auto time = retry_after_ms(closed->reason);
    REQUIRE(time.has_value());
    CHECK(*time <= 5'000);
    times.insert(*time);
  }
  CHECK(times.size() > 5);
  const auto ended = server.process().wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code == 0);
}

TEST_CASE("a draining server finishes what is in flight and takes nothing new", "[drain]") {
  Draining draining;
  auto& server = draining.server;
  Watcher watcher(server, demo().customer);
  watcher.read_until_pong();
  draining.begin();

  const auto closed = watcher.ws().expect_close(patience);
  REQUIRE(closed.has_value());
  CHECK(closed->code == 1012);

  CHECK(server.anonymous().get("/healthz").status == 200);
  const auto refused = server.as(demo().customer).get("/api/v1/orders");
  CHECK(refused.status == 503);
  CHECK_FALSE(refused.header("Retry-After").empty());
  WsClient late;
  CHECK_FALSE(late.connect("127.0.0.1", server.port(), ws_target(demo().customer.token)));
  CHECK(late.handshake().status == 503);
  CHECK_FALSE(late.handshake().header("Retry-After").empty());
  CHECK(server.process().running());

  draining.lock->release();
  CHECK(read_http_reply(draining.in_flight, false, patience).status == 200);
  const auto ended = server.process().wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code == 0);

  server.start();
  CHECK(text_of(server.order(draining.order_id), "status") == "CONFIRMED");
  server.settle();
}

TEST_CASE("a client that does not answer the close can't hold up the exit", "[drain]") {
  OrderServer server({"--drain-seconds", "1"});
  WsClient deaf;
  REQUIRE(deaf.connect("127.0.0.1", server.port(), ws_target(demo().customer.token)));
  RawSocket half_a_request;
  REQUIRE(half_a_request.connect("127.0.0.1", server.port()));
  REQUIRE(half_a_request.send_bytes("POST /api/v1/auth/login HTTP/1.1\r\nContent-Le"));
  server.process().signal(SIGTERM);
  const auto ended = server.process().wait(patience);
  REQUIRE(ended.has_value());
  CHECK(ended->code == 0);
}

TEST_CASE("a second signal ends a drain at once", "[drain]") {
  Draining draining({"--drain-seconds", "600"});
  draining.begin();
  draining.server.process().signal(SIGTERM);
  // The first signal alone would take ten minutes here. Only the time of the end is specified.
  REQUIRE(draining.server.process().wait(patience).has_value());

  // And the database is intact.
  draining.lock->release();
  draining.server.start();
  const auto order = draining.server.order(draining.order_id);
  CHECK(order.at("statusLogs").size() == static_cast<std::size_t>(integer_of(order, "version")));
}
