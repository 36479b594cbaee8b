// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

constexpr std::size_t connections = 5'000;
constexpr std::size_t connections_per_user = 20;

/// Memory that a server may keep after its first crowd: grown tables, caches, thread stacks.
constexpr std::size_t slack_bytes = 8 * 1024 * 1024;

/// The test and the server, which inherits the limit, need a descriptor for each connection.
bool raise_descriptor_limit(rlim_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // Sanitizers keep freed memory on purpose.
#else
constexpr bool sanitized = false;
#endif

/// Opens connections, subscribes each to the order and waits until the subscription is confirmed.
std::vector<WsClient> crowd(const OrderServer& server, const std::string& order_id) {
  std::vector<WsClient> clients(connections);
  std::string token;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (i % connections_per_user == 0) {
      token = token_for("crowd-" + std::to_string(i / connections_per_user), "SUPER_ADMIN");
    }
    if (!clients[i].connect("127.0.0.1", server.port(), ws_target(token))) {
      FAIL("connection " << i << ": status " << clients[i].handshake().status);
    }
    clients[i].send_text(Json{{"type", "subscribe"}, {"orderId", order_id}, {"since", 0}}.dump());
  }
  for (auto& client : clients) {
    const auto snapshot = client.next_text(patience);
    if (!snapshot || !update_of(order_id)(parse_json(*snapshot))) {
      FAIL("not subscribed: " << snapshot.value_or("no answer"));
    }
  }
  return clients;
}

/// Checks that each client gets the update, then the hint, and nothing else.
void check_one_each(std::vector<WsClient>& clients, const std::string& order_id,
                    const std::string& status, const Json& order) {
  const auto hint = Json{{"type", "orders:changed"}, {"orderId", order_id}, {"status", status}};
  const auto update = Json{{"type", "order:updated"}, {"orderId", order_id}, {"data", order}};
  std::size_t right = 0;
  for (auto& client : clients) {
    const auto first = client.next_text(patience);
    const auto second = client.next_text(patience);
    if (first && second && parse_json(*first) == update && parse_json(*second) == hint) ++right;
  }
  CHECK(right == clients.size());
}

}  // namespace

TEST_CASE("one change reaches each of 5,000 connections exactly once while REST is served",
          "[fanout]") {
  if (!raise_descriptor_limit(connections + 200)) {
    WARN("the hard limit on open files is too low here for 5,000 connections");
    return;
  }
  OrderServer server;
  const auto resident = [&] { return resident_bytes(server.process().pid()); };
  const auto manager = server.as(demo().manager);
  const auto customer = server.as(demo().customer);
  const auto before = resident();
  std::size_t crowded = 0;
  // The second crowd shows what the first one left behind.
  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    const auto id = text_of(server.new_order(demo().customer), "id");
    {
      auto clients = crowd(server, id);
      CHECK(server.metric_becomes("ordercast_connections", static_cast<double>(connections)));
      CHECK(server.metric_becomes("ordercast_subscriptions", static_cast<double>(connections)));

      const auto confirmed = manager.set_status(id, "CONFIRMED");
      REQUIRE(confirmed.status == 200);
      CHECK(customer.get("/api/v1/orders").status == 200);
      check_one_each(clients, id, "CONFIRMED", confirmed.data());
      CHECK(customer.order(id).data() == confirmed.data());

      // A message that was sent twice would arrive before this change.
      const auto preparing = manager.set_status(id, "PREPARING");
      REQUIRE(preparing.status == 200);
      check_one_each(clients, id, "PREPARING", preparing.data());
      crowded = resident();
    }
    CHECK(server.metric_becomes("ordercast_connections", 0));
    CHECK(server.metric_becomes("ordercast_subscriptions", 0));
    // Memory is returned some time after the last close: poll, with requests in between.
    const auto enough = before + (crowded - before) / 3 + slack_bytes;
    const bool back =
        sanitized || eventually([&] {
          return server.anonymous().get("/healthz").status == 200 && resident() < enough;
        });
    CAPTURE(before, crowded, resident());
    CHECK(back);
  }

  // The same server keeps serving.
  const auto id = text_of(server.new_order(demo().customer), "id");
  Watcher owner(server, demo().customer);
  owner.follow(id);
  REQUIRE(manager.set_status(id, "CONFIRMED").status == 200);
  CHECK(update_of(id, 2)(owner.next()));
}
