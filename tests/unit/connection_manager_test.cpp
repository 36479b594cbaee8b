// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FakeServices;
using test::FakeTransport;
using test::ManualClock;
using test::World;

/// A manager over the fake transport, with a few users and orders.
struct Fixture {
  explicit Fixture(Limits with = {}) : limits(with) {
    world->tokens = {{"alice", {"alice", Reach::own}},
                     {"bob", {"bob", Reach::own}},
                     {"sam", {"sam", Reach::organization, "org-1"}},
                     {"tom", {"tom", Reach::organization, "org-2"}},
                     {"root", {"root", Reach::everything}}};
    world->orders["order-1"] = {"alice", "org-1", 1, R"({"version":1})"};
    world->orders["order-2"] = {"bob", "org-2", 1, R"({"version":1})"};
  }

  void open(int handle, const std::string& token) { manager.on_open(handle, token); }
  void subscribe(int handle, const std::string& order) {
    manager.on_message(handle, R"({"type":"subscribe","orderId":")" + order + "\"}");
  }
  void subscribe(int handle, const std::string& order, std::uint64_t since) {
    manager.on_message(handle, R"({"type":"subscribe","orderId":")" + order + R"(","since":)" +
                                   std::to_string(since) + "}");
  }
  void unsubscribe(int handle, const std::string& order) {
    manager.on_message(handle, R"({"type":"unsubscribe","orderId":")" + order + "\"}");
  }
  /// Commits a change without publishing it.
  std::uint64_t commit(const std::string& order) {
    auto& row = world->orders[order];
    row.json = R"({"version":)" + std::to_string(++row.version) + "}";
    return row.version;
  }
  std::size_t publish(const std::string& order, std::uint64_t version) {
    const auto& row = world->orders[order];
    const auto json = R"({"version":)" + std::to_string(version) + "}";
    return manager.publish(
        {order, OwnerId(row.owner), OrganizationId(row.organization), "CONFIRMED", version, json});
  }
  std::size_t change(const std::string& order) { return publish(order, commit(order)); }

  std::vector<std::string>& received(int handle) { return transport[handle].received; }
  void pass(Duration time) {
    for (Duration passed{}; passed < time; passed += milliseconds(100)) {
      clock.advance(milliseconds(100));
      manager.tick(clock.now());
    }
  }

  Limits limits;
  std::shared_ptr<World> world = std::make_shared<World>();
  ManualClock clock;
  FakeTransport transport;
  ConnectionManager<FakeTransport, FakeServices> manager{transport, FakeServices(world, clock),
                                                         limits};
};

std::string updated(int version) {
  return R"({"type":"order:updated","orderId":"order-1","data":{"version":)" +
         std::to_string(version) + "}}";
}
const std::string changed = R"({"type":"orders:changed","orderId":"order-1","status":"CONFIRMED"})";
const std::string denied =
    R"({"type":"error","code":"subscription_denied","message":"This order can't be watched",)";

}  // namespace

// Who gets what -------------------------------------------------------------------------------

TEST_CASE("a subscriber gets the order, its audience the hint, the order first", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.open(2, "sam");
  f.open(3, "root");
  f.open(4, "bob");
  f.open(5, "tom");
  f.subscribe(1, "order-1");
  CHECK(f.change("order-1") == 3);
  CHECK(f.received(1) == std::vector<std::string>{updated(2), changed});
  CHECK(f.received(2) == std::vector<std::string>{changed});
  CHECK(f.received(3) == std::vector<std::string>{changed});
  CHECK(f.received(4).empty());
  CHECK(f.received(5).empty());
  CHECK(f.world->delivered[MessageType::order_updated] == 1);
  CHECK(f.world->delivered[MessageType::orders_changed] == 3);
}

TEST_CASE("a courier gets the hints of the order that is theirs to bring, and no other's",
          "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.open(2, "bob");
  const auto bring = [&](std::string_view courier) {
    return f.manager.publish({"order-1", OwnerId("alice"), OrganizationId("org-9"), "CONFIRMED", 0,
                              "{}", AssigneeId(courier)});
  };
  CHECK(bring("bob") == 2);
  CHECK(f.received(2) == std::vector<std::string>{changed});
  CHECK(bring("carl") == 1);
  CHECK(bring("") == 1);
  CHECK(f.received(2).size() == 1);
  CHECK(f.received(1).size() == 3);
}

