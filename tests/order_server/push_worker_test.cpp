// SPDX-License-Identifier: MIT
#include "push/push_worker.hpp"

#include "push_world.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace order_server {

TEST_CASE("a change is pushed once, and then forgotten", "[push]") {
  World world;
  world.move_to(OrderStatus::confirmed);
  world.round();
  REQUIRE(world.sender.taken.size() == 1);
  CHECK(world.sender.taken.front() == std::pair<std::string, std::uint64_t>("token-1", 2));
  CHECK(world.stats().waiting == 0);
  world.rounds(3);
  CHECK(world.sender.taken.size() == 1);
  CHECK(world.metrics.pushes_sent.value() == 1);
}

TEST_CASE("what was not written down is not sent again meanwhile, and is after a crash", "[push]") {
  World world;
  world.move_to(OrderStatus::confirmed);
  world.make_worker();
  world.worker->turn();
  for (int i = 0; i < 3; ++i) world.worker->turn();
  CHECK(world.sender.taken.size() == 1);  // under way
  world.sender.poll(0ms);
  world.worker.reset();  // before anything was recorded
  world.round();
  CHECK(world.sender.taken.size() == 2);
  CHECK(world.stats().waiting == 0);
}

TEST_CASE("no more are under way than the sender takes", "[push]") {
  World world;
  world.sender.most = 3;
  for (int i = 2; i <= 11; ++i) {
    const auto id = "o-" + std::to_string(i);
    world.store.create_order(sample_order(id));
    world.move_to(OrderStatus::confirmed, id);
  }
  world.rounds(6);
  CHECK(world.sender.most_at_once == 3);
  CHECK(world.sender.taken.size() == 10);
  CHECK(world.stats().waiting == 0);
}

TEST_CASE("a device that is gone is forgotten, with all that waits for it", "[push]") {
  World world;
  world.store.add_device("user-1", "token-2", "ios", 200);
  world.sender.to_devices["token-1"] = {Kind::no_device, 0ms, "FCM answered 404 UNREGISTERED"};
  world.move_to(OrderStatus::confirmed);
  world.round();
  world.move_to(OrderStatus::preparing);
  world.rounds(2);
  std::size_t to_gone = 0;
  for (const auto& [token, version] : world.sender.taken) to_gone += token == "token-1" ? 1 : 0;
  CHECK(to_gone == 1);
  CHECK(world.sender.taken.size() == 3);
  CHECK(world.metrics.push_devices_removed.value() == 1);
  CHECK(number_in(world.dir.file(), "SELECT count(*) FROM devices") == 1);
}

TEST_CASE("a message that is refused again and again is given up and holds nobody up", "[push]") {
  World world;
  world.store.add_device("user-1", "token-2", "ios", 200);
  world.sender.to_devices["token-1"] = {Kind::rejected, 0ms, "FCM answered 400"};
  world.move_to(OrderStatus::confirmed);
  for (int i = 0; i < 12; ++i) {
    world.round();
    world.pass(61s);
  }
  std::size_t to_poisoned = 0;
  for (const auto& [token, version] : world.sender.taken) to_poisoned += token == "token-1" ? 1 : 0;
  CHECK(to_poisoned == static_cast<std::size_t>(world.options.max_failures));
  CHECK(world.metrics.pushes_sent.value() == 1);
  CHECK(world.stats().dead == 1);
  const auto letters = world.store.list_dead_letters(10);
  REQUIRE(letters.size() == 1);
  CHECK(letters.front().error == "FCM answered 400");

  // An operator retries it, and now it works.
  world.sender.to_devices.clear();
  CHECK(world.store.retry_dead_letters(letters.front().id, world.now_ms) == 1);
  world.round();
  CHECK(world.metrics.pushes_sent.value() == 2);
  CHECK(world.stats().dead == 0);
}

