// SPDX-License-Identifier: MIT
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using test::FakeTransport;
using test::ManualClock;

struct Users {
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    return Identity{std::string(token), Reach::own};
  }
};

/// What the seams of one test answer.
struct Answers {
  Access access = Access::granted;
  bool store_works = true;
  bool throws = false;
  std::size_t order_bytes = 10;
  std::uint64_t version = 7;
  int authorized = 0;
  int fetched = 0;
  int fetching = 0;
  int most_fetching = 0;
  bool later = false;
  std::vector<std::function<void()>> waiting;
  std::vector<std::string> order_of_fetches;

  std::string json() const {
    return R"({"version":)" + std::to_string(version) + R"(,"x":")" +
           std::string(order_bytes, 'x') + "\"}";
  }
  void answer(std::function<void()> call) {
    if (later) {
      waiting.push_back(std::move(call));
    } else {
      call();
    }
  }
  void answer_all() {
    while (!waiting.empty()) {
      const auto call = waiting.front();
      waiting.erase(waiting.begin());
      call();
    }
  }
};

struct Authorizer {
  Answers* answers;
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order*/, Done done) const {
    ++answers->authorized;
    if (answers->throws) throw std::runtime_error("expected by a test");
    answers->answer([done, access = answers->access] { done(access); });
  }
};
struct Orders {
  Answers* answers;
  template <class Done>
  void fetch(std::string_view order_id, Done done) const {
    ++answers->fetched;
    answers->order_of_fetches.emplace_back(order_id);
    answers->most_fetching = std::max(answers->most_fetching, ++answers->fetching);
    if (answers->throws) {
      --answers->fetching;
      throw std::bad_alloc();
    }
    answers->answer([this, done, works = answers->store_works,
                     snapshot = OrderSnapshot{answers->version, answers->json()}] {
      --answers->fetching;
      if (works) {
        done(std::optional<OrderSnapshot>(snapshot));
      } else {
        done(Unavailable{});
      }
    });
  }
};
using Seams = Services<Users, Authorizer, Orders, NullObserver, ManualClock>;

struct Scene {
  explicit Scene(Limits limits = {}) : manager(transport, seams(), limits, nullptr, 1) {
    manager.on_open(1, "alice");
  }
  Seams seams() { return Seams{{}, {&answers}, {&answers}, {}, clock}; }
  void subscribe(const std::string& order, const std::string& more = "") {
    manager.on_message(1, R"({"type":"subscribe","orderId":")" + order + "\"" + more + "}");
  }
  void publish(const std::string& order, std::uint64_t version) {
    answers.version = version;
    const auto json = answers.json();
    manager.publish({order, OwnerId("bob"), OrganizationId(), "READY", version, json});
  }
  void pass(Duration time) {
    const auto end = clock.now() + time;
    while (clock.now() < end) {
      clock.advance(100ms);
      manager.tick(clock.now());
      manager.on_pong(1);
    }
  }
  /// Reads all that waits, as a slow but willing reader does.
  void read_all() {
    for (int i = 0; i < 1000; ++i) {
      if (transport.take(1)) {
        manager.on_writable(1);
      } else {
        return;
      }
    }
  }
  [[nodiscard]] std::size_t count(const std::string& part) {
    const auto& got = transport[1].received;
    return static_cast<std::size_t>(std::count_if(got.begin(), got.end(), [&](const auto& text) {
      return text.find(part) != std::string::npos;
    }));
  }

  Answers answers;
  ManualClock clock;
  FakeTransport transport;
  ConnectionManager<FakeTransport, Seams> manager;
};

}  // namespace

TEST_CASE("orders that do not fit the outbox all arrive, and nobody is closed",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_bytes = 64 * 1024;
  Scene s(limits);
  s.transport.high_water = 16 * 1024;
  s.answers.order_bytes = GENERATE(std::size_t{18'000}, std::size_t{500'000});
  s.transport[1].reads = false;
  for (int i = 0; i < 100; ++i) s.subscribe("o-" + std::to_string(i), R"(,"since":0)");
  CHECK_FALSE(s.transport[1].closed);
  // At most the transport's share and the outbox, each with one message above its bound.
  CHECK(s.transport[1].buffered_bytes < s.transport.high_water + s.answers.order_bytes + 200);
  s.read_all();
  CHECK_FALSE(s.transport[1].closed);
  for (int i = 0; i < 100; ++i) CHECK(s.count("\"o-" + std::to_string(i) + "\"") == 1);
}

