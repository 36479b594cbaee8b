// SPDX-License-Identifier: MIT
// What every backplane does. A new engine is added to engines.hpp and to the lists here.
#include "backplane/engines.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;

namespace {

/// A node that listens to the stream.
template <class Engine>
struct Listener {
  explicit Listener(const Engine& engine, std::optional<BackplanePosition> after = {})
      : node(engine.join()) {
    node->backplane.subscribe(heard.receiver(), std::move(after));
    if (!eventually([this] { return node->backplane.hears(); })) {
      throw std::runtime_error("the node does not hear");
    }
  }
  Listener(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener& operator=(Listener&&) = delete;
  ~Listener() { node->backplane.stop(); }
  auto& backplane() { return node->backplane; }

  Heard heard;
  std::unique_ptr<typename Engine::Node> node;
};

constexpr auto stored = BackplaneAnswer::stored;

}  // namespace

#define ON_EACH_ENGINE(sentence) \
  TEMPLATE_TEST_CASE(sentence, "[backplane]", InProcessEngine, NatsEngine)

ON_EACH_ENGINE("a backplane: nodes hear each other's changes and their own, in one order") {
  const TestType engine;
  Listener<TestType> a(engine);
  Listener<TestType> b(engine);

  for (std::uint64_t version = 1; version <= 20; ++version) {
    auto& publisher = version % 2 == 0 ? a : b;
    REQUIRE(publish(publisher.backplane(), change("order-1", version)) == stored);
  }

  REQUIRE(a.heard.wait_for_orders(20));
  REQUIRE(b.heard.wait_for_orders(20));
  const auto at_a = a.heard.orders();
  const auto at_b = b.heard.orders();
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(at_a[i].version == i + 1);
    CHECK(at_b[i].version == i + 1);
    CHECK(at_a[i].sequence == at_b[i].sequence);
    CHECK(at_a[i].own == (at_a[i].version % 2 == 0));
    CHECK(at_b[i].own != at_a[i].own);
  }
  CHECK(a.backplane().behind() == 0);
  CHECK(b.backplane().behind() == 0);
}

ON_EACH_ENGINE("a backplane: every field arrives as it was published, whatever the ids hold") {
  const TestType engine;
  Listener<TestType> a(engine);
  Listener<TestType> b(engine);
  const std::vector<std::string> ids{"o.1",
                                     "*",
                                     ">",
                                     "a b",
                                     "=2A",
                                     "\xC3\xA4\xE2\x82\xAC",
                                     "\t\r\n",
                                     std::string(1, '\0'),
                                     std::string(max_order_id_bytes, '.')};

  std::uint64_t version = max_version;
  for (const auto& id : ids) {
    const OrderEvent event{id,        OwnerId(id),     OrganizationId(id), id,
                           version--, R"({"a":"\n"})", AssigneeId(id)};
    REQUIRE(publish(a.backplane(), event) == stored);
  }

  REQUIRE(b.heard.wait_for_orders(ids.size()));
  const auto orders = b.heard.orders();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    CHECK(orders[i].id == ids[i]);
    CHECK(orders[i].owner == ids[i]);
    CHECK(orders[i].organization == ids[i]);
    CHECK(orders[i].assignee == ids[i]);
    CHECK(orders[i].status == ids[i]);
    CHECK(orders[i].version == max_version - i);
    CHECK(orders[i].json == R"({"a":"\n"})");
  }
}

ON_EACH_ENGINE("a backplane: notices arrive, and what is none is refused") {
  const TestType engine;
  Listener<TestType> a(engine);
  Listener<TestType> b(engine);

  REQUIRE(publish(a.backplane(), BackplaneNotice{"log-out", "alice\n1"}) == stored);
  REQUIRE(publish(a.backplane(), BackplaneNotice{"log-out", ""}) == stored);
  REQUIRE(b.heard.wait_for_notices(2));
  CHECK(b.heard.notices()[0] == std::pair<std::string, std::string>("log-out", "alice\n1"));
  CHECK(b.heard.notices()[1].second.empty());

  const auto refused = BackplaneAnswer::refused;
  CHECK(publish(a.backplane(), BackplaneNotice{"", "x"}) == refused);
  CHECK(publish(a.backplane(), BackplaneNotice{"Log.Out", "x"}) == refused);
  const std::string long_text(max_notice_bytes + 1, 'x');
  CHECK(publish(a.backplane(), BackplaneNotice{"log-out", long_text}) == refused);
  CHECK(publish(a.backplane(), change("", 1)) == refused);
  CHECK(publish(a.backplane(), change(std::string(max_order_id_bytes + 1, 'x'), 1)) == refused);
}

ON_EACH_ENGINE("a backplane: who comes back with a position goes on behind it") {
  const TestType engine;
  Listener<TestType> a(engine);
  std::optional<BackplanePosition> position;
  {
    Listener<TestType> b(engine);
    REQUIRE(publish(a.backplane(), change("order-1", 1)) == stored);
    REQUIRE(b.heard.wait_for_orders(1));
    REQUIRE(eventually([&] { return b.backplane().position()->sequence > 0; }));
    position = b.backplane().position();
  }
  REQUIRE(publish(a.backplane(), change("order-1", 2)) == stored);
  REQUIRE(publish(a.backplane(), change("order-1", 3)) == stored);

  Listener<TestType> b(engine, position);
  REQUIRE(b.heard.wait_for_orders(2));
  CHECK(b.heard.versions() == std::vector<std::uint64_t>{2, 3});
  CHECK(b.backplane().behind() == 0);

  Listener<TestType> fresh(engine);
  REQUIRE(publish(a.backplane(), change("order-1", 4)) == stored);
  REQUIRE(fresh.heard.wait_for_orders(1));
  CHECK(fresh.heard.versions() == std::vector<std::uint64_t>{4});
}