TEST_CASE("FCM is down for ten minutes: few attempts, little kept, the newest state afterwards",
          "[push]") {
  World world;
  constexpr int orders = 40;
  for (int i = 2; i <= orders; ++i)
    world.store.create_order(sample_order("o-" + std::to_string(i)));
  world.sender.answer = {Kind::unavailable, 0ms, "FCM can't be reached"};
  const auto to_all = [&](OrderStatus status) {
    for (int i = 1; i <= orders; ++i) world.move_to(status, "o-" + std::to_string(i));
  };
  to_all(OrderStatus::confirmed);
  for (int second = 0; second < 600; ++second) {
    if (second == 100) to_all(OrderStatus::preparing);
    if (second == 300) to_all(OrderStatus::ready);
    world.round();
    world.pass(1s);
  }
  const auto attempts = world.sender.taken.size();
  INFO(attempts << " attempts in ten minutes");
  CHECK(attempts >= 10);   // it keeps trying
  CHECK(attempts <= 100);  // one at a time, less and less often
  CHECK(world.stats().waiting ==
        orders);                   // one entry for each order and device, not for each change
  CHECK(world.stats().dead == 0);  // an outage does not count against a message

  world.sender.taken.clear();
  world.sender.answer = {};
  world.pass(61s);
  world.rounds(4);
  CHECK(world.stats().waiting == 0);
  REQUIRE(world.sender.taken.size() == orders);
  for (const auto& [token, version] : world.sender.taken) CHECK(version == 4);
}

TEST_CASE("an outage is over as soon as one message got through", "[push]") {
  World world;
  for (int i = 2; i <= 20; ++i) {
    world.store.create_order(sample_order("o-" + std::to_string(i)));
    world.move_to(OrderStatus::confirmed, "o-" + std::to_string(i));
  }
  world.sender.answer = {Kind::unavailable, 0ms, "FCM answered 503"};
  world.rounds(3);
  world.pass(61s);
  world.sender.taken.clear();
  world.sender.answer = {};
  world.worker->turn();
  CHECK(world.sender.under_way() == 1);  // one message probes
  world.sender.poll(0ms);
  world.worker->turn();
  CHECK(world.sender.under_way() == 18);  // and the others follow at once
}

TEST_CASE("Retry-After is kept to", "[push]") {
  World world;
  world.sender.answer = {Kind::throttled, 120s, "FCM answered 429 QUOTA_EXCEEDED"};
  world.move_to(OrderStatus::confirmed);
  world.rounds(2);
  const auto first = world.sender.taken.size();
  for (int second = 0; second < 119; ++second) {
    world.pass(1s);
    world.round();
  }
  CHECK(world.sender.taken.size() == first);
  world.pass(15s);  // a tenth more, so that all don't come back together
  world.sender.answer = {};
  world.round();
  CHECK(world.sender.taken.size() == first + 1);
  CHECK(world.stats().waiting == 0);
}

TEST_CASE("a newer version takes the place of one that waits", "[push]") {
  World world;
  world.change_while_throttled(60s);
  world.move_to(OrderStatus::preparing);
  world.move_to(OrderStatus::ready);
  world.sender.taken.clear();
  world.pass(70s);
  world.rounds(3);
  REQUIRE(world.sender.taken.size() == 1);
  CHECK(world.sender.taken.front().second == 4);
}

TEST_CASE("a newer version that comes while an older one is under way is sent as well", "[push]") {
  World world;
  world.move_to(OrderStatus::confirmed);
  world.make_worker();
  world.worker->turn();
  world.move_to(OrderStatus::preparing);
  world.worker->turn();
  CHECK(world.sender.taken.size() == 1);  // one entry, one at a time
  world.sender.poll(0ms);
  world.rounds(2);
  REQUIRE(world.sender.taken.size() == 2);
  CHECK(world.sender.taken.back().second == 3);
}

TEST_CASE("what nobody wants to hear any more is given up", "[push]") {
  World world;
  world.move_to(OrderStatus::confirmed);
  world.pass(25h);
  world.rounds(2);
  CHECK(world.sender.taken.empty());
  CHECK(world.stats().dead == 1);
}

TEST_CASE("a clock that is set does not hold pushes up", "[push]") {
  World world;
  world.change_while_throttled(60s);
  SECTION("back by a day: what was planned for later is due") {
    world.now_ms -= 24 * 3600 * 1000;
  }
  SECTION("forward by an hour") {
    world.now_ms += 3600 * 1000;
  }
  world.rounds(2);
  CHECK(world.metrics.pushes_sent.value() == 1);
}

}  // namespace order_server