TEST_CASE("after unsubscribing only the hint comes", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.unsubscribe(1, "order-1");
  f.change("order-1");
  CHECK(f.received(1) == std::vector<std::string>{changed});
}

TEST_CASE("an order that is another's and one that does not exist are denied alike", "[manager]") {
  Fixture f;
  f.open(1, "bob");
  f.subscribe(1, "order-1");
  f.subscribe(1, "order-9");
  CHECK(f.received(1) == std::vector<std::string>{denied + R"("orderId":"order-1"})",
                                                  denied + R"("orderId":"order-9"})"});
  f.change("order-1");
  CHECK(f.received(1).size() == 2);
  CHECK(f.manager.subscriptions() == 0);
  CHECK(f.world->subscribed == 0);
}

TEST_CASE("each role may watch what is its own", "[manager]") {
  Fixture f;
  f.open(1, "sam");
  f.open(2, "tom");
  f.open(3, "root");
  for (const int handle : {1, 2, 3}) f.subscribe(handle, "order-1");
  f.change("order-1");
  CHECK(f.received(1) == std::vector<std::string>{updated(2), changed});
  CHECK(f.received(2) == std::vector<std::string>{denied + R"("orderId":"order-1"})"});
  CHECK(f.received(3) == std::vector<std::string>{updated(2), changed});
}

// One encode, one frame, no allocation per recipient ------------------------------------------

TEST_CASE("publish encodes and frames each message once, whatever the audience", "[manager]") {
  for (const int audience : {1, 10, 1000}) {
    Fixture f({100, 0});
    f.transport.record = false;
    for (int handle = 0; handle < audience; ++handle) {
      f.open(handle, "root");
      f.subscribe(handle, "order-1");
    }
    f.change("order-1");  // Everything that grows once has grown.
    const auto frames = FakeTransport::prepared();
    const auto allocated = test::allocations();
    const auto delivered = f.transport.delivered;
    CHECK(f.publish("order-1", 99) == static_cast<std::size_t>(audience));
    const auto allocations = test::allocations() - allocated;
    CHECK(FakeTransport::prepared() - frames == 2);
    CHECK(f.transport.delivered - delivered == 2 * static_cast<std::size_t>(audience));
    static std::size_t for_one = 0;
    if (audience == 1) for_one = allocations;
    CHECK(allocations == for_one);
  }
}

TEST_CASE("nothing is encoded for an order that nobody watches", "[manager]") {
  Fixture f;
  f.open(1, "bob");
  const auto frames = FakeTransport::prepared();
  CHECK(f.change("order-1") == 0);
  CHECK(FakeTransport::prepared() == frames);
}

// Authentication ------------------------------------------------------------------------------

TEST_CASE("a missing or bad token closes with 4001 and is never registered", "[manager]") {
  Fixture f;
  f.open(1, "");
  f.open(2, "mallory");
  CHECK(f.transport[1].code == CloseCode::unauthorized);
  CHECK(f.transport[1].reason == "Missing token");
  CHECK(f.transport[2].reason == "Invalid token");
  f.subscribe(1, "order-1");
  f.change("order-1");
  CHECK(f.received(1).empty());
  CHECK(f.transport[1].frames_after_close == 0);
  CHECK(f.manager.connections() == 0);
  f.manager.on_close(1);
  f.manager.on_close(2);
  CHECK(f.manager.sessions() == 0);
}

TEST_CASE("the newest connection of a user above the limit gets 4008", "[manager]") {
  Fixture f;
  for (int handle = 0; handle < 21; ++handle) f.open(handle, "alice");
  f.open(30, "bob");
  CHECK(f.manager.connections() == 21);
  CHECK(f.transport[20].code == CloseCode::too_many_connections);
  f.manager.on_close(3);
  f.open(31, "alice");
  CHECK_FALSE(f.transport[31].closed);
}