TEST_CASE("debts are read in the order of subscribing, a few at a time", "[manager][debts]") {
  Scene s;
  s.answers.later = true;
  for (int i = 0; i < 20; ++i) s.subscribe("o-" + std::to_string(i), R"(,"since":0)");
  s.answers.answer_all();
  CHECK(s.answers.most_fetching == 4);
  REQUIRE(s.answers.order_of_fetches.size() == 20);
  for (int i = 0; i < 20; ++i) {
    CHECK(s.answers.order_of_fetches[static_cast<std::size_t>(i)] == "o-" + std::to_string(i));
  }
}

TEST_CASE("a change that does not fit is read again when there is room", "[manager][debts]") {
  Limits limits;
  limits.max_outbox_messages = 3;
  Scene s(limits);
  s.transport.high_water = 1;
  for (int i = 0; i < 10; ++i) s.subscribe("o-" + std::to_string(i));
  s.transport[1].reads = false;
  for (std::uint64_t version = 8; version < 12; ++version) {
    for (int i = 0; i < 10; ++i) s.publish("o-" + std::to_string(i), version);
  }
  CHECK_FALSE(s.transport[1].closed);
  s.read_all();
  for (int i = 0; i < 10; ++i) {
    const auto id = "\"o-" + std::to_string(i) + "\"";
    CHECK(s.count(id + R"(,"data":{"version":11)") == 1);
  }
  s.transport[1].reads = true;
  s.publish("o-3", 12);
  CHECK(s.count(R"("version":12)") == 1);
}

TEST_CASE("a store that is behind what it committed is read again", "[manager][debts]") {
  Limits limits;
  limits.max_outbox_messages = 1;
  Scene s(limits);
  s.transport.high_water = 1;
  s.subscribe("a");
  s.subscribe("b");
  s.transport[1].reads = false;
  s.publish("a", 8);
  s.publish("a", 9);
  s.publish("b", 9);  // Owed: the outbox is full.
  s.answers.version = 8;
  s.read_all();
  CHECK(s.count(R"("b")") == 0);
  s.answers.version = 9;
  s.pass(1s);
  s.read_all();
  CHECK(s.count(R"("orderId":"b","data":{"version":9)") == 1);
}

TEST_CASE("a change that can go out pays the debt, and the answer under way is dropped",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_messages = 1;
  Scene s(limits);
  s.transport.high_water = 1;
  s.subscribe("a");
  s.subscribe("b");
  s.transport[1].reads = false;
  s.publish("a", 8);
  s.publish("a", 9);
  s.publish("b", 9);
  s.answers.later = true;
  s.read_all();
  s.transport[1].reads = true;
  s.publish("b", 8);  // Late and older: not news.
  CHECK(s.count(R"("b")") == 0);
  s.publish("b", 10);
  CHECK(s.count(R"("orderId":"b","data":{"version":10)") == 1);
  s.answers.answer_all();
  CHECK(s.count(R"("b")") == 1);
}

TEST_CASE("unsubscribing ends a debt", "[manager][debts]") {
  Scene s;
  s.answers.later = true;
  s.subscribe("a", R"(,"since":0)");
  s.manager.on_message(1, R"({"type":"unsubscribe","orderId":"a"})");
  s.answers.answer_all();
  CHECK(s.transport[1].received.empty());
  CHECK(s.manager.subscriptions() == 0);
}

TEST_CASE("trouble is no denial: the server asks again and then answers", "[manager][debts]") {
  Scene s;
  const bool at_authorizer = GENERATE(true, false);
  const bool by_exception = GENERATE(true, false);
  CAPTURE(at_authorizer, by_exception);
  if (by_exception) s.answers.throws = true;
  if (at_authorizer) s.answers.access = Access::unavailable;
  s.answers.store_works = false;
  s.subscribe("a", R"(,"since":0)");
  CHECK(s.count(R"("code":"unavailable")") == 1);
  s.pass(50s);
  CHECK(s.count(R"("code":"unavailable")") == 1);
  CHECK(s.count("subscription_denied") == 0);
  CHECK(s.manager.subscriptions() == 1);
  CHECK(s.answers.authorized + s.answers.fetched < 40);
  s.answers.access = Access::granted;
  s.answers.store_works = true;
  s.answers.throws = false;
  s.pass(6s);
  CHECK(s.count(R"("order:updated")") == 1);
  s.publish("a", 8);
  CHECK(s.count(R"("order:updated")") == 2);
}

