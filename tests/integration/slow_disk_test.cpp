// SPDX-License-Identifier: MIT
#include "sqlite_lock.hpp"
#include "watcher.hpp"

#include <catch2/catch.hpp>
#include <poll.h>

#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

bool answered(const RawSocket& socket) {
  pollfd one{socket.fd(), POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

}  // namespace

TEST_CASE("a disk that has stopped delays neither heartbeats nor health", "[slow_disk]") {
  OrderServer server;
  const auto order_id = text_of(server.new_order(demo().customer), "id");
  Watcher watcher(server, demo().customer);
  watcher.follow(order_id);

  // More changes than any reasonable pool has threads, all stuck behind the lock.
  constexpr std::size_t stuck = 24;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < stuck; ++i) {
    ids.push_back(text_of(server.new_order(demo().customer2, "org-2"), "id"));
  }
  ids.push_back(order_id);
  SqliteLock lock(server.database());
  std::vector<RawSocket> requests(ids.size());
  const auto admin = server.as(demo().admin);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    REQUIRE(requests[i].connect("127.0.0.1", server.port()));
    REQUIRE(requests[i].send_bytes(admin.request_text(
        "PATCH", "/api/v1/orders/" + ids[i] + "/status", R"({"status":"CONFIRMED"})")));
  }

  for (int i = 0; i < 20; ++i) {
    const auto payload = std::to_string(i);
    watcher.read_until_pong();
    REQUIRE(watcher.ws().send_frame(Opcode::ping, true, true, payload));
    const auto pong = watcher.ws().next_frame(patience);
    REQUIRE(pong.has_value());
    CHECK(pong->opcode == Opcode::pong);
    CHECK(pong->payload == payload);
    CHECK(server.anonymous().get("/healthz").status == 200);
    // A new connection needs no disk either: only its token is checked.
    Watcher newcomer(server, token_for("newcomer-" + payload, "SUPER_ADMIN"));
    newcomer.read_until_pong();
  }
  // All of that happened while the changes were stuck.
  for (const auto& request : requests) CHECK_FALSE(answered(request));

  lock.release();
  for (auto& request : requests) {
    CHECK(read_http_reply(request, false, patience).status == 200);
  }
  CHECK(update_of(order_id, 2)(watcher.next()));
  CHECK(hint_of(order_id, "CONFIRMED")(watcher.next()));
}

TEST_CASE("a disk that stays stopped fails the call and nothing else", "[slow_disk]") {
  OrderServer server;
  const auto id = text_of(server.new_order(demo().customer), "id");
  Watcher owner(server, demo().customer);
  owner.follow(id);
  {
    SqliteLock lock(server.database());
    const auto failed = server.as(demo().manager).set_status(id, "CONFIRMED");
    INFO(failed.body);
    // An error, never a success that was not committed.
    CHECK((failed.status == 0 || failed.status >= 500));
  }
  owner.read_until_pong();
  REQUIRE(eventually(
      [&] { return server.as(demo().manager).set_status(id, "CONFIRMED").status == 200; }));
  CHECK(update_of(id, 2)(owner.next()));
  CHECK(server.order(id).at("statusLogs").size() == 2);
}
