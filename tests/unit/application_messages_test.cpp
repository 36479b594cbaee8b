// SPDX-License-Identifier: MIT
// Messages of the application's own, to clients and from them.
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>
#include <ordercast/sharded.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using test::FakeTransport;
using test::ManualClock;

using Handle = FakeTransport::Handle;

/// "staff-ORG" is that organisation's staff, all others are customers.
struct Users {
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    if (token.rfind("staff-", 0) == 0) {
      return Identity{std::string(token), Reach::organization, std::string(token.substr(6))};
    }
    return Identity{std::string(token), Reach::own};
  }
};

/// Answers at once, or when the test says so.
struct Gate {
  bool authorize_later = false;
  bool read_later = false;
  Access access = Access::granted;
  std::vector<std::function<void()>> waiting;
  std::uint64_t version = 1;

  void open() {
    for (const auto& answer : std::exchange(waiting, {})) answer();
  }
};
struct GatedAuthorizer {
  Gate* gate;
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order*/, Done done) const {
    if (!gate->authorize_later) return done(gate->access);
    gate->waiting.push_back([done, this] { done(gate->access); });
  }
};
struct GatedOrders {
  Gate* gate;
  template <class Done>
  void fetch(std::string_view order_id, Done done) const {
    const auto answer = [done, id = std::string(order_id), this] {
      const auto version = std::to_string(gate->version);
      done(std::optional<OrderSnapshot>(
          {gate->version, R"({"id":")" + id + R"(","version":)" + version + "}"}));
    };
    if (!gate->read_later) return answer();
    gate->waiting.emplace_back(answer);
  }
};

/// What clients say in the application's own types.
struct Ears {
  std::vector<std::string> heard;
  std::function<bool(const IdentityView&, std::string_view, std::string_view)> answer;
};
struct Listening {
  Ears* ears;
  bool on_unknown(const IdentityView& who, std::string_view type, std::string_view message) const {
    ears->heard.push_back(std::string(who.user_id) + " " + std::string(type));
    return ears->answer ? ears->answer(who, type, message) : true;
  }
};

struct Stage {
  Gate gate;
  Ears ears;
  ManualClock clock;
  FakeTransport transport;
  using Seams = Services<Users, GatedAuthorizer, GatedOrders, NullObserver, ManualClock, Listening>;
  Limits limits;
  ConnectionManager<FakeTransport, Seams> manager;

  explicit Stage(Limits with = {})
      : limits(with), manager(transport, Seams{{}, {&gate}, {&gate}, {}, clock, {&ears}}, limits) {}

  void open(Handle handle, std::string_view token) { manager.on_open(handle, token); }
  void say(Handle handle, std::string_view text) { manager.on_message(handle, text); }
  void subscribe(Handle handle, const std::string& order, const std::string& more = "") {
    say(handle, R"({"type":"subscribe","orderId":")" + order + '"' + more + "}");
  }
  void publish(const std::string& order, std::uint64_t version) {
    gate.version = version;
    const auto json = R"({"id":")" + order + R"(","version":)" + std::to_string(version) + "}";
    manager.publish({order, OwnerId("nobody"), OrganizationId(), "READY", version, json});
  }
  /// The connection reads all that waits for it.
  void read(Handle handle) {
    for (int i = 0; i < 100; ++i) {
      if (transport.take(handle)) manager.on_writable(handle);
    }
  }
  std::vector<std::string>& got(Handle handle) { return transport[handle].received; }
};

/// Fills the transport's buffer of a connection that does not read.
void fill(Stage& s, Handle handle) {
  s.transport[handle].reads = false;
  s.manager.send_to_user("alice", {R"({"type":"filler","x":")" + std::string(2000, 'x') + "\"}"});
}