TEST_CASE("a budget bounds a user's connections across managers", "[manager]") {
  ConnectionBudget budget;
  auto world = std::make_shared<World>();
  world->tokens["alice"] = {"alice", Reach::own};
  Limits limits;
  limits.max_connections_per_user = 2;
  FakeTransport transport;
  {
    ConnectionManager<FakeTransport, FakeServices> one(transport, FakeServices(world), limits,
                                                       &budget);
    ConnectionManager<FakeTransport, FakeServices> two(transport, FakeServices(world), limits,
                                                       &budget);
    one.on_open(1, "alice");
    two.on_open(2, "alice");
    two.on_open(3, "alice");
    CHECK(transport[3].code == CloseCode::too_many_connections);
    one.on_close(1);
    two.on_open(4, "alice");
    CHECK_FALSE(transport[4].closed);
  }
  CHECK(budget.users() == 0);
}

TEST_CASE("disconnecting a user closes all their connections and no other", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.open(2, "alice");
  f.open(3, "bob");
  f.subscribe(1, "order-1");
  CHECK(f.manager.disconnect_user("alice", CloseCode::unauthorized, "Logged out") == 2);
  CHECK(f.transport[1].reason == "Logged out");
  CHECK_FALSE(f.transport[3].closed);
  f.change("order-1");
  CHECK(f.transport[1].frames_after_close == 0);
  CHECK(f.world->connected == 1);
  CHECK(f.world->subscribed == 0);
}

// Messages ------------------------------------------------------------------------------------

TEST_CASE("ping is answered with pong, nonsense with its error, and the connection stays open",
          "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.manager.on_message(1, R"({"type":"ping"})");
  f.manager.on_message(1, "nonsense");
  f.manager.on_message(1, R"({"type":"order"})");
  REQUIRE(f.received(1).size() == 3);
  CHECK(f.received(1)[0] == R"({"type":"pong"})");
  CHECK(f.received(1)[1].find(R"("code":"bad_message")") != std::string::npos);
  CHECK(f.received(1)[2].find(R"("code":"unknown_type")") != std::string::npos);
  CHECK_FALSE(f.transport[1].closed);
}

TEST_CASE("subscriptions of a connection are bounded", "[manager]") {
  Fixture f;
  f.open(1, "root");
  for (int i = 0; i < 101; ++i) {
    f.world->orders["o" + std::to_string(i)] = {"alice", "org-1"};
    f.subscribe(1, "o" + std::to_string(i));
  }
  REQUIRE(f.received(1).size() == 1);
  CHECK(f.received(1)[0].find(R"("code":"too_many_subscriptions")") != std::string::npos);
  CHECK(f.received(1)[0].find(R"("orderId":"o100")") != std::string::npos);
  f.unsubscribe(1, "o5");
  f.subscribe(1, "o100");
  CHECK(f.received(1).size() == 1);
}

TEST_CASE("a client that talks too fast is refused, and closed with 1008 when it goes on",
          "[manager]") {
  Fixture f;
  f.open(1, "alice");
  for (int i = 0; i < 200; ++i) f.manager.on_message(1, R"({"type":"ping"})");
  CHECK(f.world->errors[ErrorCode::rate_limited] == 0);
  for (int i = 0; i < 99; ++i) f.manager.on_message(1, R"({"type":"ping"})");
  CHECK(f.world->errors[ErrorCode::rate_limited] == 99);
  CHECK_FALSE(f.transport[1].closed);
  f.manager.on_message(1, R"({"type":"ping"})");
  CHECK(f.transport[1].code == CloseCode::policy_violation);
  f.manager.on_message(1, R"({"type":"ping"})");
  CHECK(f.transport[1].frames_after_close == 0);
}

// Recovery ------------------------------------------------------------------------------------

TEST_CASE("since is answered with the current order only if that is newer", "[manager]") {
  Fixture f;
  f.world->orders["order-1"].version = 7;
  f.world->orders["order-1"].json = R"({"version":7})";
  f.open(1, "alice");
  f.subscribe(1, "order-1", 6);
  CHECK(f.received(1) == std::vector<std::string>{updated(7)});
  f.subscribe(1, "order-1", 7);
  f.subscribe(1, "order-1", 100);
  f.subscribe(1, "order-1");
  CHECK(f.received(1).size() == 1);
  f.subscribe(1, "order-1", 0);
  CHECK(f.received(1).size() == 2);
}

TEST_CASE("a subscribe without since gets no snapshot", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  CHECK(f.received(1).empty());
  CHECK(f.world->lookups == 1);
}

TEST_CASE("since with a version that was never reached still gets later changes", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.subscribe(1, "order-1", 100);
  f.change("order-1");
  CHECK(f.received(1) == std::vector<std::string>{updated(2), changed});
}

