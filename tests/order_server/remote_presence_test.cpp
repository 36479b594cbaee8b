// SPDX-License-Identifier: MIT
#include "realtime/remote_presence.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace order_server;
using namespace std::chrono_literals;
using ordercast::TimePoint;

namespace {

/// Three nodes on a bus that delivers when a test says so, with a manual clock.
struct World {
  struct Node {
    std::vector<std::function<void(std::optional<TimePoint>)>> asked;  ///< Of its connections.
    std::vector<bool> pings;
    std::optional<RemotePresence> presence;
  };
  struct Notice {
    std::string from;
    std::string kind;
    std::string question;
    std::string user;
  };

  explicit World(std::size_t most_open = 8) {
    for (const auto* name : {"a", "b", "c"}) {
      auto& node = nodes[name];
      node.presence.emplace(
          [&node](const std::string& /*user*/, bool ping,
                  std::function<void(std::optional<TimePoint>)> done) {
            node.asked.push_back(std::move(done));
            node.pings.push_back(ping);
          },
          [this, name](std::string_view kind, const std::string& question,
                       const std::string& user) {
            bus.push_back({name, std::string(kind), question, user});
          },
          [this] { return now; }, RemotePresenceOptions{3s, most_open, name});
    }
  }

  void deliver() {
    for (const auto& notice : std::exchange(bus, {})) {
      for (auto& [name, node] : nodes) {
        if (name == notice.from) continue;
        if (notice.kind == presence_question) {
          node.presence->on_question(notice.question, notice.user);
        } else {
          node.presence->on_answer(notice.question);
        }
      }
    }
  }
  void ask() {
    nodes["a"].presence->ask("alice", [this] { ++yes; });
    deliver();
  }
  /// A connection of the user at `node` last answered a ping then; nullopt: there is none.
  void answer(const std::string& node, std::optional<TimePoint> heard) {
    nodes[node].asked.back()(heard);
  }
  void step() {
    for (auto& [name, node] : nodes) node.presence->step();
    deliver();
  }

  TimePoint now{100s};
  std::map<std::string, Node> nodes;
  std::vector<Notice> bus;
  int yes = 0;
};

}  // namespace

TEST_CASE("the question whether a user looks goes to every other node, with a ping", "[presence]") {
  World world;
  world.ask();
  CHECK(world.nodes["a"].asked.empty());
  for (const auto* other : {"b", "c"}) CHECK(world.nodes[other].pings == std::vector<bool>{true});
  world.answer("b", std::nullopt);
  world.answer("c", world.now);
  world.step();
  CHECK(world.yes == 1);
  CHECK(world.bus.empty());
}

TEST_CASE("two nodes at which a user looks are one yes", "[presence]") {
  World world;
  world.ask();
  world.answer("b", world.now);
  world.answer("c", world.now);
  world.step();
  world.step();
  CHECK(world.yes == 1);
}

TEST_CASE("a connection that has not answered since the question is asked again", "[presence]") {
  World world;
  world.ask();
  world.answer("b", TimePoint::min());
  world.answer("c", world.now - 1s);
  world.step();
  CHECK(world.yes == 0);
  CHECK(world.nodes["b"].pings == std::vector<bool>{true, false});
  world.now += 1s;
  world.answer("b", world.now);
  world.step();
  CHECK(world.yes == 1);
  const auto asked = world.nodes["b"].pings.size();
  world.step();
  CHECK(world.nodes["b"].pings.size() == asked);
}

TEST_CASE("a question is forgotten after its time, on both sides", "[presence]") {
  World world;
  world.ask();
  const auto late = world.nodes["b"].asked.back();
  world.now += 3001ms;
  world.step();
  const auto asked = world.nodes["b"].asked.size();
  world.step();
  CHECK(world.nodes["b"].asked.size() == asked);
  late(world.now);
  world.step();
  CHECK(world.yes == 0);
}

TEST_CASE("an answer that came to a node which has ended changes nothing", "[presence]") {
  World world;
  world.ask();
  const auto late = world.nodes["b"].asked.back();
  world.nodes["b"].presence.reset();
  late(world.now);
  CHECK(world.bus.empty());
}

TEST_CASE("answers to a third node, and to no question, are ignored", "[presence]") {
  World world;
  world.nodes["a"].presence->on_answer("b-0");
  world.nodes["a"].presence->on_answer("");
  world.ask();
  world.nodes["a"].presence->on_answer("b-0");
  CHECK(world.yes == 0);
}

TEST_CASE("open questions are bounded on both sides, and there is room again", "[presence]") {
  World world(2);
  for (int i = 0; i < 5; ++i) world.ask();
  CHECK(world.nodes["b"].asked.size() == 2);
  for (int i = 0; i < 5; ++i) world.nodes["b"].presence->on_question("x-" + std::to_string(i), "u");
  CHECK(world.nodes["b"].asked.size() == 2);
  world.now += 3001ms;
  world.step();
  world.ask();
  CHECK(world.nodes["b"].pings.back());
  world.answer("b", world.now);
  world.step();
  CHECK(world.yes == 1);
}