std::string own(const std::string& type, int number) {
  return R"({"type":")" + type + R"(","n":)" + std::to_string(number) + "}";
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("an application's message reaches its audience and no other connection",
          "[manager][application]") {
  Stage s;
  s.open(1, "alice");
  s.open(2, "alice");
  s.open(3, "bob");
  s.open(4, "staff-org");
  s.open(5, "staff-other");
  s.subscribe(3, "o");
  CHECK(s.manager.send_to_user("alice", {own("a", 1)}) == 2);
  CHECK(s.manager.send_to_watchers("o", {own("b", 2)}) == 1);
  CHECK(s.manager.send_to_organization("org", {own("c", 3)}) == 1);
  CHECK(s.manager.send_to_user("carol", {own("a", 1)}) == 0);
  CHECK(s.manager.send_to_watchers("p", {own("a", 1)}) == 0);
  CHECK(s.manager.send_to_organization("", {own("a", 1)}) == 0);
  CHECK(s.got(1) == Texts{own("a", 1)});
  CHECK(s.got(2) == Texts{own("a", 1)});
  CHECK(s.got(3) == Texts{own("b", 2)});
  CHECK(s.got(4) == Texts{own("c", 3)});
  CHECK(s.got(5).empty());
}

TEST_CASE("an application's message is framed once and has a type of its own",
          "[manager][application]") {
  Stage s;
  s.open(1, "alice");
  s.open(2, "alice");
  const auto before = FakeTransport::prepared();
  s.manager.send_to_user("alice", {own("a", 1)});
  CHECK(FakeTransport::prepared() == before + 1);
  for (const char* text :
       {"", "{}", "[]", R"({"type":7})", R"({"type":"pong"})", R"({"type":"hello"})",
        R"({"type":"error"})", R"({"type":"order:updated"})", R"({"x":{"type":"a"}})",
        R"({"type":"orders:changed"})", R"({"type":"\u0070ong"})", R"({"x":"type"})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(s.manager.send_to_user("alice", {text}), std::invalid_argument);
  }
  CHECK(s.got(1).size() == 1);
}

TEST_CASE("a connection that is not yet authorized for an order gets none of its messages",
          "[manager][application]") {
  Stage s;
  s.gate.authorize_later = true;
  s.open(1, "alice");
  s.subscribe(1, "o");
  CHECK(s.manager.send_to_watchers("o", {own("a", 1), "k"}) == 0);
  s.gate.access = Access::denied;
  s.gate.open();
  CHECK(s.manager.send_to_watchers("o", {own("a", 2), "k"}) == 0);
  for (const auto& text : s.got(1)) CHECK(text.find("\"a\"") == std::string::npos);
}

TEST_CASE("on a slow connection the newest message of a key waits, where it belongs",
          "[manager][application]") {
  Stage s;
  s.open(1, "alice");
  s.subscribe(1, "o");
  s.subscribe(1, "p");
  fill(s, 1);
  s.manager.send_to_watchers("o", {own("at", 1), "position"});
  s.manager.send_to_watchers("p", {own("at", 7), "position"});
  s.publish("o", 2);
  s.manager.send_to_user("alice", {own("say", 1)});
  s.manager.send_to_watchers("o", {own("at", 2), "position"});
  s.manager.send_to_user("alice", {own("say", 1)});
  s.manager.send_to_watchers("o", {own("at", 3), "position"});
  s.read(1);
  REQUIRE(s.got(1).size() == 6);
  CHECK(s.got(1)[1] == own("at", 7));
  CHECK(s.got(1)[2].find("order:updated") != std::string::npos);
  CHECK(s.got(1)[3] == own("say", 1));
  CHECK(s.got(1)[4] == own("say", 1));
  CHECK(s.got(1)[5] == own("at", 3));
}

TEST_CASE("a message never goes before the order that it follows", "[manager][application]") {
  Limits limits;
  limits.max_outbox_messages = 4;
  Stage s(limits);
  s.open(1, "alice");
  SECTION("when the order becomes a debt with the message behind it") {
    s.subscribe(1, "o");
    fill(s, 1);
    s.publish("o", 2);
    s.manager.send_to_watchers("o", {own("at", 1), "position"});
    for (int i = 0; i < 3; ++i) s.manager.send_to_user("alice", {own("say", i)});
  }
  SECTION("when the order is a debt already") {
    s.subscribe(1, "o");
    fill(s, 1);
    for (int i = 0; i < 4; ++i) s.manager.send_to_user("alice", {own("say", i)});
    s.publish("o", 2);
    CHECK(s.manager.send_to_watchers("o", {own("at", 0), "position"}) == 1);
    CHECK(s.manager.send_to_watchers("o", {own("at", 1), "position"}) == 1);
  }
  SECTION("when the order is being read") {
    s.gate.read_later = true;
    s.gate.version = 2;
    s.subscribe(1, "o", R"(,"since":0)");
    CHECK(s.manager.send_to_watchers("o", {own("at", 0), "position"}) == 1);
    CHECK(s.manager.send_to_watchers("o", {own("at", 1), "position"}) == 1);
    s.gate.open();
  }
  SECTION("when the order itself makes room for the message") {
    s.subscribe(1, "o");
    fill(s, 1);
    s.publish("o", 2);
    for (int i = 0; i < 3; ++i) s.manager.send_to_user("alice", {own("say", i)});
    CHECK(s.manager.send_to_watchers("o", {own("at", 1), "position"}) == 1);
  }
  s.read(1);
  auto& got = s.got(1);
  REQUIRE(got.size() >= 2);
  CHECK(got.back() == own("at", 1));
  CHECK(got[got.size() - 2].find(R"("version":2)") != std::string::npos);
  CHECK_FALSE(s.transport[1].closed);
}

TEST_CASE("an owed order that is sent stays before its messages, even if those do not fit",
          "[manager][application]") {
  Limits limits;
  limits.max_outbox_messages = 5;
  Stage s(limits);
  s.open(1, "alice");
  s.gate.read_later = true;
  s.subscribe(1, "o", R"(,"since":0)");
  for (int i = 0; i < 5; ++i) CHECK(s.manager.send_to_watchers("o", {own("at", i)}) == 1);
  fill(s, 1);
  s.manager.send_to_user("alice", {own("say", 1)});
  s.gate.open();
  s.gate.read_later = false;
  s.read(1);
  auto& got = s.got(1);
  REQUIRE(got.size() == 8);
  CHECK(got[1] == own("say", 1));
  CHECK(got[2].find("order:updated") != std::string::npos);
  for (int i = 0; i < 5; ++i) CHECK(got[static_cast<std::size_t>(i) + 3] == own("at", i));
}

TEST_CASE("messages to a user and to the organisation don't replace each other",
          "[manager][application]") {
  Stage s;
  s.open(1, "staff-org");
  s.transport[1].reads = false;
  s.manager.send_to_user("staff-org",
                         {R"({"type":"filler","x":")" + std::string(2000, 'x') + "\"}"});
  s.manager.send_to_user("staff-org", {own("say", 1), "key"});
  s.manager.send_to_organization("org", {own("say", 2), "key"});
  s.read(1);
  REQUIRE(s.got(1).size() == 3);
  CHECK(s.got(1)[1] == own("say", 1));
  CHECK(s.got(1)[2] == own("say", 2));
}

TEST_CASE("messages behind all owed orders together are bounded", "[manager][application]") {
  Limits limits;
  limits.max_outbox_messages = 8;
  Stage s(limits);
  s.open(1, "alice");
  s.subscribe(1, "o");
  s.subscribe(1, "p");
  fill(s, 1);
  s.publish("o", 2);
  for (int i = 0; i < 7; ++i) s.manager.send_to_watchers("o", {own("at", i)});
  s.manager.send_to_user("alice", {own("say", 1)});
  s.publish("p", 2);
  for (int i = 0; i < 6; ++i) s.manager.send_to_watchers("p", {own("at", i)});
  CHECK_FALSE(s.transport[1].closed);
  s.manager.send_to_user("alice", {own("say", 2)});
  CHECK(s.transport[1].code == CloseCode::too_slow);
}

TEST_CASE("messages without a key count against the outbox", "[manager][application]") {
  Limits limits;
  limits.max_outbox_messages = 8;
  Stage s(limits);
  s.open(1, "alice");
  fill(s, 1);
  for (int i = 0; i < 100; ++i) s.manager.send_to_user("alice", {own("say", i), "key"});
  CHECK_FALSE(s.transport[1].closed);
  for (int i = 0; i < 100; ++i) s.manager.send_to_user("alice", {own("say", i)});
  CHECK(s.transport[1].code == CloseCode::too_slow);
}

TEST_CASE("messages behind an owed order are bounded as well", "[manager][application]") {
  Limits limits;
  limits.max_outbox_messages = 8;
  Stage s(limits);
  s.open(1, "alice");
  s.gate.read_later = true;
  s.subscribe(1, "o", R"(,"since":0)");
  for (int i = 0; i < 8; ++i) CHECK(s.manager.send_to_watchers("o", {own("say", i)}) == 1);
  CHECK(s.manager.send_to_watchers("o", {own("say", 9)}) == 0);
  CHECK(s.transport[1].code == CloseCode::too_slow);
}

TEST_CASE("unsubscribing drops the messages on that order", "[manager][application]") {
  Stage s;
  s.open(1, "alice");
  s.subscribe(1, "o");
  s.subscribe(1, "oo");
  fill(s, 1);
  s.manager.send_to_watchers("o", {own("at", 1), "position"});
  s.manager.send_to_watchers("o", {own("at", 2)});
  s.manager.send_to_watchers("oo", {own("at", 3)});
  s.say(1, R"({"type":"unsubscribe","orderId":"o"})");
  s.read(1);
  REQUIRE(s.got(1).size() == 2);
  CHECK(s.got(1)[1] == own("at", 3));
}

TEST_CASE("a client's message of an unknown type is the application's to take",
          "[manager][application]") {
  Stage s;
  s.open(1, "alice");
  s.say(1, R"({"type":"where","at":[1,2]})");
  CHECK(s.ears.heard == Texts{"alice where"});
  CHECK(s.got(1).empty());

  s.ears.answer = [](auto&&...) { return false; };
  s.say(1, R"({"type":"other"})");
  REQUIRE(s.got(1).size() == 1);
  CHECK(s.got(1)[0].find("unknown_type") != std::string::npos);

  s.ears.heard.clear();
  s.say(1, "{\"type\":\"where\"");
  s.say(1, R"({"type":"subscribe"})");
  CHECK(s.ears.heard.empty());

  s.ears.answer = [&](const IdentityView& who, std::string_view, std::string_view message) {
    s.manager.disconnect_user(who.user_id, CloseCode::unauthorized, "Bye");
    CHECK(who.user_id == "alice");
    CHECK(message == R"({"type":"where"})");
    return true;
  };
  s.say(1, R"({"type":"where"})");
  CHECK(s.transport[1].code == CloseCode::unauthorized);

  s.open(2, "bob");
  s.ears.answer = [](auto&&...) -> bool { throw std::runtime_error("expected by a test"); };
  s.say(2, R"({"type":"where"})");
  CHECK(s.transport[2].code == CloseCode::internal_error);
}

TEST_CASE("an application's message reaches every shard once", "[sharded][application]") {
  FakeTransport first_transport;
  FakeTransport second_transport;
  using Manager = ConnectionManager<FakeTransport, Services<Users>>;
  Manager first(first_transport);
  Manager second(second_transport);
  Sharded<Manager> sharded;
  const auto now = [](const std::function<void()>& task) { task(); };
  sharded.add(first, now);
  sharded.add(second, [](const std::function<void()>& /*task*/) {});  // It has ended.
  first.on_open(1, "alice");
  second.on_open(1, "alice");
  std::optional<PublishOutcome> outcome;
  sharded.send_to_user("alice", {own("a", 1)}, [&](PublishOutcome end) { outcome = end; });
  REQUIRE(outcome);
  CHECK(outcome->reached == 1);
  CHECK(outcome->failed_shards == 1);
  CHECK(first_transport[1].received == Texts{own("a", 1)});
  CHECK_THROWS_AS(sharded.send_to_user("alice", {"{}"}), std::invalid_argument);
}