TEST_CASE("a change that comes while authorization is asked waits unseen", "[manager]") {
  Fixture f;
  f.world->answer_later = true;
  f.open(1, "alice");
  f.open(2, "bob");
  f.subscribe(1, "order-1");
  f.subscribe(2, "order-1");
  f.change("order-1");
  f.change("order-1");
  CHECK(f.received(1) == std::vector<std::string>{changed, changed});
  f.world->answer_all();
  CHECK(f.received(1).back() == updated(3));  // The newest of what waited, once.
  CHECK(f.received(1).size() == 3);
  CHECK(f.received(2) == std::vector<std::string>{denied + R"("orderId":"order-1"})"});
}

TEST_CASE("nothing falls between a snapshot and the live stream", "[manager]") {
  // The change is committed and published at every point of the two questions.
  for (int point = 0; point <= 4; ++point) {
    INFO("point " << point);
    Fixture f;
    f.world->answer_later = true;
    f.open(1, "alice");
    if (point == 0) f.change("order-1");
    f.subscribe(1, "order-1", 1);
    if (point == 1) f.change("order-1");
    f.world->answer_one();                // Authorized; the snapshot is being read.
    if (point == 2) f.commit("order-1");  // Too late for the snapshot that was read...
    if (point == 2) f.publish("order-1", 2);
    f.world->answer_all();
    if (point == 3) f.change("order-1");
    int seen = 0;
    for (const auto& text : f.received(1)) seen += text == updated(2) ? 1 : 0;
    CHECK(seen == (point == 4 ? 0 : 1));
  }
}

TEST_CASE("a publish that lags behind the snapshot does not take the order back", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  for (int i = 0; i < 6; ++i) f.commit("order-1");  // Version 7 is committed, none published.
  f.subscribe(1, "order-1", 1);
  for (std::uint64_t version = 2; version <= 8; ++version) f.publish("order-1", version);
  std::vector<std::string> updates;
  for (const auto& text : f.received(1)) {
    if (text != changed) updates.push_back(text);
  }
  CHECK(updates == std::vector<std::string>{updated(7), updated(8)});
}

TEST_CASE("leaving and coming back does not take the order back", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  for (int i = 0; i < 6; ++i) f.commit("order-1");
  f.subscribe(1, "order-1", 1);
  f.unsubscribe(1, "order-1");
  f.subscribe(1, "order-1");
  f.publish("order-1", 6);
  f.publish("order-1", 8);
  CHECK(f.received(1) == std::vector<std::string>{updated(7), changed, updated(8), changed});
}

TEST_CASE("a snapshot that was overtaken by a publish is not sent", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.world->answer_later = true;
  f.subscribe(1, "order-1", 0);  // The snapshot of version 1 is on its way.
  f.change("order-1");
  f.world->answer_all();
  CHECK(f.received(1) == std::vector<std::string>{updated(2), changed});
}

TEST_CASE("an answer for a connection that has closed is void", "[manager]") {
  Fixture f;
  f.world->answer_later = true;
  f.open(1, "alice");
  f.subscribe(1, "order-1", 0);
  f.manager.on_close(1);
  f.world->answer_all();
  CHECK(f.received(1).empty());
  f.open(1, "bob");  // The same handle and the same slot: another connection.
  f.subscribe(1, "order-1", 0);
  f.manager.on_close(1);
  f.open(1, "alice");
  f.subscribe(1, "order-2");
  f.world->answer_all();
  CHECK(f.received(1) == std::vector<std::string>{denied + R"("orderId":"order-2"})"});
}

TEST_CASE("unsubscribing takes back a question that was not answered", "[manager]") {
  Fixture f;
  f.world->answer_later = true;
  f.open(1, "alice");
  f.subscribe(1, "order-1", 0);
  f.unsubscribe(1, "order-1");
  f.change("order-1");
  f.world->answer_all();
  CHECK(f.received(1) == std::vector<std::string>{changed});
  CHECK(f.manager.subscriptions() == 0);
}

