// SPDX-License-Identifier: MIT
// A seam may throw, call the manager, or look at its arguments for as long as its call lasts.
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>
#include <ordercast/sharded.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using test::FakeTransport;
using test::ManualClock;

struct Users {
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    if (token == "throws") throw std::bad_alloc();
    return Identity{std::string(token), Reach::own};
  }
};
struct Yes {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order*/, Done done) const {
    done(true);
  }
};
struct Trouble {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order*/, Done done) const {
    done(Access::unavailable);
  }
};
struct ThrowingObserver {
  template <class... Args>
  void hear(Args&&... /*args*/) const {
    throw std::runtime_error("expected by a test");
  }
  void on_connected() { hear(); }
  void on_disconnected() { hear(); }
  void on_refused(CloseCode code, std::string_view detail) { hear(code, detail); }
  void on_subscribed() { hear(); }
  void on_unsubscribed(std::size_t count) { hear(count); }
  void on_delivered(MessageType type, std::size_t count) { hear(type, count); }
  void on_conflated(std::size_t count) { hear(count); }
  void on_dropped(std::size_t count) { hear(count); }
  void on_error(ErrorCode code) { hear(code); }
  void on_closed_by_server(CloseCode code) { hear(code); }
  void on_version_mismatch(std::string_view id, std::uint64_t version) { hear(id, version); }
};

/// A transport whose `send` to some handles, or `close`, throws.
class FaultyTransport : public FakeTransport {
 public:
  int poisoned = 0;
  bool close_throws = false;

  SendResult send(Handle handle, const Frame& frame) {
    if (handle == poisoned) throw std::bad_alloc();
    return FakeTransport::send(handle, frame);
  }
  void close(Handle handle, CloseCode code, std::string_view reason) {
    if (close_throws) throw std::bad_alloc();
    FakeTransport::close(handle, code, reason);
  }
};

struct Audit {
  std::vector<std::string>* seen;
  template <class Done>
  void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
    done(false);  // Reaches the limit of abuse: the connection is closed from inside.
    seen->push_back(std::string(who.user_id) + " " + std::string(order_id));
  }
};
struct Reentrant {
  std::function<void()>* act;
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order*/, Done done) const {
    const auto call = *act;  // It may replace itself.
    call();
    done(true);
    done(true);
  }
};

std::string subscribe(const std::string& order) {
  return R"({"type":"subscribe","orderId":")" + order + "\"}";
}

/// A manager with one client, who has asked for an order.
template <class Authorizer>
struct OneClient {
  using Seams = Services<Users, Authorizer, NoSnapshots, NullObserver, ManualClock>;

  explicit OneClient(const Limits& limits)
      : manager(transport, Seams{{}, {}, {}, {}, clock}, limits) {
    manager.on_open(1, "alice");
    manager.on_message(1, subscribe("o"));
  }
  ManualClock clock;
  FakeTransport transport;
  ConnectionManager<FakeTransport, Seams> manager;
};

}  // namespace

TEST_CASE("an observer that throws costs no delivery and no answer", "[manager][faults]") {
  using Manager =
      ConnectionManager<FakeTransport, Services<Users, Yes, NoSnapshots, ThrowingObserver>>;
  FakeTransport transport;
  Manager manager(transport);
  manager.on_open(1, "alice");
  manager.on_message(1, subscribe("o"));
  manager.on_message(1, "no JSON");
  Sharded<Manager> sharded;
  sharded.add(manager, [](const std::function<void()>& task) { task(); });
  std::vector<PublishOutcome> outcomes;
  sharded.publish({"o", OwnerId("alice"), OrganizationId(), "READY", 2, R"({"version":2})"},
                  [&](PublishOutcome outcome) { outcomes.push_back(outcome); });
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].reached == 1);
  CHECK(outcomes[0].failed_shards == 0);
  CHECK(transport[1].received.size() == 3);
  CHECK(manager.disconnect_user("alice", CloseCode::unauthorized, "Revoked") == 1);
  CHECK(transport[1].code == CloseCode::unauthorized);
  manager.on_close(1);
  CHECK(manager.sessions() == 0);
}

TEST_CASE("a send that throws costs that connection alone", "[manager][faults]") {
  FaultyTransport transport;
  ConnectionManager<FaultyTransport, Services<Users, Yes>> manager(transport);
  for (int handle = 1; handle <= 5; ++handle) {
    manager.on_open(handle, "alice");
    manager.on_message(handle, subscribe("o"));
  }
  transport.poisoned = 3;
  transport.close_throws = GENERATE(false, true);
  CHECK(manager.publish(
            {"o", OwnerId("alice"), OrganizationId(), "READY", 2, R"({"version":2})"}) == 4);
  CHECK(transport[3].closed);
  CHECK(transport[3].terminated == transport.close_throws);
  for (const int handle : {1, 2, 4, 5}) CHECK(transport[handle].received.size() == 2);
  CHECK(manager.connections() == 4);
}