TEST_CASE("trouble that stays ends the subscription with unavailable", "[manager][debts]") {
  Scene s;
  s.answers.access = Access::unavailable;
  s.subscribe("a");
  s.pass(70s);
  CHECK(s.count(R"("code":"unavailable","message")") == 2);
  CHECK(s.count(R"("orderId":"a")") == 2);
  CHECK(s.manager.subscriptions() == 0);
  CHECK_FALSE(s.transport[1].closed);
  const auto asked = s.answers.authorized;
  s.pass(70s);
  CHECK(s.answers.authorized == asked);
  s.answers.access = Access::granted;
  s.subscribe("a", R"(,"since":0)");
  CHECK(s.count(R"("order:updated")") == 1);
}

TEST_CASE("a seam that never answers is asked again, and its late answer is void",
          "[manager][debts]") {
  Scene s;
  s.answers.later = true;
  s.subscribe("a", R"(,"since":0)");
  REQUIRE(s.answers.waiting.size() == 1);
  const auto late = s.answers.waiting.front();
  s.answers.waiting.clear();
  s.answers.access = Access::denied;
  s.pass(32s);
  REQUIRE(s.answers.waiting.size() == 1);
  late();
  CHECK(s.count("subscription_denied") == 0);
  s.answers.answer_all();
  CHECK(s.count("subscription_denied") == 1);
}

TEST_CASE("of what waits for an authorizer the greatest version goes out", "[manager][debts]") {
  Scene s;
  s.answers.later = true;
  s.subscribe("a");
  SECTION("a late older one is dropped") {
    s.publish("a", 3);
    s.publish("a", 2);
    s.answers.answer_all();
    CHECK(s.count(R"("version":3)") == 1);
    CHECK(s.count(R"("version":2)") == 0);
  }
  SECTION("version 0 is always news") {
    s.publish("a", 3);
    s.publish("a", 0);
    s.answers.answer_all();
    CHECK(s.count(R"("version":0)") == 1);
  }
}

TEST_CASE("what waits for authorizers is bounded in bytes and still arrives", "[manager][debts]") {
  Limits limits;
  limits.max_outbox_bytes = 4096;
  Scene s(limits);
  s.answers.later = true;
  s.answers.order_bytes = 3000;
  for (int i = 0; i < 10; ++i) s.subscribe("o-" + std::to_string(i));
  for (int i = 0; i < 10; ++i) s.publish("o-" + std::to_string(i), 8);
  s.answers.answer_all();
  for (int i = 0; i < 10; ++i) CHECK(s.count("\"o-" + std::to_string(i) + "\"") == 1);
}

TEST_CASE("another store's since counts as absent, and the current order is sent",
          "[manager][debts]") {
  Scene s;
  s.manager.set_epoch("e1", "node-a");
  s.answers.version = 3;
  s.subscribe("a", R"(,"since":9,"epoch":"e0")");
  CHECK(s.count(R"("version":3)") == 1);
  s.subscribe("b", R"(,"since":9,"epoch":"e1")");
  CHECK(s.count(R"("orderId":"b")") == 0);
  s.subscribe("c", R"(,"epoch":"e0")");
  CHECK(s.count(R"("orderId":"c")") == 1);
  s.manager.on_open(2, "bob", true);
  REQUIRE(s.transport[2].received.size() == 1);
  CHECK(s.transport[2].received[0] == R"({"type":"hello","epoch":"e1","node":"node-a"})");
}

TEST_CASE("with limits off, leaving orders costs no memory that grows", "[manager][debts]") {
  Limits limits;
  limits.max_subscriptions = 0;
  limits.messages_per_second = 0;
  Scene s(limits);
  for (int i = 0; i < 5000; ++i) {
    const auto id = "o-" + std::to_string(i);
    s.subscribe(id, R"(,"since":0)");
    s.manager.on_message(1, R"({"type":"unsubscribe","orderId":")" + id + "\"}");
  }
  CHECK(s.manager.subscriptions() == 0);
  // The newest floor is remembered, one of long ago is not.
  s.answers.version = 1;
  s.subscribe("o-4999", R"(,"since":0)");
  CHECK(s.count("\"o-4999\"") == 1);
  s.subscribe("o-0", R"(,"since":0)");
  CHECK(s.count("\"o-0\"") == 2);
}

