// SPDX-License-Identifier: MIT
#include "workers/watchdog.hpp"

#include "faulty_store.hpp"
#include "workers/store_health.hpp"

#include <catch2/catch.hpp>

#include <deque>

using namespace order_server;
using namespace std::chrono_literals;

namespace {

constexpr ordercast::TimePoint start{1h};

Watchdog::StillFor of(const Heartbeat& beat) {
  return [&beat](ordercast::TimePoint now) { return beat.still_for(now); };
}

}  // namespace

TEST_CASE("a part that beats is fine, one that stopped is named, and one that rests is not missed",
          "[watchdog]") {
  Heartbeat dispatcher;
  Heartbeat push;
  Watchdog watchdog;
  watchdog.add("dispatcher", PartKind::worker, 10s, of(dispatcher));
  watchdog.add("push", PartKind::worker, 20s, of(push));
  CHECK_FALSE(watchdog.stalled(start));  // neither has begun

  dispatcher.beat(start);
  push.beat(start);
  CHECK_FALSE(watchdog.stalled(start + 10s));
  CHECK(watchdog.stalled(start + 11s) == "dispatcher");
  dispatcher.beat(start + 15s);
  CHECK_FALSE(watchdog.stalled(start + 20s));
  CHECK(watchdog.stalled(start + 21s) == "push");
  push.rest();
  CHECK_FALSE(watchdog.stalled(start + 21s));
}

TEST_CASE("a standstill is counted once, however often it is looked at", "[watchdog]") {
  Heartbeat beat;
  Watchdog watchdog;
  watchdog.add("writer", PartKind::worker, 1s, of(beat));
  beat.beat(start);
  for (int i = 2; i < 9; ++i) watchdog.look(start + i * 1s);
  CHECK(watchdog.parts(start + 9s).at(0).stalls == 1);
  CHECK(watchdog.parts(start + 9s).at(0).stalled);
  CHECK(watchdog.parts(start + 9s).at(0).still_for == 9s);
  beat.beat(start + 9s);
  watchdog.look(start + 9s);
  CHECK_FALSE(watchdog.parts(start + 9s).at(0).stalled);
  watchdog.look(start + 12s);
  CHECK(watchdog.parts(start + 12s).at(0).stalls == 2);
}

TEST_CASE("what one answer says of a part is counted, and a later one of another thread agrees",
          "[watchdog]") {
  Heartbeat beat;
  Watchdog watchdog;
  watchdog.add("writer", PartKind::worker, 1s, of(beat));
  beat.beat(start);
  CHECK(watchdog.stalled(start + 2s) == "writer");  // nobody else looks before it recovers
  // A thread that read the clock earlier but got the lock later.
  CHECK(watchdog.stalled(start + 1s) == "writer");
  beat.beat(start + 3s);
  CHECK_FALSE(watchdog.stalled(start + 3s));
  CHECK(watchdog.parts(start + 3s).at(0).stalls == 1);
}

TEST_CASE("an I/O thread is alive while it answers, and one question at most waits for it",
          "[watchdog]") {
  std::deque<std::function<void()>> posted;
  Probe probe([&](std::function<void()> task) { posted.push_back(std::move(task)); });
  Heartbeat worker;
  Watchdog watchdog;
  watchdog.add("io-0", PartKind::io_thread, 10s,
               [&](ordercast::TimePoint now) { return probe.still_for(now); });
  watchdog.add("push", PartKind::worker, 10s, of(worker));
  worker.beat(start);

  probe.ask(start);
  probe.ask(start);
  for (int i = 1; i < 30; ++i) probe.ask(start + i * 1s);
  CHECK(posted.size() == 1);
  CHECK(watchdog.io_turns(start + 10s));
  CHECK_FALSE(watchdog.io_turns(start + 11s));
  CHECK(watchdog.stalled(start + 11s) == "io-0");

  posted.front()();
  CHECK(watchdog.io_turns(start + 31s));  // only push is stalled
  CHECK(watchdog.stalled(start + 31s) == "push");
  probe.ask(start + 31s);
  CHECK(posted.size() == 2);
}

TEST_CASE("readiness goes by the last check of the database, and by its age", "[watchdog]") {
  FaultyStore store;
  StoreHealth health;
  CHECK(health.works());
  store.check_failures = 2;
  health.check(store, start);
  CHECK_FALSE(health.works());
  health.check(store, start + 1s);
  CHECK_FALSE(health.works());
  health.check(store, start + 2s);
  CHECK(health.works());
  CHECK(health.still_for(start + 12s) == 10s);  // a check that does not come back
}