TEST_CASE("an authenticator that throws closes with 1011, which is not final",
          "[manager][faults]") {
  FakeTransport transport;
  ConnectionManager<FakeTransport, Services<Users, Yes>> manager(transport);
  manager.on_open(1, "throws");
  CHECK(transport[1].code == CloseCode::internal_error);
  CHECK(manager.connections() == 0);
  manager.on_close(1);
  CHECK(manager.sessions() == 0);
}

TEST_CASE("what a seam is handed lives until its call returns", "[manager][faults]") {
  std::vector<std::string> seen;
  Limits limits;
  limits.abuse_threshold = 1;
  FakeTransport transport;
  using Seams = Services<Users, Audit>;
  ConnectionManager<FakeTransport, Seams> manager(transport, Seams{{}, {&seen}, {}, {}, {}},
                                                  limits);
  const std::string user(100, 'u');
  manager.on_open(1, user);
  manager.on_message(1, subscribe(std::string(100, 'o')));
  CHECK(transport[1].code == CloseCode::policy_violation);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0] == user + " " + std::string(100, 'o'));
}

TEST_CASE("an authorizer may close, disconnect or unsubscribe from inside its call",
          "[manager][faults]") {
  using Seams = Services<Users, Reentrant>;
  std::function<void()> act = [] {};
  FakeTransport transport;
  ConnectionManager<FakeTransport, Seams> manager(transport, Seams{{}, {&act}, {}, {}, {}});
  manager.on_open(1, "alice");
  SECTION("close") {
    act = [&] { manager.on_close(1); };
    manager.on_message(1, subscribe("o"));
    CHECK(manager.sessions() == 0);
  }
  SECTION("close, and another in its place") {
    act = [&] {
      act = [] {};
      manager.on_close(1);
      manager.on_open(1, "bob");
    };
    manager.on_message(1, subscribe("o"));
    CHECK(manager.sessions() == 1);
  }
  SECTION("disconnect") {
    act = [&] { manager.disconnect_user("alice", CloseCode::unauthorized, "Revoked"); };
    manager.on_message(1, subscribe("o"));
    CHECK(transport[1].closed);
  }
  SECTION("unsubscribe and subscribe another") {
    act = [&] {
      act = [] {};
      manager.on_message(1, R"({"type":"unsubscribe","orderId":"o"})");
      manager.on_message(1, subscribe("p"));
    };
    manager.on_message(1, subscribe("o"));
    CHECK(manager.publish(
              {"o", OwnerId("bob"), OrganizationId(), "READY", 2, R"({"version":2})"}) == 0);
    CHECK(manager.publish(
              {"p", OwnerId("bob"), OrganizationId(), "READY", 2, R"({"version":2})"}) == 1);
  }
  CHECK(manager.subscriptions() <= 1);
}

TEST_CASE("a ping behind data is not timed until the data are out", "[manager][faults]") {
  using Seams = Services<Users, Yes, NoSnapshots, NullObserver, ManualClock>;
  ManualClock clock;
  FakeTransport transport;
  transport.high_water = 8192;
  ConnectionManager<FakeTransport, Seams> manager(transport, Seams{{}, {}, {}, {}, clock}, {},
                                                  nullptr, 1);
  manager.on_open(1, "alice");
  manager.on_message(1, subscribe("o"));
  transport[1].reads = false;
  const auto json = R"({"version":2,"x":")" + std::string(3000, 'x') + "\"}";
  manager.publish({"o", OwnerId("alice"), OrganizationId(), "READY", 2, json});
  manager.ping_user("alice");
  SECTION("a slow reader that goes on is left alone") {
    for (int i = 0; i < 250; ++i) {  // 100 bytes a second.
      clock.advance(100ms);
      transport[1].buffered_bytes -= 10;
      manager.tick(clock.now());
    }
    CHECK_FALSE(transport[1].closed);
  }
  SECTION("one that takes nothing ends with the stall") {
    for (int i = 0; i < 320 && !transport[1].closed; ++i) {
      clock.advance(100ms);
      manager.tick(clock.now());
    }
    CHECK(transport[1].terminated);
  }
  SECTION("once they are out the pong has all of its time, however late that is") {
    const auto pass = [&](std::chrono::milliseconds time) {
      for (; time.count() > 0; time -= 100ms) {
        clock.advance(100ms);
        manager.tick(clock.now());
      }
    };
    const auto timeout = Limits{}.pong_timeout;
    pass(timeout - 200ms);
    CHECK_FALSE(transport.take(1));
    pass(timeout - 100ms);
    CHECK_FALSE(transport[1].closed);
    const bool answers = GENERATE(true, false);
    if (answers) manager.on_pong(1);
    pass(1s);
    CHECK(transport[1].terminated != answers);
  }
  SECTION("once the data are out the pong is due") {
    CHECK_FALSE(transport.take(1));
    for (int i = 0; i < 220 && !transport[1].closed; ++i) {
      clock.advance(100ms);
      manager.tick(clock.now());
    }
    CHECK(transport[1].terminated);
  }
}