TEST_CASE("a subscription that trouble ends leaves nothing behind in a full outbox",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_messages = 3;
  Scene s(limits);
  s.transport.high_water = 1;
  s.subscribe("a");
  s.answers.store_works = false;
  s.subscribe("a", R"(,"since":0)");  // It stays open while it is read.
  s.pass(58s);
  s.answers.later = true;
  s.pass(6s);
  REQUIRE(s.answers.waiting.size() == 1);
  s.transport[1].reads = false;
  s.publish("a", 8);
  s.publish("a", 9);  // Waits.
  s.answers.answer_all();
  for (const auto* order : {"b", "c", "d", "e"}) s.subscribe(order);
  s.answers.answer_all();
  for (int i = 0; i < 5; ++i) s.manager.on_message(1, R"({"type":"ping"})");
  s.read_all();
  CHECK_FALSE(s.transport[1].closed);
  CHECK_FALSE(s.manager.subscriptions() == 5);
}

TEST_CASE("nobody is closed for what they asked for: answers wait until there is room",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_bytes = 400;  // Three answers.
  limits.max_outbox_messages = 4;
  Scene s(limits);
  s.transport.high_water = 200;
  s.transport[1].reads = false;
  SECTION("no") {
    s.answers.access = Access::denied;
  }
  SECTION("can't tell") {
    s.answers.access = Access::unavailable;
  }
  for (int i = 0; i < 50; ++i) s.subscribe("order-" + std::to_string(i));
  REQUIRE_FALSE(s.transport[1].closed);
  // It reads a little all the time.
  const auto end = s.clock.now() + 100s;
  while (s.clock.now() < end) {
    s.clock.advance(1s);
    if (s.transport.take(1)) s.manager.on_writable(1);
    s.manager.tick(s.clock.now());
    s.manager.on_pong(1);
  }
  s.read_all();
  CHECK_FALSE(s.transport[1].closed);
  CHECK(s.manager.subscriptions() == 0);
  for (int i = 0; i < 50; ++i) {
    CHECK(s.count(R"("orderId":"order-)" + std::to_string(i) + "\"") >= 1);
  }
}

TEST_CASE("leaving an order takes back an answer that waits", "[manager][debts]") {
  Scene s;
  s.transport.high_water = 1;
  s.transport[1].reads = false;
  s.answers.access = Access::denied;
  for (const auto* order : {"a", "b", "c"}) s.subscribe(order);
  CHECK(s.manager.subscriptions() == 1);
  s.manager.on_message(1, R"({"type":"unsubscribe","orderId":"c"})");
  CHECK(s.manager.subscriptions() == 0);
  s.read_all();
  CHECK(s.count("subscription_denied") == 2);
  s.answers.access = Access::granted;
  s.subscribe("c", R"(,"since":0)");
  s.transport[1].reads = true;
  s.read_all();
  CHECK(s.count(R"("order:updated")") == 1);
}

TEST_CASE("what is published meanwhile is kept from a client whose denial waits",
          "[manager][debts]") {
  Scene s;
  s.transport.high_water = 1;
  s.transport[1].reads = false;
  s.answers.access = Access::denied;
  for (const auto* order : {"a", "b", "c"}) s.subscribe(order);
  s.publish("c", 8);
  s.pass(5s);
  s.publish("c", 9);
  s.read_all();
  s.transport[1].reads = true;
  s.publish("c", 10);
  CHECK(s.count(R"("order:updated")") == 0);
  CHECK(s.count("subscription_denied") == 3);
}

TEST_CASE("one pong that waits answers all pings before it, and of equal errors one waits",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_messages = 3;
  limits.messages_per_second = 1;
  limits.message_burst = 20;
  Scene s(limits);
  s.transport.high_water = 1;
  s.transport[1].reads = false;
  for (int i = 0; i < 40; ++i) s.manager.on_message(1, i % 2 == 0 ? R"({"type":"ping"})" : "{}");
  CHECK_FALSE(s.transport[1].closed);
  s.transport[1].reads = true;
  s.read_all();
  CHECK(s.count("pong") == 2);
  CHECK(s.count("bad_message") == 1);
  CHECK(s.count("rate_limited") == 1);
}