ON_EACH_ENGINE("a backplane: a position that the stream can't go on from puts the node behind") {
  const TestType engine;
  Listener<TestType> a(engine);
  REQUIRE(publish(a.backplane(), change("order-1", 1)) == stored);
  REQUIRE(a.heard.wait_for_orders(1));
  auto position = *a.backplane().position();

  position.sequence += 1000;
  Listener<TestType> ahead(engine, position);
  CHECK(ahead.backplane().behind() == 1);

  Listener<TestType> elsewhere(engine, BackplanePosition{"another", 1});
  CHECK(elsewhere.backplane().behind() == 1);
}

ON_EACH_ENGINE("a backplane: a node that was cut off says so, and misses nothing that is kept") {
  const TestType engine;
  Listener<TestType> a(engine);
  Listener<TestType> b(engine);
  REQUIRE(publish(a.backplane(), change("order-1", 1)) == stored);
  REQUIRE(b.heard.wait_for_orders(1));

  b.node->cut_off();
  REQUIRE(eventually([&] { return !b.backplane().hears(); }));
  CHECK(b.backplane().behind() == 1);
  CHECK(publish(b.backplane(), change("order-2", 1)) == BackplaneAnswer::unavailable);
  REQUIRE(publish(a.backplane(), change("order-1", 2)) == stored);
  b.node->reconnect();

  REQUIRE(b.heard.wait_for_orders(2));
  REQUIRE(eventually([&] { return b.backplane().hears(); }));
  CHECK(b.heard.versions() == std::vector<std::uint64_t>{1, 2});
  CHECK(b.backplane().behind() == 1);
}

ON_EACH_ENGINE("a backplane: a node whose part of the stream is gone is behind once more") {
  const TestType engine;
  Listener<TestType> a(engine);
  Listener<TestType> b(engine);
  b.node->cut_off();
  REQUIRE(eventually([&] { return !b.backplane().hears(); }));
  REQUIRE(publish(a.backplane(), change("order-1", 1)) == stored);
  REQUIRE(a.heard.wait_for_orders(1));
  engine.purge();
  b.node->reconnect();

  REQUIRE(b.heard.wait_for_reason("the stream no longer has what was missed"));
  REQUIRE(eventually([&] { return b.backplane().hears(); }));
  CHECK(b.backplane().behind() == 2);
  REQUIRE(publish(a.backplane(), change("order-1", 2)) == stored);
  REQUIRE(b.heard.wait_for_orders(1));
  CHECK(b.heard.versions() == std::vector<std::uint64_t>{2});
}

ON_EACH_ENGINE("a backplane: what a receiver throws on counts as missed, and the rest arrives") {
  const TestType engine;
  Listener<TestType> a(engine);
  a.heard.then([](const OrderEvent& event) {
    if (event.version == 1) throw std::runtime_error("planned");
  });

  REQUIRE(publish(a.backplane(), change("order-1", 1)) == stored);
  REQUIRE(publish(a.backplane(), change("order-1", 2)) == stored);

  REQUIRE(a.heard.wait_for_orders(2));
  CHECK(a.backplane().behind() == 1);
}

ON_EACH_ENGINE("a backplane: a receiver may publish") {
  const TestType engine;
  Listener<TestType> a(engine);
  a.heard.then([&](const OrderEvent& event) {
    if (event.version < 5) {
      a.backplane().publish(change("order-1", event.version + 1), [](BackplaneAnswer) {});
    }
  });

  REQUIRE(publish(a.backplane(), change("order-1", 1)) == stored);

  REQUIRE(a.heard.wait_for_orders(5));
  CHECK(a.heard.versions() == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
}

ON_EACH_ENGINE("a backplane: several threads publish, and each change arrives once") {
  const TestType engine;
  Listener<TestType> a(engine);
  Listener<TestType> b(engine);
  constexpr std::size_t each = 200;
  std::atomic<std::size_t> acknowledged{0};

  std::vector<std::thread> threads;
  for (const char* id : {"order-1", "order-2", "order-3"}) {
    threads.emplace_back([&, id] {
      for (std::uint64_t version = 1; version <= each; ++version) {
        a.backplane().publish(change(id, version), [&](BackplaneAnswer answer) {
          if (answer == stored) ++acknowledged;
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();

  REQUIRE(b.heard.wait_for_orders(3 * each));
  REQUIRE(a.heard.wait_for_orders(3 * each));
  CHECK(eventually([&] { return acknowledged == 3 * each; }));
  const auto at_a = a.heard.orders();
  const auto at_b = b.heard.orders();
  CHECK(at_a.size() == 3 * each);
  CHECK(at_b.size() == 3 * each);
  bool same = true;
  for (std::size_t i = 0; i < 3 * each; ++i) {
    same = same && at_a[i].id == at_b[i].id && at_a[i].version == at_b[i].version;
  }
  CHECK(same);
}

ON_EACH_ENGINE("a backplane: each publish is answered once, also when it is stopped at once") {
  const TestType engine;
  std::atomic<std::size_t> answers{0};
  Listener<TestType> a(engine);
  for (std::uint64_t version = 1; version <= 100; ++version) {
    a.backplane().publish(change("order-1", version), [&](BackplaneAnswer) { ++answers; });
  }
  a.backplane().stop();
  CHECK(answers == 100);
  CHECK(publish(a.backplane(), change("order-1", 101)) == BackplaneAnswer::unavailable);
  const auto before = a.heard.orders().size();
  CHECK(a.heard.orders().size() == before);
}