TEST_CASE("control frames count in the rate, and a flood of them ends in 1008",
          "[manager][faults]") {
  FakeTransport transport;
  using Seams = Services<Users, Yes, NoSnapshots, NullObserver, ManualClock>;
  ManualClock clock;
  ConnectionManager<FakeTransport, Seams> manager(transport, Seams{{}, {}, {}, {}, clock});
  manager.on_open(1, "alice");
  for (int i = 0; i < 200; ++i) manager.on_control(1);
  CHECK(transport[1].received.empty());
  for (int i = 0; i < 100; ++i) manager.on_control(1);
  CHECK(transport[1].code == CloseCode::policy_violation);
}

TEST_CASE("limits at the ends of their types overflow nothing", "[manager][faults]") {
  Limits limits;
  limits.ping_interval = (std::chrono::milliseconds::max)();
  limits.pong_timeout = (std::chrono::milliseconds::max)();
  limits.write_stall_timeout = (std::chrono::milliseconds::max)();
  limits.answer_timeout = (std::chrono::milliseconds::max)();
  limits.abuse_window = (std::chrono::milliseconds::max)();
  limits.retry_for = (std::chrono::milliseconds::max)();
  OneClient<Yes> one(limits);
  one.manager.on_message(1, "nonsense");
  one.manager.ping_user("alice");
  one.clock.advance(1s);
  one.manager.on_message(1, "nonsense");
  one.manager.on_pong(1);
  one.clock.advance(24h);
  one.manager.tick(one.clock.now());
  CHECK_FALSE(one.transport[1].closed);
  one.manager.begin_drain((std::chrono::milliseconds::max)());
  CHECK(one.transport[1].code == CloseCode::service_restart);
}

TEST_CASE("an impossible limit is named when the manager is constructed", "[manager]") {
  Limits limits;
  limits.pong_timeout = -1ms;
  FakeTransport transport;
  using Manager = ConnectionManager<FakeTransport>;
  CHECK_THROWS_WITH(Manager(transport, {}, limits),
                    "Limits::pong_timeout is negative: -1 ms; 0 or more is allowed");
  limits.pong_timeout = 0ms;
  CHECK_NOTHROW(Manager(transport, {}, limits));
}

TEST_CASE("waits before a store is asked again overflow nothing", "[manager][faults]") {
  Limits limits;
  limits.retry_first = (std::chrono::milliseconds::max)() / 4;
  limits.retry_most = (std::chrono::milliseconds::max)();
  limits.retry_for = (std::chrono::milliseconds::max)();
  OneClient<Trouble> one(limits);
  one.clock.advance(24h);
  one.manager.tick(one.clock.now());
  CHECK(one.manager.subscriptions() == 1);
}

TEST_CASE("a version that the JSON does not say is counted", "[manager][faults]") {
  struct Counting : NullObserver {
    int* count = nullptr;
    void on_version_mismatch(std::string_view /*id*/, std::uint64_t /*version*/) { ++*count; }
  };
  using Seams = Services<Users, Yes, NoSnapshots, Counting>;
  int count = 0;
  Seams seams;
  seams.observer.count = &count;
  FakeTransport transport;
  ConnectionManager<FakeTransport, Seams> manager(transport, seams);
  manager.on_open(1, "alice");
  manager.publish({"o", OwnerId("alice"), OrganizationId(), "READY", 2,
                   R"({"id":"o","items":[{"version":9}],"version": 2})"});
  manager.publish({"o", OwnerId("alice"), OrganizationId(), "READY", 0, R"({"id":"o"})"});
  CHECK(count == 0);
  manager.publish(
      {"o", OwnerId("alice"), OrganizationId(), "READY", 3, R"({"id":"o","x":"\"version\":3"})"});
  CHECK(count == 1);
}