TEST_CASE("subscribes that come before the answer share it", "[manager]") {
  Fixture f;
  f.world->answer_later = true;
  f.open(1, "alice");
  f.open(2, "bob");
  f.subscribe(1, "order-1");
  f.subscribe(1, "order-1", 0);
  f.subscribe(2, "order-1");
  f.subscribe(2, "order-1");
  f.world->answer_all();
  CHECK(f.received(1) == std::vector<std::string>{updated(1)});
  CHECK(f.received(2).size() == 2);
  CHECK(f.world->errors[ErrorCode::subscription_denied] == 2);
}

TEST_CASE("a caller without versions gets everything sent", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.publish("order-1", 0);
  f.publish("order-1", 0);
  CHECK(f.received(1).size() == 4);
}

// Slow connections ----------------------------------------------------------------------------

TEST_CASE("a slow subscriber costs one queued order and gets the final state", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.open(2, "sam");
  f.subscribe(1, "order-1");
  f.subscribe(2, "order-1");
  f.transport[1].reads = false;
  for (int i = 0; i < 10'000; ++i) f.change("order-1");
  CHECK(f.received(2).size() == 20'000);
  CHECK(f.transport[1].buffered_bytes < 2 * f.transport.high_water);
  CHECK(f.world->conflated > 19'000);
  f.transport[1].reads = true;
  if (f.transport.take(1)) f.manager.on_writable(1);
  auto& got = f.received(1);
  REQUIRE(got.size() >= 2);
  CHECK(got[got.size() - 2] == updated(10'001));
  CHECK(got.back() == changed);
  CHECK(f.world->dropped == 0);
}

TEST_CASE("of more hints than an outbox holds the newest stay", "[manager]") {
  Limits limits;
  limits.max_outbox_messages = 10;
  Fixture f(limits);
  f.open(1, "root");
  f.transport[1].reads = false;
  for (int i = 0; i < 40; ++i) {
    const auto id = "o" + std::to_string(i);
    f.world->orders[id] = {"alice", "org-1"};
    f.change(id);
  }
  CHECK_FALSE(f.transport[1].closed);
  const auto taken = f.transport[1].buffered.size();
  CHECK(f.world->dropped == 40 - taken - 10);
  f.transport[1].reads = true;
  if (f.transport.take(1)) f.manager.on_writable(1);
  REQUIRE(f.received(1).size() == taken + 10);
  CHECK(f.received(1).back() ==
        R"({"type":"orders:changed","orderId":"o39","status":"CONFIRMED"})");
}

TEST_CASE("a connection that reads nothing and asks for more than it may is closed with 4009",
          "[manager]") {
  Limits limits;
  limits.max_outbox_messages = 10;
  limits.max_subscriptions = 1;
  Fixture f(limits);
  f.open(1, "root");
  f.transport[1].reads = false;
  f.transport.high_water = 1;
  for (int i = 0; i < 20; ++i) {
    f.manager.on_message(1, R"({"type":"subscribe","orderId":")" + std::to_string(i) + "\"}");
  }
  CHECK(f.transport[1].code == CloseCode::too_slow);
  CHECK(f.transport[1].frames_after_close == 0);
  CHECK(f.manager.connections() == 0);
  CHECK(f.world->dropped == 10);
}

TEST_CASE("unsubscribing drops the update that waits", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.transport[1].reads = false;
  for (int i = 0; i < 100; ++i) f.change("order-1");
  f.unsubscribe(1, "order-1");
  f.transport[1].reads = true;
  if (f.transport.take(1)) f.manager.on_writable(1);
  CHECK(f.received(1).back() == changed);
  for (const auto& text : f.received(1)) CHECK(text != updated(101));
}

// Time ----------------------------------------------------------------------------------------

TEST_CASE("a peer that answers pings lives, one that does not is reaped", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.open(2, "bob");
  for (int second = 0; second < 120; ++second) {
    f.pass(seconds(1));
    f.manager.on_pong(1);
  }
  CHECK(f.transport[1].pings >= 4);
  CHECK_FALSE(f.transport[1].terminated);
  CHECK(f.transport[2].pings == 1);
  CHECK(f.transport[2].terminated);
  CHECK(f.manager.connections() == 1);
}

TEST_CASE("pings of many connections are spread out", "[manager]") {
  Fixture f({100, 0});
  for (int handle = 0; handle < 1000; ++handle) f.open(handle, "root");
  f.pass(milliseconds(22'400));
  int early = 0;
  for (int handle = 0; handle < 1000; ++handle) early += f.transport[handle].pings;
  CHECK(early == 0);
  f.pass(milliseconds(1'300));
  int half = 0;
  for (int handle = 0; handle < 1000; ++handle) half += f.transport[handle].pings;
  CHECK(half > 200);
  CHECK(half < 800);
}

TEST_CASE("a connection that takes nothing for 30 s is ended", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.transport[1].reads = false;
  for (int i = 0; i < 100; ++i) f.change("order-1");
  f.pass(seconds(29));
  CHECK_FALSE(f.transport[1].terminated);
  f.pass(seconds(2));
  CHECK(f.transport[1].terminated);
}

TEST_CASE("a connection that takes a little now and then is not ended", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.subscribe(1, "order-1");
  f.transport[1].reads = false;
  for (int minute = 0; minute < 10; ++minute) {
    for (int i = 0; i < 50; ++i) f.change("order-1");
    f.pass(seconds(20));
    if (f.transport.take(1)) f.manager.on_writable(1);
  }
  CHECK_FALSE(f.transport[1].terminated);
}

TEST_CASE("tick says when it wants to be called again", "[manager]") {
  Fixture f;
  CHECK(f.manager.tick(f.clock.now()) == TimePoint::max());
  f.open(1, "alice");
  CHECK(f.manager.tick(f.clock.now()) <= f.clock.now() + seconds(26));
  f.manager.on_close(1);
  CHECK(f.manager.tick(f.clock.now()) == TimePoint::max());
}

// Drain ---------------------------------------------------------------------------------------

TEST_CASE("a drain closes with 1012 and spreads the return", "[manager]") {
  Fixture f({100, 0});
  for (int handle = 0; handle < 100; ++handle) f.open(handle, "root");
  f.manager.begin_drain(seconds(10));
  int late = 0;
  for (int handle = 0; handle < 100; ++handle) {
    REQUIRE(f.transport[handle].code == CloseCode::service_restart);
    const auto& reason = f.transport[handle].reason;
    REQUIRE(reason.substr(0, 15) == "retry-after-ms=");
    const auto wait = std::stoi(reason.substr(15));
    CHECK(wait >= 0);
    CHECK(wait <= 10'000);
    late += wait > 5000 ? 1 : 0;
  }
  CHECK(late > 20);
  CHECK(late < 80);
  f.open(200, "alice");
  CHECK(f.transport[200].code == CloseCode::service_restart);
}

TEST_CASE("a drain lets a slow connection have what waits for it, for a while", "[manager]") {
  Fixture f;
  f.open(1, "alice");
  f.open(2, "root");
  for (const int handle : {1, 2}) {
    f.subscribe(handle, "order-1");
    f.transport[handle].reads = false;
  }
  for (int i = 0; i < 100; ++i) f.change("order-1");
  f.manager.begin_drain(seconds(10));
  CHECK_FALSE(f.transport[1].closed);
  f.transport[1].reads = true;
  if (f.transport.take(1)) f.manager.on_writable(1);
  CHECK(f.received(1).back() == changed);
  CHECK(f.transport[1].code == CloseCode::service_restart);
  f.pass(seconds(9));
  CHECK_FALSE(f.transport[2].closed);
  f.pass(seconds(2));
  CHECK(f.transport[2].code == CloseCode::service_restart);
}

// Closing ------------------------------------------------------------------------------------

TEST_CASE("nothing is left of connections that have gone", "[manager]") {
  Fixture f({100, 0});
  for (int handle = 0; handle < 500; ++handle) {
    f.open(handle, "root");
    f.subscribe(handle, "order-1");
  }
  f.change("order-1");
  for (int handle = 0; handle < 500; ++handle) f.manager.on_close(handle);
  CHECK(f.manager.sessions() == 0);
  CHECK(f.manager.connections() == 0);
  CHECK(f.manager.subscriptions() == 0);
  CHECK(f.world->connected == 0);
  CHECK(f.world->subscribed == 0);
  CHECK(f.change("order-1") == 0);
}

TEST_CASE("events for a handle that is unknown are void", "[manager]") {
  Fixture f;
  f.manager.on_message(9, R"({"type":"ping"})");
  f.manager.on_writable(9);
  f.manager.on_pong(9);
  f.manager.on_close(9);
  CHECK(f.received(9).empty());
}
